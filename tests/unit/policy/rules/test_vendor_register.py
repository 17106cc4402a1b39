"""A vendor is used while its review holds: before the end it warns, after it nothing is sent."""

from datetime import date, timedelta

import pytest

from policy.engine import CompiledTeam, Policy
from policy.question import Team
from policy.registers import Registers
from policy.rules.vendor_register import VendorRegister
from policy.types import Allow, Circumstances, DataClass, Deny, TargetFacts
from tests.fakes.policy_facts import (
    DEEPSEEK,
    HOUSE,
    a_question,
    a_team_document,
    an_identity,
    some_facts,
)
from tests.fakes.registers import VALID_UNTIL, a_review, days_from, on, vendors

QWEN = TargetFacts("qwen/qwen3-coder-plus", False, DataClass.INTERNAL)
DAY = timedelta(days=1)


def a_rule(registers: Registers) -> VendorRegister:
    targets = {"coder": (HOUSE, DEEPSEEK), "cheap": (DEEPSEEK, QWEN)}
    rule = VendorRegister.compile(Team("web", a_team_document(), targets, registers))
    assert rule is not None
    return rule


def test_without_a_register_there_is_no_rule():
    assert VendorRegister.compile(Team("web", a_team_document(), {})) is None


@pytest.mark.parametrize("day", days_from(VALID_UNTIL - 40 * DAY, VALID_UNTIL + 5 * DAY))
def test_every_day_up_to_the_last_is_allowed_with_a_warning_from_thirty_days_before(day):
    decision = a_rule(vendors(deepseek=a_review())).decide(
        a_question(DEEPSEEK, circumstances=on(day))
    )
    left = (VALID_UNTIL - day).days
    assert isinstance(decision, Allow) == (left >= 0)
    assert bool(getattr(decision, "warnings", ())) == (0 <= left <= 30)


def test_the_last_second_of_the_last_day_is_allowed_and_the_next_is_not():
    rule = a_rule(vendors(deepseek=a_review()))
    last = on(VALID_UNTIL, seconds=86_399)
    after = Circumstances(last.unix_seconds + 1)
    assert isinstance(rule.decide(a_question(DEEPSEEK, circumstances=last)), Allow)
    assert isinstance(rule.decide(a_question(DEEPSEEK, circumstances=after)), Deny)


def test_a_warning_says_who_reviewed_what_and_until_when():
    decision = a_rule(vendors(deepseek=a_review())).decide(
        a_question(DEEPSEEK, circumstances=on(VALID_UNTIL))
    )
    assert isinstance(decision, Allow)
    assert decision.warnings == (
        "the review of vendor deepseek lapses soon (valid until 2026-07-10, reviewed by "
        "Ada Lovelace on 2026-01-10): after that it is refused",
    )


def test_a_denial_says_what_lapsed_when_who_reviewed_it_and_what_stays():
    decision = a_rule(vendors(deepseek=a_review())).decide(
        a_question(DEEPSEEK, model="cheap", circumstances=on(VALID_UNTIL + DAY))
    )
    assert decision == Deny(
        "vendor_register",
        "the review of vendor deepseek has lapsed (valid until 2026-07-10, reviewed by "
        "Ada Lovelace on 2026-01-10)",
        "coder stays available on house/qwen3-coder",
    )


def test_a_lapsed_vendor_is_left_out_and_the_others_answer_with_a_warning_of_it():
    registers = vendors(deepseek=a_review(), qwen=a_review(date(2027, 1, 1)))
    decision = a_rule(registers).decide(
        a_question(DEEPSEEK, QWEN, circumstances=on(VALID_UNTIL + DAY))
    )
    assert isinstance(decision, Allow)
    assert decision.targets == (QWEN.name,)
    assert decision.warnings[0].startswith("the review of vendor deepseek has lapsed")
    assert decision.warnings[0].endswith("it is left out")


def test_a_vendor_without_an_entry_is_refused():
    decision = a_rule(vendors(qwen=a_review())).decide(
        a_question(DEEPSEEK, model="only", circumstances=on(VALID_UNTIL))
    )
    assert isinstance(decision, Deny)
    assert decision.reason == "vendor deepseek is not in the register of vendors"
    assert decision.alternative == "coder stays available on house/qwen3-coder"


def test_an_engine_in_the_house_needs_no_entry_but_is_held_to_one_it_has():
    asked = a_question(HOUSE, circumstances=on(VALID_UNTIL + DAY))
    assert a_rule(vendors()).decide(asked) == Allow((HOUSE.name,), DataClass.INTERNAL)
    assert isinstance(a_rule(vendors(house=a_review())).decide(asked), Deny)


def test_nothing_is_said_of_vendors_that_the_data_class_shuts_out():
    rule = a_rule(vendors(deepseek=a_review()))
    for day in (VALID_UNTIL, VALID_UNTIL + DAY):
        decision = rule.decide(
            a_question(HOUSE, DEEPSEEK, data_class=DataClass.RESTRICTED, circumstances=on(day))
        )
        assert isinstance(decision, Allow)
        assert decision.warnings == ()


def test_nothing_that_stays_is_an_alternative_that_does_not_lie():
    registers = vendors(deepseek=a_review(), qwen=a_review())
    targets = {"coder": (DEEPSEEK,), "cheap": (QWEN,)}
    rule = VendorRegister.compile(Team("web", a_team_document(), targets, registers))
    assert rule is not None
    decision = rule.decide(a_question(DEEPSEEK, circumstances=on(VALID_UNTIL + DAY)))
    assert isinstance(decision, Deny)
    assert decision.alternative == "the gateway's operator knows who reviews vendors"


def test_a_remembered_answer_does_not_outlive_its_day():
    targets = {"coder": (DEEPSEEK,)}
    team = Team("web", a_team_document(), targets, vendors(deepseek=a_review()))
    policy = Policy({"web": CompiledTeam.compile(team)}, 1_000)

    def asked(day: date) -> type:
        return type(policy.decide(an_identity(), some_facts(), on(day)))

    days = (VALID_UNTIL, VALID_UNTIL, VALID_UNTIL + DAY, VALID_UNTIL + DAY, VALID_UNTIL)
    assert [asked(day) for day in days] == [Allow, Allow, Deny, Deny, Allow]
    assert len(policy.teams["web"].remembered) == 1


def test_a_model_whose_vendor_has_lapsed_is_not_offered():
    registers = vendors(deepseek=a_review())
    documents = {"web": a_team_document(("coder", "cheap"))}
    served = {"coder": (DEEPSEEK, HOUSE), "cheap": (DEEPSEEK,)}
    policy = Policy.compile(documents, served, registers=registers)
    before, after = on(VALID_UNTIL).unix_seconds, on(VALID_UNTIL + DAY).unix_seconds
    assert policy.models_for("web", before) == ("coder", "cheap")
    assert policy.models_for("web", after) == ("coder",)
    assert policy.first_target("web", "coder", before) == DEEPSEEK.name
    assert policy.first_target("web", "coder", after) == HOUSE.name
