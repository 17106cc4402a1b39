"""Whatever an unknown fact was, what was decided lies between the strictest and the laxest."""

from hypothesis import given, settings

from policy.rulebook.bounds import asks_of, laxest, strictest
from tests.fakes.recorded_traffic import some_asked
from tests.fakes.rules import a_policy_of, a_rule, targets_of
from tests.fakes.some_rules import some_rules

NETWORKS = frozenset({"networks"})
BOTH = frozenset({"networks", "tools"})


@settings(max_examples=300)
@given(some_rules(), some_asked)
def test_a_decision_lies_between_its_bounds(rules, asked):
    known = type(asked)(
        **{**vars(asked), "tools": asked.tools[: asked.kept_tools], "address": None}
    )
    really = set(targets_of(asked.decided_by(a_policy_of(*rules))))
    strict = set(targets_of(known.decided_by(a_policy_of(*strictest(rules, BOTH)))))
    lax = set(targets_of(known.decided_by(a_policy_of(*laxest(rules, BOTH)))))
    assert strict <= really <= lax


def test_a_rule_on_what_is_unknown_holds_or_is_gone():
    rule = a_rule(networks=("10.0.0.0/8",), users=("bob",))
    (held,) = strictest([rule], NETWORKS)
    assert held.document.match.networks is None
    assert held.document.match.users == ("bob",)
    assert laxest([rule], NETWORKS) == ()


def test_an_exception_to_it_is_gone_or_holds():
    exception = a_rule("e", "allow", exempts=("r",), networks=("10.0.0.0/8",))
    assert strictest([exception], NETWORKS) == ()
    (held,) = laxest([exception], NETWORKS)
    assert held.document.match.networks is None


def test_rules_on_other_things_are_left_as_they_are():
    rules = (a_rule(users=("bob",)), a_rule("e", "allow", exempts=("r",), tools=("Read",)))
    assert strictest(rules, NETWORKS) == laxest(rules, NETWORKS) == rules


def test_known_tools_say_what_they_say():
    rule = a_rule(tools=("bash",))
    assert laxest([rule], BOTH) == (rule,)
    assert strictest([rule], BOTH)[0].document.match.tools is None


def test_whether_rules_ask_at_all():
    assert asks_of([a_rule(tools=("bash",))], "tools")
    assert not asks_of([a_rule(tools=("bash",))], "networks")
