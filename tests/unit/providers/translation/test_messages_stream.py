"""Chat chunks to messages events: for any order and chunking, whole and in sequence."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.translation.ending import Ending
from providers.translation.messages_stream import LateArguments, MessagesStream
from tests.fakes.translation import MESSAGES, Told, understand

USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 6,
    "prompt_tokens_details": {"cached_tokens": 7},
}


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"id": "c1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def part(index: int, arguments: str = "", **opening: Any) -> dict[str, Any]:
    function = {"arguments": arguments}
    if "name" in opening:
        function["name"] = opening.pop("name")
    return chunk(tool_calls=[{"index": index, **opening, "function": function}])


def run(*chunks: dict[str, Any], ending: Ending | None = None) -> Told:
    stream = MessagesStream(reply_id=None, model="m")
    data = b"".join(stream.encode(each) for each in chunks)
    data += stream.close(ending or Ending(usage=USAGE))
    return understand(MESSAGES, data, streaming=True)


def test_text_thinking_and_calls_follow_one_another():
    told = run(
        chunk(role="assistant", content=""),
        chunk(reasoning_content="hm"),
        chunk(content="Let "),
        chunk(content="me."),
        part(0, id="t0", name="f"),
        part(0, '{"a":'),
        part(0, "1}"),
        chunk(finish="tool_calls"),
    )
    assert (told.reasoning, told.text) == ("hm", "Let me.")
    assert told.calls == [{"id": "t0", "name": "f", "arguments": '{"a":1}'}]
    assert told.finish == "tool_use"
    assert told.usage["input_tokens"] == 5
    assert told.usage["cache_read_input_tokens"] == 7
    assert told.reply_id == "msg_c1"


def test_nothing_is_said_before_there_is_something_to_say():
    stream = MessagesStream(reply_id=None, model="m")
    assert stream.encode(chunk(role="assistant", content="")) == b""


def test_no_end_is_written_by_a_finish_reason_alone():
    stream = MessagesStream(reply_id=None, model="m")
    data = stream.encode(chunk(content="x")) + stream.encode(chunk(finish="stop"))
    assert b'stop_reason":"' not in data
    assert b"message_delta" not in data
    assert b"message_stop" not in data


def test_a_live_call_is_told_piece_by_piece():
    stream = MessagesStream(reply_id=None, model="m")
    stream.encode(part(0, id="t", name="f"))
    assert b'"partial_json":"{\\"a"' in stream.encode(part(0, '{"a'))


@pytest.mark.parametrize(
    ("finish", "ending", "expected", "sequence"),
    [
        ("stop", Ending(), "end_turn", None),
        ("length", Ending(), "max_tokens", None),
        ("content_filter", Ending(), "refusal", None),
        ("stop", Ending(stop_sequence="END"), "stop_sequence", "END"),
        ("stop", Ending(native_stop_reason="pause_turn"), "pause_turn", None),
    ],
)
def test_stop_reasons(finish, ending, expected, sequence):
    stream = MessagesStream(reply_id=None, model="m")
    data = stream.encode(chunk(content="x")) + stream.encode(chunk(finish=finish))
    data += stream.close(ending)
    delta = json.loads(data.split(b"event: message_delta\ndata: ")[1].split(b"\n")[0])["delta"]
    assert delta == {"stop_reason": expected, "stop_sequence": sequence}


def test_a_stop_with_calls_is_a_call():
    assert run(part(0, "{}", id="t", name="f"), chunk(finish="stop")).finish == "tool_use"


def test_calls_that_all_bear_the_same_number_are_told_apart_by_their_ids():
    told = run(part(0, '{"a":1}', id="t0", name="f"), part(0, '{"b":2}', id="t1", name="g"))
    assert [(each["id"], each["arguments"]) for each in told.calls] == [
        ("t0", '{"a":1}'),
        ("t1", '{"b":2}'),
    ]


def test_a_call_without_arguments_is_a_call():
    told = run(part(0, id="t0", name="f"), part(1, id="t1", name="g"))
    assert [each["name"] for each in told.calls] == ["f", "g"]


def test_a_call_without_an_id_gets_one():
    told = run(part(0, "{}", name="f"))
    assert told.calls[0]["id"].startswith("toolu_")


def test_arguments_that_come_after_their_end_break_the_reply():
    stream = MessagesStream(reply_id=None, model="m")
    stream.encode(part(0, "{}", id="t0", name="f"))
    stream.encode(part(1, "{}", id="t1", name="g"))
    with pytest.raises(LateArguments):
        stream.encode(part(0, '{"more":1}'))


def test_text_after_a_call_waits_for_the_calls_end():
    told = run(
        part(0, '{"a":', id="t0", name="f"),
        chunk(content="while"),
        part(0, "1}"),
        chunk(content="!"),
    )
    assert told.calls[0]["arguments"] == '{"a":1}'
    assert told.text == "while!"


def test_a_missing_usage_says_that_it_is_missing():
    told = run(chunk(content="x"), ending=Ending())
    assert told.usage == {"input_tokens": 0, "output_tokens": 0, "gatehouse_missing": True}


def test_an_answer_without_content_is_an_answer():
    told = run(chunk(finish="stop"))
    assert (told.text, told.ended) == ("", True)


@st.composite
def interleaved(draw: Any) -> tuple[list[str], list[dict[str, Any]]]:
    """Some calls' arguments, cut anywhere and brought in any order that keeps each call's own."""
    values = st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3)
    wanted = [json.dumps(draw(values), ensure_ascii=False) for _ in range(draw(st.integers(1, 4)))]
    queues = []
    for at, text in enumerate(wanted):
        cuts = sorted(draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=5)))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        queues.append([part(at, id=f"t{at}", name="f"), *(part(at, each) for each in pieces)])
    opened, chunks = 0, []
    while any(queues):
        ready = [at for at in range(min(opened + 1, len(queues))) if queues[at]]
        at = draw(st.sampled_from(ready))
        opened = max(opened, at + 1)
        chunks.append(queues[at].pop(0))
    return wanted, chunks


@given(interleaved())
def test_any_interleaving_keeps_every_argument(case):
    wanted, chunks = case
    told = run(chunk(content="Let me."), *chunks, chunk(finish="tool_calls"))
    assert [each["arguments"] for each in told.calls] == wanted
    assert [each["id"] for each in told.calls] == [f"t{at}" for at in range(len(wanted))]
