"""A key is held to the models and networks it was made for; one without a scope to nothing."""

import msgspec
import pytest

from policy.question import Question
from policy.rules.key_scope import KeyScope, displaced_key
from policy.types import Allow, Decision, Deny, Scope
from tests.fakes.policy_facts import a_question, a_team, an_identity

RULE = KeyScope.compile(a_team())


def asked_under(scope: Scope | None, address: str = "10.1.2.3", **facts: object) -> Question:
    question = a_question(**facts)
    identity = msgspec.structs.replace(question.identity, scope=scope)
    there = msgspec.structs.replace(question.circumstances, address=address or None)
    return msgspec.structs.replace(question, identity=identity, circumstances=there)


def decided(scope: Scope | None, address: str = "10.1.2.3", **facts: object) -> Decision:
    return RULE.decide(asked_under(scope, address, **facts))


def test_a_key_without_a_scope_may_do_what_its_team_may():
    assert isinstance(decided(None, address=""), Allow)


def test_a_key_may_ask_the_models_it_is_for():
    assert isinstance(decided(Scope(models=("cheap", "coder"))), Allow)


def test_a_model_it_is_not_for_is_refused_with_those_it_is_for():
    assert decided(Scope(models=("cheap", "tiny"))) == Deny(
        "key_scope",
        "key key-1 is for cheap, tiny only, not for coder",
        "GET /v1/models lists what it is for",
    )


def test_a_model_that_the_team_lacks_is_for_the_rule_that_knows_the_team():
    question = asked_under(Scope(models=("cheap",)), model="gpt-9")
    nowhere = msgspec.structs.replace(question, targets=(), target_names=())
    assert isinstance(RULE.decide(nowhere), Allow)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/32"),
        ("::ffff:10.1.2.3", "10.0.0.0/8"),
        ("2001:db8::7", "2001:db8::/32"),
        ("fe80::1%eth0", "fe80::/10"),
    ],
)
def test_a_caller_within_the_network_passes(address, network):
    assert isinstance(decided(Scope(networks=("192.0.2.0/24", network)), address), Allow)


@pytest.mark.parametrize(
    "address",
    ["11.0.0.1", "2001:db8::7", "", "testclient", "10.1.2.3, 11.0.0.1", "010.1.2.3", "::a01:203"],
)
def test_a_caller_elsewhere_or_nowhere_is_refused(address):
    decision = decided(Scope(networks=("10.0.0.0/8",)), address)
    assert isinstance(decision, Deny)
    assert (decision.rule, decision.code) == ("key_scope", "policy_denied")
    assert not decision.lasts  # asked again from within, the same turn is let through
    assert "from 10.0.0.0/8 only" in decision.reason


def test_the_network_is_asked_for_before_the_model():
    decision = decided(Scope(models=("cheap",), networks=("192.0.2.0/24",)))
    assert isinstance(decision, Deny)
    assert "this request came from 10.1.2.3" in decision.reason


@pytest.mark.parametrize("scope", [None, Scope(), Scope(("cheap",)), Scope((), ("10.0.0.0/8",))])
def test_a_key_is_in_its_place_where_its_networks_hold_the_caller(scope):
    identity = msgspec.structs.replace(an_identity(), scope=scope)
    assert displaced_key(identity, "10.1.2.3") is None


def test_a_key_out_of_its_place_is_denied_whatever_is_asked():
    identity = msgspec.structs.replace(an_identity(), scope=Scope((), ("10.0.0.0/8",)))
    for address in ("192.0.2.1", None):
        assert isinstance(displaced_key(identity, address), Deny)
