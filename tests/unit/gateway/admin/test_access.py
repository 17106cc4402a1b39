"""What somebody may do here follows from their roles, and a refusal says what is missing."""

import pytest

from gateway.admin.access import Caller
from gateway.admin.problems import Problem
from gateway.roles import Permission, Role
from policy.types import Identity

WIDE, OWN = Permission.READ_USAGE, Permission.READ_OWN_TEAM


def caller(*roles: str) -> Caller:
    return Caller(Identity("ann", "web", frozenset(roles), "key_a"))


def test_a_refusal_names_the_permission_and_who_has_it() -> None:
    caller(Role.PLATFORM).must(Permission.MANAGE_KEYS)
    with pytest.raises(Problem) as raised:
        caller(Role.FINANCE).must(Permission.MANAGE_KEYS)
    assert (raised.value.status, raised.value.code) == (403, "permission_missing")
    assert raised.value.detail == (
        "this takes the permission manage_keys, which admin, platform have; "
        "this key has the role finance"
    )


def test_who_sees_all_teams_is_not_narrowed() -> None:
    assert caller(Role.FINANCE).team_within(WIDE, OWN, None) is None
    assert caller(Role.FINANCE).team_within(WIDE, OWN, "data") == "data"


def test_a_team_lead_is_narrowed_to_the_own_team() -> None:
    lead = caller(Role.TEAM_LEAD)
    assert lead.team_within(WIDE, OWN, None) == lead.team_within(WIDE, OWN, "web") == "web"
    with pytest.raises(Problem, match="its own team, web, only"):
        lead.team_within(WIDE, OWN, "data")


@pytest.mark.parametrize("role", [Role.DEVELOPER, "unheard-of"])
def test_who_may_see_neither_sees_nothing(role: str) -> None:
    with pytest.raises(Problem, match="read_usage or read_own_team"):
        caller(role).team_within(WIDE, OWN, "web")


def test_a_change_is_made_by_the_key_that_asked() -> None:
    assert caller(Role.ADMIN).actor.told() == {"kind": "key", "name": "ann", "key_id": "key_a"}
