"""Plain requests are rebuilt from an allow-list; what must not be lost is refused by its name."""

import pytest

from providers.errors import UnsupportedFeature
from providers.translation.completion_request import read_completion, read_embeddings, read_fim
from providers.translation.hub import Capabilities

CAN = Capabilities(frozenset())


def test_a_completion_keeps_what_it_knows_and_notes_the_rest():
    body = {
        "model": "m",
        "prompt": "a",
        "suffix": "b",
        "max_tokens": 5,
        "stop": "x",
        "seed": 1,
        "echo": True,
        "best_of": 2,
        "logprobs": 0,
        "user": "ann@example.org",
        "guided_regex": ".*",
        "stream": False,
    }
    request = read_completion(body, CAN)
    assert request.losses.names == ["user", "guided_regex"]
    assert request.fields == {
        name: value
        for name, value in body.items()
        if name not in {"model", "user", "guided_regex", "stream"}
    }


@pytest.mark.parametrize(
    ("prompt", "kept", "answers"),
    [
        ("a", "a", 2),
        (["a"], "a", 2),
        (["a", "b"], ["a", "b"], 4),
        ([1, 2], [1, 2], 2),
        ([[1], [2]], [[1], [2]], 4),
    ],
)
def test_every_prompt_is_answered_as_often_as_asked(prompt, kept, answers):
    request = read_completion({"prompt": prompt, "n": 2}, CAN)
    assert (request.fields["prompt"], request.answers) == (kept, answers)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"prompt": None}, "prompt: a list is expected"),
        ({"prompt": []}, "prompt: it must not be empty"),
        ({"prompt": ["a", 1]}, "prompt: text is expected"),
        ({"prompt": [[]]}, "prompt: text is expected"),
        ({"suffix": 5}, "suffix: text is expected"),
        ({"max_tokens": "5"}, "max_tokens: a whole number"),
        ({"best_of": True}, "best_of: a whole number"),
        ({"logprobs": True}, "logprobs: a whole number"),
        ({"logprobs": 1, "stream": True}, "logprobs: they would be lost"),
    ],
)
def test_what_cannot_be_carried_is_refused_by_its_name(more, message):
    with pytest.raises(UnsupportedFeature, match=message):
        read_completion({"prompt": "a", **more}, CAN)


@pytest.mark.parametrize(
    ("options", "wants"), [(None, False), ({}, False), ({"include_usage": True}, True)]
)
def test_usage_is_for_those_who_ask(options, wants):
    assert read_completion({"prompt": "a", "stream_options": options}, CAN).wants_usage is wants


def test_a_fill_in_the_middle_is_a_completion_with_a_suffix():
    body = {"model": "m", "prompt": "a", "suffix": "b", "random_seed": 7, "min_tokens": 1}
    request = read_fim({**body, "n": 3, "stop": ["x"], "stream": True}, CAN)
    assert request.fields == {"prompt": "a", "suffix": "b", "seed": 7, "stop": ["x"]}
    assert request.losses.names == ["min_tokens", "n"]
    assert (request.answers, request.wants_usage) == (1, True)


@pytest.mark.parametrize("prompt", [None, ["a"], [1, 2]])
def test_a_fill_in_the_middle_has_one_text(prompt):
    with pytest.raises(UnsupportedFeature, match="prompt: text is expected"):
        read_fim({"prompt": prompt}, CAN)


@pytest.mark.parametrize("given", ["a", ["a"], [1, 2], [[1], [2]]])
def test_embeddings_keep_the_form_of_their_input(given):
    request = read_embeddings({"model": "m", "input": given, "dimensions": 8, "user": "a"}, CAN)
    assert request.fields == {"input": given, "dimensions": 8, "encoding_format": "float"}
    assert (request.losses.names, request.answers) == (["user"], 0)


@pytest.mark.parametrize(
    "more", [{"input": None}, {"input": []}, {"encoding_format": 5}, {"dimensions": "8"}]
)
def test_embeddings_of_a_wrong_form_are_refused(more):
    with pytest.raises(UnsupportedFeature, match=f"^{next(iter(more))}: "):
        read_embeddings({"input": "a", **more}, CAN)
