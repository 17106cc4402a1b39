"""Nobody sees, makes or ends a key that their roles do not reach."""

import pytest

from gateway.admin.access import Caller
from gateway.admin.key_rights import KeyRights
from gateway.admin.problems import Problem
from gateway.roles import Role
from policy.types import Identity
from tests.fakes.admin import AdminApi


def caller(*roles: Role, team: str = "web", key_id: str = "key_caller000000") -> Caller:
    return Caller(Identity("op", team, frozenset(roles), key_id))


@pytest.fixture
def rights(api: AdminApi) -> KeyRights:
    return KeyRights(api.desk.keys)


async def test_who_runs_the_gateway_makes_and_ends_developers_keys(
    api: AdminApi, rights: KeyRights
) -> None:
    platform = caller(Role.PLATFORM, team="administrators")
    assert rights.team_to_make_in(platform, "web") == "web"
    rights.may_make(platform, "web", {Role.DEVELOPER})
    rights.may_end(platform, (await api.key(Role.ADMIN)).stored)
    assert await rights.team_to_end_in(platform, "op-admin", is_service=False) is None
    with pytest.raises(Problem, match="manage_roles"):
        rights.may_make(platform, "web", {Role.TEAM_LEAD})


def test_a_team_lead_makes_keys_in_the_own_team(rights: KeyRights) -> None:
    lead = caller(Role.TEAM_LEAD)
    assert rights.team_to_make_in(lead, None) == "web"
    for team in ("data", "administrators"):
        with pytest.raises(Problem):
            rights.team_to_make_in(lead, team)
    with pytest.raises(Problem):
        rights.may_make(lead, "data", {Role.DEVELOPER})


async def test_a_team_lead_does_not_end_the_keys_of_who_runs_the_gateway(
    api: AdminApi, rights: KeyRights
) -> None:
    lead = caller(Role.TEAM_LEAD)
    rights.may_end(lead, (await api.key(Role.DEVELOPER, "web", "ann")).stored)
    security = (await api.key(Role.SECURITY, "web", "sue")).stored
    with pytest.raises(Problem):
        rights.may_end(lead, security)
    with pytest.raises(Problem):
        await rights.team_to_end_in(lead, "sue", is_service=False)


async def test_a_key_of_one_who_may_more_is_not_rotated_into_their_hands(
    api: AdminApi, rights: KeyRights
) -> None:
    admins = (await api.key(Role.ADMIN)).stored
    with pytest.raises(Problem, match="manage_roles"):
        rights.may_rotate(caller(Role.PLATFORM), admins)
    rights.may_rotate(caller(Role.PLATFORM, key_id=admins.id), admins)
    rights.may_rotate(caller(Role.ADMIN), admins)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.FINANCE, Role.SECURITY, Role.DEVELOPER])
async def test_everybody_else_changes_none(api: AdminApi, rights: KeyRights, role: Role) -> None:
    other, key = caller(role), (await api.key(Role.DEVELOPER, "web", "ann")).stored
    with pytest.raises(Problem):
        rights.team_to_make_in(other, None)
    with pytest.raises(Problem):
        rights.may_rotate(other, key)
    with pytest.raises(Problem):
        rights.may_end(other, key)
    with pytest.raises(Problem):
        await rights.team_to_end_in(other, "ann", is_service=False)


async def test_a_key_of_another_team_is_as_unknown_as_none(
    api: AdminApi, rights: KeyRights
) -> None:
    key = (await api.key(Role.DEVELOPER, "data", "ann")).stored
    assert await rights.visible(caller(Role.AUDITOR), key.id) == key
    for key_id in (key.id, "key_aaaaaaaaaaaa"):
        with pytest.raises(Problem) as raised:
            await rights.visible(caller(Role.TEAM_LEAD), key_id)
        assert (raised.value.status, raised.value.code) == (404, "unknown_key")
