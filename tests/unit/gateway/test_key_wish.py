"""A key is of a team there is, and limited to what that team has."""

import pytest

from gateway.key_wish import ADMINISTRATORS, Names, NotNamed, WishRefused, refuse_scope, team_for
from gateway.roles import Role

NAMES = Names("g.yaml", {"web": ("coder",), "any": None}, {"claude-a": "coder"})
DEVELOPER = frozenset({Role.DEVELOPER})


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.TEAM_LEAD])
def test_who_works_in_a_team_needs_one_there_is(role: Role) -> None:
    assert team_for({role}, "web", NAMES) == "web"
    with pytest.raises(NotNamed, match=r"no team 'nope'; g\.yaml names: web, any"):
        team_for({role}, "nope", NAMES)
    with pytest.raises(WishRefused, match="there are: web, any"):
        team_for({role}, None, NAMES)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.DEVELOPER, Role.TEAM_LEAD}))
def test_everybody_else_belongs_to_the_administrators(role: Role) -> None:
    assert team_for({role}, None, NAMES) == team_for({role}, ADMINISTRATORS, NAMES)
    with pytest.raises(WishRefused, match="name no team"):
        team_for({role}, "web", NAMES)


def test_a_limit_names_models_of_the_team() -> None:
    refuse_scope(DEVELOPER, ("coder",), (), "web", NAMES)
    refuse_scope(DEVELOPER, ("whatever",), (), "any", NAMES)
    with pytest.raises(NotNamed, match="it has: coder"):
        refuse_scope(DEVELOPER, ("tiny",), (), "web", NAMES)
    with pytest.raises(WishRefused, match="another name of 'coder'"):
        refuse_scope(DEVELOPER, ("claude-a",), (), "web", NAMES)


def test_who_reaches_no_model_has_no_limits() -> None:
    refuse_scope(frozenset({Role.FINANCE}), (), (), ADMINISTRATORS, NAMES)
    with pytest.raises(WishRefused, match="limit it not"):
        refuse_scope(frozenset({Role.FINANCE}), (), ("10.0.0.0/8",), ADMINISTRATORS, NAMES)
