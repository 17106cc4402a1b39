"""A rule's caps are kept for whoever it says, on the targets it speaks of."""

import pytest

from policy.rulebook.caps import RuleCaps
from policy.types import Cap, Identity, Period, Unit, Window
from tests.fakes.policy_facts import DEEPSEEK, HOUSE, a_question
from tests.fakes.rules import at, compiled

BOTH = (HOUSE, DEEPSEEK)


def caps(cap: dict[str, object], *targets, is_all: bool = True, **rule: object) -> tuple[Cap, ...]:
    made = compiled("few", "cap", cap=cap, **rule).caps
    assert isinstance(made, RuleCaps)
    asked = a_question(circumstances=at("2026-06-01"))
    return made.of(asked, targets or BOTH, is_all=is_all)


@pytest.mark.parametrize(
    ("per", "account"),
    [
        ("team", "team:web (rule few)"),
        ("user", "user:ada (rule few)"),
        ("key", "key:key-1 (rule few)"),
        ("assistant", "assistant:claude-code (rule few)"),
        ("model", "model:coder (rule few)"),
        ("together", "together (rule few)"),
        (("user", "model"), "user:ada model:coder (rule few)"),
    ],
)
def test_a_cap_is_kept_for_whoever_it_says(per, account):
    assert caps({"per": per, "requests_per_minute": 5, "parallel": 2}) == (
        Cap(account, Unit.REQUESTS, 5, Window.MINUTE),
        Cap(account, Unit.PARALLEL, 2, Window.NOW),
    )


def test_who_signs_in_has_one_account_however_many_tokens_they_get():
    build = Identity("ci", "web", frozenset({"developer"}), "jwt_a", is_service=True, signs_in=True)
    made = compiled("few", "cap", cap={"per": "key", "requests_per_day": 5}).caps
    assert isinstance(made, RuleCaps)
    asked = a_question(circumstances=at("2026-06-01"), identity=build)
    (cap,) = made.of(asked, BOTH, is_all=True)
    assert cap.account == "key:service ci (rule few)"


def test_each_vendor_has_an_account_that_counts_its_own_targets():
    found = caps({"per": ("user", "vendor"), "requests_per_day": 5})
    assert [(each.account, each.targets) for each in found] == [
        ("user:ada vendor:house (rule few)", (HOUSE.name,)),
        ("user:ada vendor:deepseek (rule few)", (DEEPSEEK.name,)),
    ]


def test_each_target_has_an_account():
    found = caps({"per": "target", "requests_per_day": 5})
    assert [each.account for each in found] == [
        "target:house/qwen3-coder (rule few)",
        "target:deepseek/deepseek-chat (rule few)",
    ]


def test_the_only_vendor_there_is_counts_whatever_answers():
    (cap,) = caps({"per": "vendor", "requests_per_day": 5}, DEEPSEEK)
    assert (cap.account, cap.targets) == ("vendor:deepseek (rule few)", ())
    (cap,) = caps({"per": "vendor", "requests_per_day": 5}, DEEPSEEK, is_all=False)
    assert cap.targets == (DEEPSEEK.name,)


def test_days_are_meant_in_the_rules_time_zone():
    (cap,) = caps({"per": "user", "usd_per_day": 5}, time_zone="Asia/Shanghai")
    assert cap.window == Window(Period.DAY, time_zone="Asia/Shanghai")


def test_whoever_asks_again_is_given_the_caps_that_were_made():
    made = compiled("few", "cap", cap={"per": "user", "parallel": 2}).caps
    asked = a_question()
    assert made is not None
    assert made.of(asked, BOTH, is_all=True)[0] is made.of(asked, BOTH, is_all=True)[0]
