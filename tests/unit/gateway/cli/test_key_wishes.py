"""What a key is asked to be is held against the configuration, in words that help."""

from pathlib import Path

import pytest

from gateway.cli import key_wishes
from gateway.cli.configured import Named
from gateway.cli.exits import CommandFailed, Exit
from gateway.roles import Role
from gateway.settings import OfferedModel
from policy.types import Scope

NAMED = Named(
    (
        OfferedModel("coder", ("house/q",), aliases=("claude-a",)),
        OfferedModel("tiny", ("house/t",)),
    ),
    {"web": ("coder",), "empty": ()},
)


def refused(code: Exit) -> "pytest.RaisesExc[CommandFailed]":
    return pytest.raises(CommandFailed, check=lambda failed: failed.code is code)


def test_a_name_is_a_persons_or_a_services() -> None:
    assert key_wishes.whose("anna", None) == ("anna", False)
    assert key_wishes.whose(None, "ci") == ("ci", True)
    with refused(Exit.USAGE):
        key_wishes.whose(None, None)


def test_a_team_is_one_that_the_configuration_names() -> None:
    assert key_wishes.team_of("web", Path("g.yaml"), NAMED) == "web"
    assert key_wishes.team_of("default", None, None) == "default"
    with refused(Exit.NOT_FOUND):
        key_wishes.team_of("default", Path("g.yaml"), NAMED)


def test_administrators_have_one_team_and_no_limits() -> None:
    assert key_wishes.administrators(None, ()) == "administrators"
    with refused(Exit.USAGE):
        key_wishes.administrators("web", ())
    with refused(Exit.USAGE):
        key_wishes.administrators(None, ("10.0.0.0/8",))


def test_a_key_is_a_developers_unless_roles_are_named() -> None:
    assert key_wishes.roles_of([]) == {Role.DEVELOPER}
    assert key_wishes.roles_of(["auditor", "finance"]) == {Role.AUDITOR, Role.FINANCE}
    with refused(Exit.NOT_FOUND):
        key_wishes.roles_of(["root"])
    with refused(Exit.USAGE):
        key_wishes.roles_of(["auditor", "admin"])


def test_which_roles_need_a_team() -> None:
    assert key_wishes.are_of_a_team(frozenset({Role.DEVELOPER}))
    assert key_wishes.are_of_a_team(frozenset({Role.TEAM_LEAD, Role.FINANCE}))
    assert not key_wishes.are_of_a_team(frozenset({Role.AUDITOR, Role.ADMIN}))


def test_a_limit_is_kept_sorted_and_nothing_is_no_limit() -> None:
    networks = ["192.0.2.0/24", "10.0.0.0/8"]
    expected = Scope(("coder",), ("10.0.0.0/8", "192.0.2.0/24"))
    assert key_wishes.scope_of(["coder"], networks, "web", NAMED) == expected
    assert key_wishes.scope_of([], [], "web", NAMED) is None


@pytest.mark.parametrize(
    ("model", "team", "code"),
    [
        ("tiny", "web", Exit.NOT_FOUND),
        ("claude-a", "web", Exit.USAGE),
        ("coder", "empty", Exit.NOT_FOUND),
    ],
)
def test_a_model_is_one_of_the_teams_by_its_own_name(model: str, team: str, code: Exit) -> None:
    with refused(code):
        key_wishes.scope_of([model], [], team, NAMED)


def test_without_a_configuration_any_models_name_will_do() -> None:
    assert key_wishes.scope_of(["coder"], [], "default", None) == Scope(("coder",))
    with refused(Exit.USAGE):
        key_wishes.scope_of(["a,b"], [], "default", None)


def test_a_duration_has_its_bounds() -> None:
    assert key_wishes.microseconds("2h") == 7_200_000_000
    with refused(Exit.USAGE):
        key_wishes.microseconds("999999w")
