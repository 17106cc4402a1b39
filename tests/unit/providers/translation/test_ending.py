"""Usage keeps its figures from any vendor's form to either protocol's."""

import json
from typing import Any

import pytest

from providers.translation.ending import (
    Ending,
    messages_usage,
    responses_usage,
    stop_reason,
    verified_ending,
)
from providers.translation.watch import ReplyWatch


def verified(usage: dict[str, Any] | None, *, told: dict[str, Any] | None = None) -> Any:
    watch = ReplyWatch(answers=1)
    watch.feed(json.dumps({"usage": told}).encode())
    watch.finish()
    return verified_ending(usage, watch).usage


def test_a_usage_that_only_litellm_counted_is_none():
    assert verified({"prompt_tokens": 5, "completion_tokens": 5}) is None


@pytest.mark.parametrize(
    "told",
    [
        {"prompt_tokens_details": {"cached_tokens": 30}},
        {"prompt_cache_hit_tokens": 30},
        {"cached_tokens": 30},
    ],
)
def test_cached_tokens_are_found_in_every_vendors_place(told):
    usage = verified(None, told={"prompt_tokens": 40, "completion_tokens": 7, **told})
    assert usage["prompt_tokens_details"] == {"cached_tokens": 30}
    assert messages_usage(usage) == {
        "input_tokens": 10,
        "cache_read_input_tokens": 30,
        "cache_creation_input_tokens": 0,
        "output_tokens": 7,
    }


@pytest.mark.parametrize(
    "told",
    [
        {"prompt_tokens_details": {"cache_creation_input_tokens": 30}},
        {"prompt_tokens_details": {"cache_write_tokens": 30}},
        {"cache_creation_input_tokens": 30},
    ],
)
def test_cache_writes_are_found_in_every_vendors_place(told):
    usage = verified(None, told={"prompt_tokens": 40, "completion_tokens": 7, **told})
    written = messages_usage(usage)
    assert (written["input_tokens"], written["cache_creation_input_tokens"]) == (10, 30)


@pytest.mark.parametrize(
    "told", [{"completion_tokens_details": {"reasoning_tokens": 5}}, {"reasoning_tokens": 5}]
)
def test_reasoning_is_found_in_every_engines_place(told):
    usage = verified(None, told={"prompt_tokens": 40, "completion_tokens": 7, **told})
    assert messages_usage(usage)["output_tokens_details"] == {"thinking_tokens": 5}


def test_cache_writes_keep_their_age():
    ages = {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 2}
    details = {"cached_tokens": 30, "cache_creation_tokens": 5}
    usage = {
        "prompt_tokens": 45,
        "completion_tokens": 7,
        "prompt_tokens_details": {**details, "cache_creation_token_details": ages},
    }
    told = messages_usage(verified(usage, told={"output_tokens": 7}))
    assert (told["input_tokens"], told["cache_creation_input_tokens"]) == (10, 5)
    assert told["cache_creation"] == ages
    told = responses_usage(verified(usage, told={"output_tokens": 7}))
    assert told is not None
    assert told["input_tokens_details"]["cache_creation_token_details"] == ages


@pytest.mark.parametrize("bad", ["7", None, -5, 1.5, [], {}])
def test_figures_that_are_none_count_nothing(bad):
    usage = verified(None, told={"prompt_tokens": bad, "completion_tokens": 1})
    assert usage["prompt_tokens"] == 0


def test_an_unknown_finish_reason_is_an_end_of_turn():
    assert stop_reason("eos", Ending(), called_tools=False) == "end_turn"


def test_a_length_stop_within_a_call_is_no_call_to_run():
    assert stop_reason("length", Ending(), called_tools=True) == "max_tokens"
