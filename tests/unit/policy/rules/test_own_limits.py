"""Each user and each key of a team has caps of its own, beside the team's."""

from policy.rules.own_limits import OwnLimits
from policy.types import Allow, DataClass, Deny, Identity, TargetFacts
from tests.fakes.policy_facts import HOUSE, a_question, a_team

UNPRICED = TargetFacts("vendor/new-model", False, DataClass.INTERNAL)
ALL = {
    "per_user": {"usd_per_day": 5, "parallel": 2},
    "per_key": {"requests_per_day": 9},
    "time_zone": "Europe/Berlin",
}


def limits(**written: object) -> OwnLimits:
    rule = OwnLimits.compile(a_team(**written))
    assert rule is not None
    return rule


def test_a_team_without_them_has_no_such_rule():
    assert OwnLimits.compile(a_team(usd_per_day=3)) is None


def test_the_user_and_the_key_are_capped_within_the_team():
    decision = limits(**ALL).decide(a_question())
    assert isinstance(decision, Allow)
    assert [(each.account, each.window.label) for each in decision.caps] == [
        ("user:ada (team web)", "now"),
        ("user:ada (team web)", "calendar_day Europe/Berlin"),
        ("key:key-1 (team web)", "calendar_day Europe/Berlin"),
    ]


def test_another_user_has_another_account():
    bob = Identity("bob", "web", frozenset({"developer"}), "key-2")
    decision = limits(**ALL).decide(a_question(identity=bob))
    assert isinstance(decision, Allow)
    assert {each.account for each in decision.caps} == {
        "user:bob (team web)",
        "key:key-2 (team web)",
    }


def test_who_signs_in_has_one_account_however_many_tokens_they_get():
    accounts = set()
    for token in ("jwt_a", "jwt_b"):
        ada = Identity("ada", "web", frozenset({"developer"}), token, signs_in=True)
        decision = limits(per_key={"requests_per_day": 9}).decide(a_question(identity=ada))
        assert isinstance(decision, Allow)
        accounts |= {each.account for each in decision.caps}
    assert accounts == {"key:person ada (team web)"}


def test_money_of_a_user_keeps_to_targets_with_a_price():
    decision = limits(per_user={"usd_per_day": 5}).decide(a_question(UNPRICED, HOUSE))
    assert isinstance(decision, Allow)
    assert decision.targets == (HOUSE.name,)


def test_no_known_price_no_request():
    decision = limits(per_key={"usd_per_day": 5}).decide(a_question(UNPRICED))
    assert isinstance(decision, Deny)
    assert "no price is known for vendor/new-model" in decision.reason


def test_without_money_a_price_does_not_matter():
    decision = limits(per_key={"requests_per_day": 5}).decide(a_question(UNPRICED))
    assert isinstance(decision, Allow)
    assert decision.targets == (UNPRICED.name,)
