"""What a role may do, and what no role may do together."""

import pytest

from gateway import roles
from gateway.roles import (
    PERMISSIONS,
    Permission,
    Role,
    held_apart,
    permissions_of,
    permits,
    why_apart,
)

CHANGES = {
    each for each in Permission if each.startswith(("manage_", "change_", "approve_", "open_"))
}


def test_every_role_has_its_row():
    assert set(PERMISSIONS) == set(Role)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.FINANCE, Role.DEVELOPER])
def test_who_reads_changes_nothing(role):
    assert not PERMISSIONS[role] & CHANGES


@pytest.mark.parametrize("role", [Role.ADMIN, Role.PLATFORM, Role.TEAM_LEAD, Role.SECURITY])
def test_who_runs_or_rules_reads_no_content(role):
    assert Permission.READ_CONTENT not in PERMISSIONS[role]


def test_who_changes_policy_does_not_approve_it():
    assert Permission.APPROVE_POLICY not in PERMISSIONS[Role.PLATFORM]
    assert Permission.CHANGE_POLICY not in PERMISSIONS[Role.SECURITY]


def test_roles_add_up():
    both = frozenset({"developer", "finance"})
    assert permissions_of(both) == PERMISSIONS[Role.DEVELOPER] | PERMISSIONS[Role.FINANCE]


def test_a_role_that_does_not_exist_may_do_nothing():
    assert not permits(frozenset({"root"}), Permission.USE_MODELS)


def test_every_permission_reads_or_changes():
    assert CHANGES == roles.CHANGES


@pytest.mark.parametrize("role", [Role.ADMIN, Role.TEAM_LEAD, Role.PLATFORM, Role.SECURITY])
def test_who_audits_changes_nothing_besides(role):
    both = frozenset({Role.AUDITOR.value, role.value, Role.DEVELOPER.value})
    assert role.value in str(why_apart(both))
    assert held_apart(both) == {"auditor", "developer"}


@pytest.mark.parametrize(
    "apart",
    [{"auditor", "developer", "finance"}, {"platform", "security", "admin"}, {"auditor", "root"}],
)
def test_other_roles_may_be_one_subjects(apart):
    assert why_apart(frozenset(apart)) is None
    assert held_apart(frozenset(apart)) == apart
