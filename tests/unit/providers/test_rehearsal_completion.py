"""The rehearsal model completes with a comment that says what it is."""

import json
from typing import Any

import pytest

from providers.base import UpstreamCall, WireName
from providers.errors import UnsupportedFeature
from providers.rehearsal_completion import complete
from tests.fakes.translation import target

COMPLETIONS, FIM = WireName.OPENAI_COMPLETIONS, WireName.MISTRAL_FIM
SAID = "Gatehouse's rehearsal model: no model completed this."


def said(wire: WireName, **body: Any) -> list[bytes]:
    given = {"prompt": "def add(a, b):", "suffix": "print(1)", **body}
    streaming = bool(given.get("stream"))
    call = UpstreamCall(wire, target("rehearsal", ""), b"", (), streaming)
    return complete(call, given, reply_id="r1", created=7)


def events(wire: WireName, **body: Any) -> list[Any]:
    *told, done, rest = b"".join(said(wire, stream=True, **body)).split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    return [json.loads(each.removeprefix(b"data: ")) for each in told]


def test_a_completion_owns_up_to_what_it_is() -> None:
    (document,) = said(COMPLETIONS)
    reply = json.loads(document)
    assert reply["choices"][0]["text"] == f"# {SAID}"
    assert reply["choices"][0]["finish_reason"] == "stop"
    assert reply["usage"] == {"prompt_tokens": 4, "completion_tokens": 8, "total_tokens": 12}


def test_a_fill_in_the_middle_says_the_same_in_chats_form() -> None:
    (document,) = said(FIM)
    assert json.loads(document)["choices"][0]["message"]["content"] == f"# {SAID}"


@pytest.mark.parametrize(
    "prompt", ["let a = 1; // one\nlet b", "int main() {\n  ", ["let a = 1;\nlet b"]]
)
def test_the_comment_is_of_the_languages_kind(prompt: Any) -> None:
    assert json.loads(said(COMPLETIONS, prompt=prompt)[0])["choices"][0]["text"] == f"// {SAID}"


def test_a_prompt_of_tokens_is_completed_too() -> None:
    assert SAID.encode() in said(COMPLETIONS, prompt=[1, 2, 3])[0]


def test_a_stream_says_it_word_by_word() -> None:
    chunks = events(COMPLETIONS)
    assert "".join(each["choices"][0]["text"] for each in chunks) == f"# {SAID}"
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert not any("usage" in each for each in chunks)


def test_a_stream_tells_its_usage_when_asked_and_a_fill_in_the_middle_always() -> None:
    asked = events(COMPLETIONS, stream_options={"include_usage": True})
    assert asked[-1]["usage"]["completion_tokens"] == 8
    assert events(FIM)[-1]["usage"]["completion_tokens"] == 8


@pytest.mark.parametrize("limit", [0, 3])
def test_an_output_limit_is_kept_and_told(limit: int) -> None:
    choice = json.loads(said(COMPLETIONS, max_tokens=limit)[0])["choices"][0]
    assert len(choice["text"].split()) == limit
    assert choice["finish_reason"] == "length"


@pytest.mark.parametrize("body", [{"n": 2}, {"prompt": ["a", "b"]}, {"prompt": [[1], [2]]}])
def test_more_than_one_answer_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedFeature, match="one prompt at a time"):
        said(COMPLETIONS, **body)
