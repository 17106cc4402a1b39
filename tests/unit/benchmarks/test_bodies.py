"""Bodies have the size they are named for and are what the protocols allow."""

import json
from pathlib import Path

import pytest

from benchmarks import bodies

EXPECTED_BYTES = {
    "1kb": (800, 1300),
    "4kb": (3500, 4500),
    "100kb": (90_000, 125_000),
    "1mb": (900_000, 1_150_000),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("bodies")
    bodies.write_all(made)
    return made


@pytest.mark.parametrize("wire", ["openai_chat", "anthropic_messages"])
@pytest.mark.parametrize("size", EXPECTED_BYTES)
def test_a_body_has_the_size_it_is_named_for(folder: Path, wire: str, size: str) -> None:
    smallest, largest = EXPECTED_BYTES[size]
    weight = bodies.path_of(folder, wire, size, streamed=False).stat().st_size
    assert smallest < weight < largest


def test_two_writings_are_equal(folder: Path, tmp_path: Path) -> None:
    bodies.write_all(tmp_path)
    for file in folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()


def test_every_tool_result_answers_a_call(folder: Path) -> None:
    path = bodies.path_of(folder, "openai_chat", "100kb", streamed=False)
    messages = json.loads(path.read_text())["messages"]
    calls = [c["id"] for m in messages for c in m.get("tool_calls", ())]
    assert calls == [m["tool_call_id"] for m in messages if m["role"] == "tool"]
    assert len(calls) == 20


def test_a_streamed_chat_asks_for_usage(folder: Path) -> None:
    path = bodies.path_of(folder, "openai_chat", "1kb", streamed=True)
    body = json.loads(path.read_text())
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("streamed", [True, False])
def test_an_autocomplete_is_four_kilobytes_with_a_middle_to_fill(
    folder: Path, streamed: bool
) -> None:
    path = bodies.path_of(folder, "openai_completions", "4kb", streamed=streamed)
    body = json.loads(path.read_text())
    assert 3500 < path.stat().st_size < 4500
    assert body["prompt"].endswith("<|fim_middle|>")
    assert body["stream"] is streamed
    assert ("stream_options" in body) is streamed
