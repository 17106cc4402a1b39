"""In the house bytes are sacred: what is not a recorded edit arrives as it was sent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import vendor_anthropic, vendor_openai
from tests.fakes.house import CHAT, MESSAGES, House, a_house
from tests.fakes.pair import Pair, a_pair, is_whole
from tests.fakes.vendor import FakeVendor
from tests.fakes.vendor_openai import DONE
from tests.fakes.vendor_script import Script, ToolCall

pytestmark = pytest.mark.asyncio(loop_scope="module")

on_both_wires = pytest.mark.parametrize("path", [CHAT, MESSAGES])

USAGE_OPTION = ',"stream_options":{"include_usage":true}'
SCRIPT = Script(
    text="Zwölf Boxkämpfer \u2028 data: [DONE]\n\n und \U0001f984",
    reasoning="first think",
    tool_calls=(ToolCall("read_file", {"path": "a.py"}), ToolCall("list", {})),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """One gateway for all: it takes longer to start than these tests."""
    async with a_pair(tmp_path_factory.mktemp("pair")) as pair:
        yield pair


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_without_front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with a_pair(tmp_path_factory.mktemp("pair"), front_is_on=False) as pair:
        yield pair


@pytest_asyncio.fixture(loop_scope="module")
async def pair(running: Pair) -> Pair:
    await running.begins_anew()
    return running


@pytest_asyncio.fixture(loop_scope="module")
async def pair_without_front(running_without_front: Pair) -> Pair:
    await running_without_front.begins_anew()
    return running_without_front


@pytest_asyncio.fixture(loop_scope="module")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    odd = {"x_odd": (dict, list, str, int, float, bool, type(None))}
    async with a_house(tmp_path, extra_fields=odd) as house:
        yield house


def in_pieces_of(size: int) -> Callable[[bytes], Iterable[bytes]]:
    return lambda data: [data[at : at + size] for at in range(0, len(data), size)]


def script(vendor: FakeVendor, **change: Any) -> None:
    told = {"text": SCRIPT.text, "reasoning": SCRIPT.reasoning, "tool_calls": SCRIPT.tool_calls}
    vendor.behaves(**told, **change)


def sent_by(vendor: FakeVendor, path: str) -> list[bytes]:
    """The events that the stand-in sent for its newest call."""
    wire = vendor_openai if path == CHAT else vendor_anthropic
    return wire.events(SCRIPT, vendor.calls[-1].json(), len(vendor.calls))


def without_usage_chunk(events: list[bytes]) -> bytes:
    return b"".join(event for event in events if b'"choices":[]' not in event)


@on_both_wires
@pytest.mark.parametrize("size", [1, 2, 3, 5, 64, 997, 100_000])
async def test_the_reply_is_the_upstreams_but_for_the_usage_chunk_we_asked_for(
    pair: Pair, path: str, size: int
) -> None:
    script(pair.first, chop=in_pieces_of(size))
    answer = await pair.ask(path)
    assert answer.content == without_usage_chunk(sent_by(pair.first, path))
    assert answer.headers["content-type"].startswith("text/event-stream")
    completed = pair.story()[-1]
    assert (completed["outcome"], completed["usage_source"]) == ("complete", "vendor")
    assert completed["usage"]["output_tokens"] == 7
    assert completed["reply_bytes"] > 0


@on_both_wires
@pytest.mark.parametrize("newline", [b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 3, 100_000])
async def test_line_ends_of_any_kind_pass_as_they_are(
    pair: Pair, path: str, newline: bytes, size: int
) -> None:
    script(pair.first, newline=newline, chop=in_pieces_of(size))
    answer = await pair.ask(path)
    expected = without_usage_chunk(sent_by(pair.first, path)).replace(b"\n", newline)
    assert answer.content == expected


@on_both_wires
@pytest.mark.parametrize(
    "oddity",
    [
        b": a comment\n\n",
        b'event: never.heard.of\ndata: {"a": 1}\n\n',
        b'id: 7\nretry: 10\ndata: {"unknown": [null]}\n\n',
        b'data: {"this is": not JSON\n\n',
        b"\n",
    ],
    ids=["comment", "unknown event", "id and retry", "no JSON", "blank line"],
)
async def test_an_unknown_event_passes_as_it_is(pair: Pair, path: str, oddity: bytes) -> None:
    script(pair.first, insert=(4, oddity))
    answer = await pair.ask(path)
    events = sent_by(pair.first, path)
    assert answer.content == without_usage_chunk([*events[:4], oddity, *events[4:]])
    assert pair.story()[-1]["outcome"] == "complete"


async def test_a_client_that_asks_for_usage_gets_the_chunk(pair: Pair) -> None:
    script(pair.first)
    answer = await pair.ask(CHAT, stream_options={"include_usage": True})
    assert answer.content == b"".join(sent_by(pair.first, CHAT))
    attempted = pair.story()[1]
    assert [edit["path"] for edit in attempted["edits"]] == ["model"]


@on_both_wires
async def test_a_forgotten_end_marker_is_supplied(pair: Pair, path: str) -> None:
    script(pair.first, omits_end=True)
    answer = await pair.ask(path)
    assert is_whole(path, answer.content)
    ended = DONE if path == CHAT else b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    assert answer.content.endswith(ended)
    assert pair.story()[-1]["outcome"] == "complete"


@on_both_wires
async def test_an_upstream_that_lingers_after_its_stop_reason_keeps_nobody_waiting(
    pair: Pair, path: str
) -> None:
    pair.first.says("one")
    gate = pair.first.holds(before_event=4 if path == CHAT else 6)  # the end marker
    async with asyncio.timeout(10):
        answer = await pair.ask(path)
    gate.set()
    assert is_whole(path, answer.content)
    assert pair.story()[-1]["outcome"] == "complete"


@on_both_wires
async def test_a_whole_answer_is_the_upstreams_byte_for_byte(pair: Pair, path: str) -> None:
    script(pair.first)
    answer = await pair.ask(path, stream=False)
    wire = vendor_openai if path == CHAT else vendor_anthropic
    assert answer.content == wire.document(SCRIPT, pair.first.calls[-1].json(), 1)
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["x-gatehouse-target"] == "house/qwen3-coder"


async def test_a_large_whole_answer_arrives_unharmed(pair: Pair) -> None:
    pair.first.says("x" * 3_000_001)
    answer = await pair.ask(CHAT, stream=False)
    assert len(answer.json()["choices"][0]["message"]["content"]) == 3_000_001


SPACE = st.text(" \t\r\n", max_size=3)
TEXTS = st.sampled_from(
    ['"hi"', '"\\u0068i"', '"\\ud83e\\udd84 \\/ \\n"', '"ü"', '"\\"model\\":\\"x\\""', '""']
)
VALUES = st.recursive(
    st.sampled_from(["null", "true", "-0", "1.50e+3", "9007199254740993", "[]", "{ }"]) | TEXTS,
    lambda inner: st.lists(inner, max_size=3).map(lambda each: "[ " + " ,".join(each) + "]"),
    max_leaves=6,
)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[list[tuple[str, str, str, str]], bool]:
    """Members as (key, space, value, space), in any order, and whether to stream."""
    streaming = draw(st.booleans())
    content = draw(TEXTS)
    members = {
        draw(st.sampled_from(['"model"', '"\\u006dodel"'])): draw(
            st.sampled_from(['"coder"', '"c\\u006fder"'])
        ),
        '"messages"': f'[{{"role":"user" ,"content":{content}}}]',
        '"max_tokens"': "100",
        '"x_odd"': draw(VALUES),
    }
    if streaming:
        members['"stream"'] = "true"
    order = draw(st.permutations(list(members.items())))
    return [(key, draw(SPACE), value, draw(SPACE)) for key, value in order], streaming


def written(members: list[tuple[str, str, str, str]]) -> bytes:
    inner = ",".join(f"{key}{space}:{space}{value}{end}" for key, space, value, end in members)
    return ("{" + inner + "}").encode()


def edited(
    members: list[tuple[str, str, str, str]], *, asks_for_usage: bool
) -> list[tuple[str, str, str, str]]:
    """What must reach the engine."""
    changed = []
    for key, space, value, end in members:
        told = '"qwen3-coder"' if key in ('"model"', '"\\u006dodel"') else value
        if key == '"stream"' and asks_for_usage:
            told += USAGE_OPTION
        changed.append((key, space, told, end))
    return changed


@given(drawn=bodies(), path=st.sampled_from([CHAT, MESSAGES]))
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_the_upstreams_body_is_the_clients_but_for_the_recorded_edits(
    house: House, drawn: tuple[list[tuple[str, str, str, str]], bool], path: str
) -> None:
    members, streaming = drawn
    body = written(members)
    answer = await house.post(path, body)
    assert answer.status_code == 200
    received = house.vendor.calls[-1].body
    assert received == written(edited(members, asks_for_usage=streaming and path == CHAT))
    attempted = house.gateway.records_of(answer.headers["x-gatehouse-audit-id"])[1]
    grown = sum(edit["bytes_after"] - edit["bytes_before"] for edit in attempted["edits"])
    assert len(received) == len(body) + grown


@on_both_wires
@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("trouble", ["none", "denied", "rejected", "cut", "down"])
async def test_the_front_changes_neither_bytes_nor_status(
    pair: Pair, pair_without_front: Pair, path: str, streaming: bool, trouble: str
) -> None:
    with_front = await an_answer(pair, path, streaming, trouble)
    without = await an_answer(pair_without_front, path, streaming, trouble)
    assert with_front == without


async def an_answer(
    pair: Pair, path: str, streaming: bool, trouble: str
) -> tuple[int, list[str], bytes]:
    """Status, names of headers, and body with the audit id taken out."""
    if trouble == "rejected":
        pair.first.fails(400)
    elif trouble == "cut":
        pair.first.cuts_after(body_bytes=700)
    elif trouble == "down":
        pair.first.fails(500)
    model = "gpt-9" if trouble == "denied" else "solo"
    answer = await pair.ask(path, model, stream=streaming)
    audit_id = answer.headers["x-gatehouse-audit-id"].encode()
    names = sorted(name for name in answer.headers if name != "date")
    return answer.status_code, names, answer.content.replace(audit_id, b"")


async def test_twenty_streams_at_once_keep_apart(pair: Pair) -> None:
    answers = await asyncio.gather(*(pair.ask(CHAT, user=f"u{each}") for each in range(20)))
    ids = {answer.headers["x-gatehouse-audit-id"] for answer in answers}
    assert len(ids) == 20
    assert all(is_whole(CHAT, answer.content) for answer in answers)
    assert {orjson.loads(call.body)["user"] for call in pair.first.calls} == {
        f"u{each}" for each in range(20)
    }
