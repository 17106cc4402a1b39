"""What rules are asked, and how they speak of what others named."""

from datetime import date, timedelta

import pytest

from policy.question import Team, other_models, shown, team_account
from policy.types import Allow, Cap, DataClass, Unit, Window
from tests.fakes.policy_facts import DEEPSEEK, HOUSE, a_question, a_team, a_team_document
from tests.fakes.registers import VALID_UNTIL, a_review, on, vendors

DAY = timedelta(days=1)
CAP = Cap("team:web", Unit.PARALLEL, 4, Window.NOW)


def test_yes_means_all_targets_of_the_question_at_its_class():
    assert a_question(data_class=DataClass.CONFIDENTIAL).allow() == Allow(
        (HOUSE.name, DEEPSEEK.name), DataClass.CONFIDENTIAL
    )


def test_yes_may_name_some_targets_or_none_and_caps():
    question = a_question()
    assert question.allow(targets=(HOUSE.name,), caps=(CAP,)).targets == (HOUSE.name,)
    assert question.allow(caps=(CAP,)).caps == (CAP,)
    assert question.allow(targets=()).targets == ()


def test_a_team_has_one_account():
    assert a_team("web").account == team_account("web") == "team:web"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("coder", "'coder'"),
        ("a\nb\x1b[2J\u202e", r"'a\nb\x1b[2J\u202e'"),
        ("x" * 81, "'" + "x" * 80 + "...'"),
        ("it's", '"it\'s"'),
    ],
)
def test_a_name_from_outside_is_one_short_printable_word(name, line):
    assert shown(name) == line
    assert shown(name).isprintable()


def still_there(team: Team, asked: str, data_class: DataClass, day: date = VALID_UNTIL):
    question = a_question(model=asked, data_class=data_class, circumstances=on(day))
    return other_models(team, question)


def test_what_stays_available_is_told_with_where_it_runs():
    team = a_team()
    assert still_there(team, "gpt-9", DataClass.INTERNAL) == (
        "coder stays available on house/qwen3-coder, deepseek/deepseek-chat"
    )
    assert still_there(team, "gpt-9", DataClass.CONFIDENTIAL) == (
        "coder stays available on house/qwen3-coder"
    )


def test_the_model_that_was_refused_is_no_alternative():
    assert still_there(a_team(), "coder", DataClass.PUBLIC) is None


def test_a_model_that_is_not_cleared_is_no_alternative():
    assert still_there(a_team("web", DEEPSEEK), "gpt-9", DataClass.CONFIDENTIAL) is None


def test_a_vendor_whose_review_has_lapsed_is_no_alternative():
    registers = vendors(deepseek=a_review())
    team = Team("web", a_team_document(), {"cheap": (DEEPSEEK,)}, registers)
    told = "cheap stays available on deepseek/deepseek-chat"
    assert still_there(team, "coder", DataClass.PUBLIC) == told
    assert still_there(team, "coder", DataClass.PUBLIC, VALID_UNTIL + DAY) is None
