"""What an answer is expected to need, with and without history."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.expectations import RecentOutputs, expected_output_tokens, longest_output_tokens
from policy.types import Operation
from providers.catalogue import Price
from tests.fakes.policy_facts import some_facts


@pytest.mark.parametrize(
    ("recent", "limit", "answers", "expected"),
    [
        (None, None, 1, 1_024),
        (None, 500, 1, 500),
        (None, 64_000, 1, 4_096),
        (300, None, 1, 300),
        (300, 100, 1, 100),
        (300, 64_000, 1, 300),
        (300, None, 3, 900),
        (None, 500, 0, 500),
    ],
)
def test_an_answer_is_expected_to_be_as_long_as_the_last_ones_within_its_limit(
    recent, limit, answers, expected
):
    facts = some_facts(output_limit=limit, answers=answers)
    assert expected_output_tokens(facts, recent) == expected


@pytest.mark.parametrize(
    ("limit", "model_limit", "answers", "longest"),
    [(100, 8_000, 1, 100), (None, 8_000, 2, 16_000), (None, None, 1, 131_072), (0, 8_000, 3, 0)],
)
def test_an_answer_ends_at_the_requests_limit_else_at_the_models(
    limit, model_limit, answers, longest
):
    price = Price(input=1, output=1, output_tokens=model_limit)
    assert longest_output_tokens(some_facts(output_limit=limit, answers=answers), price) == longest


@pytest.mark.parametrize(
    "operation", [Operation.EMBEDDINGS, Operation.RERANK, Operation.COUNT_TOKENS]
)
def test_where_nothing_is_written_nothing_is_expected(operation):
    facts = some_facts(operation=operation)
    assert expected_output_tokens(facts, 300) == 0
    assert longest_output_tokens(facts, Price(input=1, output=1, output_tokens=8_000)) == 0


def test_without_history_there_is_no_p90():
    assert RecentOutputs().p90("web", "coder") is None


def test_nine_answers_in_ten_stay_within_the_p90():
    recent = RecentOutputs()
    for length in range(1, 11):
        recent.learn("web", "coder", length * 100)
    assert recent.p90("web", "coder") == 900


def test_teams_and_models_have_histories_of_their_own():
    recent = RecentOutputs()
    recent.learn("web", "coder", 5)
    assert recent.p90("web", "other") is None
    assert recent.p90("payments", "coder") is None


@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=120))
def test_only_the_last_fifty_answers_count(lengths):
    recent = RecentOutputs()
    for length in lengths:
        recent.learn("web", "coder", length)
    last = sorted(lengths[-50:])
    p90 = recent.p90("web", "coder")
    assert p90 in last
    assert sum(each <= p90 for each in last) * 10 >= len(last) * 9


def test_the_oldest_history_is_forgotten_when_there_are_too_many():
    recent = RecentOutputs()
    for number in range(4_097):
        recent.learn("web", f"model-{number}", 1)
    assert recent.p90("web", "model-0") is None
    assert recent.p90("web", "model-1") == 1
