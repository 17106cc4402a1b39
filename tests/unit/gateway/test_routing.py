"""Routing keeps inside what policy allowed, in the configured order."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.routing import route
from policy.types import Allow, DataClass
from providers.base import Target, Vendor
from providers.vendors import RECORDS

HOUSE = Vendor("house", RECORDS["in_house"], "http://h", None, frozenset(), RECORDS["in_house"].via)
names = st.sampled_from(["a", "b", "c", "d/e", ""])


def targets(*models: str) -> tuple[Target, ...]:
    return tuple(Target(HOUSE, model) for model in models)


def allow(*models: str) -> Allow:
    return Allow(tuple(f"house/{model}" for model in models), DataClass.PUBLIC)


def test_the_configured_order_is_kept():
    assert route(allow("c", "a"), targets("a", "b", "c")) == targets("a", "c")


def test_nothing_allowed_is_nowhere_to_go():
    assert route(allow(), targets("a", "b")) == ()


def test_an_allowed_name_that_is_not_configured_brings_nothing_in():
    assert route(allow("elsewhere"), targets("a")) == ()


@given(st.lists(names), st.lists(names))
def test_never_a_target_outside_the_allowed_set(allowed, configured):
    routed = route(allow(*allowed), targets(*configured))
    assert {each.upstream_model for each in routed} <= set(allowed)
    assert [each for each in targets(*configured) if each in routed] == list(routed)
