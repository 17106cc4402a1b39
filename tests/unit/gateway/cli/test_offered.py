"""A list of models is read with the sizes it tells, and none that it does not."""

import json

import pytest

from gateway.cli.offered import UNKNOWN, Sizes, read_offered
from gateway.wire.model_lists import ListedModel, in_openai_shape


def test_the_sizes_that_a_gateway_tells_are_read() -> None:
    told = [ListedModel("whole", 0, 200_000, 16_000), ListedModel("half", 0, 8_000)]
    assert read_offered(in_openai_shape([*told, ListedModel("unknown", 0)])) == {
        "whole": Sizes(200_000, 16_000),
        "half": Sizes(8_000, None),
        "unknown": UNKNOWN,
    }


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"context_length": None, "top_provider": None},
        {"context_length": "many", "top_provider": {"max_completion_tokens": True}},
        {"context_length": 0, "top_provider": {"max_completion_tokens": -1}},
    ],
)
def test_what_is_not_a_number_of_tokens_is_not_known(members: dict[str, object]) -> None:
    listed = {"data": [{"id": "coder", **members}]}
    assert read_offered(json.dumps(listed).encode()) == {"coder": UNKNOWN}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": 1}', b'{"data": ["coder"]}', b"{}"])
def test_anything_else_is_no_list(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_offered(body)
