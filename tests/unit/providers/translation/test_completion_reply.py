"""A completion's bytes, in the form its client knows; no end is written before its time."""

import json

import pytest

from providers.base import WireName
from providers.translation.completion_reply import (
    CompletionStream,
    FimStream,
    NoCompletion,
    completion_document,
)
from providers.translation.ending import Ending

COMPLETIONS, FIM = WireName.OPENAI_COMPLETIONS, WireName.MISTRAL_FIM
USAGE = {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3}
HEAD = {"reply_id": "c1", "model": "m", "created": 7}


def chunk(text: str | None = None, finish: str | None = None):
    return {"id": "other", "choices": [{"index": 0, "text": text, "finish_reason": finish}]}


def told(data: bytes):
    *events, done, rest = data.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    return [json.loads(each.removeprefix(b"data: ")) for each in events]


@pytest.mark.parametrize("kind", [CompletionStream, FimStream])
def test_no_end_is_written_before_close(kind):
    stream = kind(**HEAD, wants_usage=True)
    assert b'"finish_reason":null' in stream.encode(chunk("a", "stop"))
    assert stream.encode(chunk(None, "stop")) == b""
    assert stream.encode({"choices": None}) == b""


@pytest.mark.parametrize(("wants", "events"), [(True, 2), (False, 1)])
def test_a_completions_usage_is_an_event_for_those_who_asked(wants, events):
    stream = CompletionStream(**HEAD, wants_usage=wants)
    stream.encode(chunk("a", "length"))
    end, *usage = told(stream.close(Ending(usage=USAGE)))
    assert end["choices"] == [{"index": 0, "text": "", "logprobs": None, "finish_reason": "length"}]
    assert (end["id"], end["model"], end["created"]) == ("c1", "m", 7)
    assert end["object"] == "text_completion"
    assert [each["usage"] for each in usage] == [USAGE] * (events - 1)


def test_a_fill_in_the_middles_usage_stands_in_its_last_chunk():
    stream = FimStream(**HEAD, wants_usage=False)
    said = json.loads(stream.encode(chunk("a")).removeprefix(b"data: "))
    assert said["choices"] == [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}]
    stream.encode(chunk("", "stop"))
    (end,) = told(stream.close(Ending(usage=USAGE)))
    assert end["choices"] == [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}]
    assert end["usage"] == USAGE
    assert "usage" not in told(stream.close(Ending()))[0]


def test_the_id_of_the_first_chunk_holds_where_the_vendor_gave_none():
    stream = CompletionStream(reply_id=None, model="m", created=1, wants_usage=False)
    assert b'"id":"other"' in stream.encode(chunk("a"))


def test_a_document_is_rebuilt_from_the_members_we_know():
    probabilities = {"tokens": ["a"], "token_logprobs": [-0.5]}
    choice = {"text": "a", "logprobs": probabilities, "finish_reason": "stop", "x": 1}
    document = completion_document(
        COMPLETIONS, {"choices": [choice], "y": 2}, **HEAD, ending=Ending(usage=USAGE)
    )
    assert json.loads(document) == {
        "id": "c1",
        "object": "text_completion",
        "created": 7,
        "model": "m",
        "choices": [{"index": 0, "text": "a", "logprobs": probabilities, "finish_reason": "stop"}],
        "usage": USAGE,
    }


def test_a_document_becomes_a_fill_in_the_middle():
    choice = {"index": 0, "text": "a", "finish_reason": "stop"}
    told = json.loads(completion_document(FIM, {"choices": [choice]}, **HEAD, ending=Ending()))
    message = {"role": "assistant", "content": "a"}
    assert told["choices"] == [{"index": 0, "message": message, "finish_reason": "stop"}]
    assert told["object"] == "chat.completion"
    assert "usage" not in told


@pytest.mark.parametrize("choice", [5, {}, {"text": None}, {"message": {"content": "chat"}}])
@pytest.mark.parametrize("wire", [COMPLETIONS, FIM])
def test_what_holds_no_text_is_no_completion(wire, choice):
    with pytest.raises(NoCompletion):
        completion_document(wire, {"choices": [choice]}, **HEAD, ending=Ending())
