"""What a key is asked to be is held against the configuration, in words that help."""

import pytest

from gateway.cli import key_wishes
from gateway.cli.configured import Named
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.key_wishes import KeyWish
from gateway.key_wish import Names
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
DEVELOPER = frozenset({Role.DEVELOPER})


def refused(code: Exit) -> "pytest.RaisesExc[CommandFailed]":
    return pytest.raises(CommandFailed, check=lambda failed: failed.code is code)


def names() -> Names:
    return key_wishes.names_of("g.yaml", NAMED)


def unread() -> Names:
    raise AssertionError("the configuration does not matter here")


def wish(team: str | None = "web", role: Role = Role.DEVELOPER, **more: object) -> KeyWish:
    return KeyWish("anna", False, frozenset({role}), team, **more)  # type: ignore[arg-type]  # what a test says


def test_a_name_is_a_persons_or_a_services() -> None:
    assert key_wishes.whose("anna", None) == ("anna", False)
    assert key_wishes.whose(None, "ci") == ("ci", True)
    with refused(Exit.USAGE):
        key_wishes.whose(None, None)


def test_a_key_is_a_developers_unless_it_is_said_what_else() -> None:
    assert key_wishes.roles_of((), False) == DEVELOPER
    assert key_wishes.roles_of((), True) == {Role.ADMIN}
    assert key_wishes.roles_of(("finance", "team_lead"), False) == {Role.FINANCE, Role.TEAM_LEAD}
    with refused(Exit.USAGE):
        key_wishes.roles_of(("king",), False)


def test_a_team_is_one_that_the_configuration_names() -> None:
    assert key_wishes.checked(wish(), names) == ("web", None)
    with refused(Exit.NOT_FOUND):
        key_wishes.checked(wish("default"), names)
    with refused(Exit.USAGE):
        key_wishes.checked(wish(None), names)


def test_administrators_have_one_team_and_no_limits_and_need_no_configuration() -> None:
    assert key_wishes.checked(wish(None, Role.ADMIN), unread) == ("administrators", None)
    with refused(Exit.USAGE):
        key_wishes.checked(wish("web", Role.ADMIN), unread)
    with refused(Exit.USAGE):
        key_wishes.checked(wish(None, Role.ADMIN, networks=("10.0.0.0/8",)), unread)


def test_roles_that_must_be_held_apart_are_no_one_key() -> None:
    assert key_wishes.roles_of(["auditor", "finance"], False) == {Role.AUDITOR, Role.FINANCE}
    with refused(Exit.USAGE):
        key_wishes.roles_of(["auditor"], True)


def test_a_limit_is_kept_sorted() -> None:
    limited = wish(models=("coder",), networks=("192.0.2.0/24", "10.0.0.0/8"))
    expected = Scope(("coder",), ("10.0.0.0/8", "192.0.2.0/24"))
    assert key_wishes.checked(limited, names) == ("web", expected)


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
        key_wishes.checked(wish(team, models=(model,)), names)


def test_without_a_configuration_any_models_name_will_do() -> None:
    default = wish("default", models=("coder",))
    assert key_wishes.checked(
        default, lambda: key_wishes.names_of("the embedded default", None)
    ) == (
        "default",
        Scope(("coder",)),
    )
    with refused(Exit.USAGE):
        key_wishes.checked(wish(models=("a,b",)), lambda: Names("", {"web": None}, {}))


def test_a_duration_has_its_bounds() -> None:
    assert key_wishes.microseconds("2h") == 7_200_000_000
    with refused(Exit.USAGE):
        key_wishes.microseconds("999999w")
