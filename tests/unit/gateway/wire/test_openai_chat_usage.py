"""Usage is read by every name in use, and nothing in it is taken on trust."""

import json

import msgspec
import pytest

from gateway.exchange import Usage
from gateway.wire.openai_chat_usage import read_usage

ABSENT = msgspec.Raw()
USAGE = {"prompt_tokens": 3, "completion_tokens": 2}


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("figures", "usage"),
    [
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": 1}}, Usage(2, 1, output_tokens=2)),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": 9}}, Usage(0, 3, output_tokens=2)),
        ({**USAGE, "prompt_cache_hit_tokens": 1}, Usage(2, 1, output_tokens=2)),
        ({**USAGE, "cached_tokens": 1}, Usage(2, 1, output_tokens=2)),
        (
            {**USAGE, "cache_read_input_tokens": 1, "cache_creation_input_tokens": 1},
            Usage(1, 1, 1, output_tokens=2),
        ),
        (
            {**USAGE, "completion_tokens_details": {"reasoning_tokens": 1}},
            Usage(3, output_tokens=2, reasoning_tokens=1),
        ),
        (
            {**USAGE, "completion_tokens_details": {"reasoning_tokens": 8}},
            Usage(3, output_tokens=2, reasoning_tokens=2),
        ),
        ({**USAGE, "reasoning_tokens": 1}, Usage(3, output_tokens=2, reasoning_tokens=1)),
        ({**USAGE, "prompt_tokens_details": None}, Usage(3, output_tokens=2)),
        ({**USAGE, "prompt_tokens_details": "two"}, Usage(3, output_tokens=2)),
        (
            {**USAGE, "prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": 9}},
            Usage(2, 1, output_tokens=2),
        ),
        ({"prompt_tokens": 3.0, "completion_tokens": "2"}, Usage(3)),
        ({"prompt_tokens": -3, "completion_tokens": 2}, Usage(output_tokens=2)),
        ({"prompt_tokens": 2**60, "completion_tokens": 2}, Usage(output_tokens=2)),
        ({"prompt_tokens": True, "completion_tokens": 2}, Usage(1, output_tokens=2)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({}, None),
        ([], None),
        ("many", None),
    ],
)
def test_usage_is_split_into_disjoint_classes(figures: object, usage: Usage | None) -> None:
    assert read_usage(raw(figures), ABSENT) == usage


@pytest.mark.parametrize(
    ("details", "written_5m", "written_1h"),
    [
        ({"cache_write_tokens": 2}, 2, 0),
        ({"cache_creation_tokens": 2}, 2, 0),
        ({"cache_creation_input_tokens": 9}, 3, 0),
        (
            {"cache_creation_tokens": 2, "cache_creation": {"ephemeral_1h_input_tokens": 1}},
            1,
            1,
        ),
        (
            {
                "cache_creation_tokens": 2,
                "cache_creation_token_details": {"ephemeral_1h_input_tokens": 7},
            },
            0,
            2,
        ),
        (
            {"cache_creation_tokens": 2, "cache_creation": {"ephemeral_1h_input_tokens": "1"}},
            2,
            0,
        ),
        ({"cache_creation_tokens": 2.0, "cache_creation": []}, 2, 0),
        ({"cache_creation": {"ephemeral_1h_input_tokens": 1}}, 0, 0),
    ],
)
def test_what_was_written_to_a_cache_is_split_by_how_long_it_is_kept(
    details: dict[str, object], written_5m: int, written_1h: int
) -> None:
    found = read_usage(raw({**USAGE, "prompt_tokens_details": details}), ABSENT)
    assert found == Usage(3 - written_5m - written_1h, 0, written_5m, written_1h, 2)


@pytest.mark.parametrize(
    ("usage", "timings", "expected"),
    [
        (
            ABSENT,
            raw({"cache_n": 1, "prompt_n": 4, "predicted_n": 2}),
            Usage(4, 1, output_tokens=2),
        ),
        (ABSENT, raw({"prompt_n": 4.0, "predicted_ms": 1.5}), Usage(4)),
        (raw(USAGE), raw({"cache_n": 1, "prompt_n": 4}), Usage(2, 1, output_tokens=2)),
        (raw(USAGE), raw(None), Usage(3, output_tokens=2)),
        (ABSENT, ABSENT, None),
    ],
)
def test_timings_fill_what_usage_lacks(
    usage: msgspec.Raw, timings: msgspec.Raw, expected: Usage | None
) -> None:
    assert read_usage(usage, timings) == expected
