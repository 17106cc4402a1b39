"""Each assistant does its work through the gateway, and shows once when it may not."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.wire.note import MARKER
from tests.assistants.codex import CODEX
from tests.assistants.conversation import conversation, same_but_for, wire_of
from tests.assistants.installed import installed, version_of
from tests.assistants.model import REFUSED, Does, note
from tests.assistants.port import Assistant, EditBlock
from tests.assistants.roster import ASSISTANTS
from tests.assistants.workshop import (
    NATIVE,
    RULE,
    TEAM,
    TRANSLATED,
    WARNED,
    WITHDRAWN,
    Taken,
    Workshop,
    workshop,
)
from tests.house.test_language import REGISTRY_HOSTS

pytestmark = pytest.mark.asyncio(loop_scope="session")
Record = Callable[[str, object], None]


@pytest_asyncio.fixture(
    scope="module", loop_scope="session", params=ASSISTANTS, ids=lambda each: each.name
)
async def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Workshop]:
    assistant: Assistant = request.param
    folder = tmp_path_factory.mktemp(assistant.name)
    async with workshop(assistant, installed(), folder) as started:
        yield started


async def test_a_native_turn(shop: Workshop, record_property: Record) -> None:
    taken = await shop.turn(NATIVE)
    check_work(taken)
    check_books(taken, "house/standin")
    check_bytes(taken)
    first = max(taken.tap.asked[:2], key=lambda call: len(call.body))  # a title may be asked first
    record_property("requests", len(taken.tap.asked))
    record_property("kilobytes", round(len(first.body) / 1024))
    record_property("tools", len(conversation(first).tools))
    record_property("hosts", hosts(taken))


async def test_a_translated_turn(shop: Workshop, record_property: Record) -> None:
    taken = await shop.turn(TRANSLATED)
    check_work(taken)
    assert taken.assistant.wire not in map(wire_of, taken.upstream.calls), str(taken)
    check_books(taken, "/standin")
    record_property("requests", len(taken.tap.asked))


async def test_a_warning(shop: Workshop, record_property: Record) -> None:
    taken = await shop.turn(WARNED, Does.ALOUD)
    check_work(taken)
    told = [each["reply_edits"] for each in taken.of_kind("completed") if "reply_edits" in each]
    assert [[edit["rule"] for edit in edits] for edits in told] == [[RULE]], str(taken)
    came_back = [MARKER in call.body for call in taken.tap.asked]
    is_one_answer = isinstance(taken.assistant.works, EditBlock)
    assert came_back[-1] is not is_one_answer, str(taken)
    assert [call for call in taken.upstream.calls if MARKER in call.body] == [], str(taken)
    is_printed = f"rule {RULE}" in unwrapped(taken)
    record_property("warned", "printed" if is_printed else "not printed")


async def test_a_denial(shop: Workshop, record_property: Record) -> None:
    taken = await shop.turn(WITHDRAWN)
    expected = taken.assistant.denied
    record_property("requests", len(taken.tap.asked))
    assert len(taken.tap.asked) == expected.requests, str(taken)
    assert (taken.turn.exit_code == 0) is expected.exits_with_zero, str(taken)
    (denied, *_) = taken.of_kind("denied")
    assert denied["rule"] == "model_access", str(taken)
    assert "rule model_access" in unwrapped(taken), str(taken)
    assert taken.upstream.calls == []
    assert taken.project.note == ""
    assert taken.otherwise == [], str(taken)


async def test_an_answer_that_breaks_off(shop: Workshop, record_property: Record) -> None:
    taken = await shop.turn(NATIVE, Does.HALF)
    did_it = taken.project.note == note(taken.project.secret)
    record_property("after", "asks again, does it" if did_it else how_it_stopped(taken))
    outcomes = [each["outcome"] for each in taken.of_kind("completed")]
    assert outcomes.count("cut") == 1, str(taken)
    assert did_it or taken.project.note == "", str(taken)
    assert did_it or taken.turn.exit_code != 0 or is_told(taken), str(taken)
    assert len(taken.tap.asked) == len(outcomes), str(taken)
    assert taken.otherwise == [], str(taken)


@pytest.mark.parametrize("assistant", [CODEX], ids=lambda each: each.name)
async def test_a_refusal_after_a_keep_alive(assistant: Assistant, tmp_path: Path) -> None:
    async with workshop(assistant, installed(), tmp_path) as shop:
        taken = await shop.turn(NATIVE, Does.REFUSE_LATE)
    assert taken.tap.waiting.is_set(), str(taken)
    assert REFUSED in unwrapped(taken), str(taken)
    assert '{"' not in taken.turn.printed, str(taken)
    assert len(taken.tap.asked) == 1, str(taken)
    assert taken.turn.exit_code != 0, str(taken)


def check_work(taken: Taken) -> None:
    """The file was read, its text came back to the model, and what the model wrote is there."""
    assert taken.turn.exit_code == 0, str(taken)
    assert taken.otherwise == [], str(taken)
    assert taken.project.note == note(taken.project.secret), str(taken)
    assert any(taken.project.secret in result for result in taken.model.results), str(taken)
    assert taken.upstream.refusals == [], str(taken)
    fewest = 1 if isinstance(taken.assistant.works, EditBlock) else 3
    assert len(taken.upstream.calls) >= fewest, str(taken)


def check_books(taken: Taken, target: str) -> None:
    """Every request is in the ledger from its admission to its end, with who and by what."""
    admitted, completed = taken.of_kind("admitted"), taken.of_kind("completed")
    assert len(admitted) == len(taken.tap.asked), str(taken)
    assert len(taken.of_kind("attempted")) == len(admitted), str(taken)
    assert {each["outcome"] for each in completed} == {"complete"}, str(taken)
    assert all(each["target"].endswith(target) for each in completed), str(taken)
    assert {each["team"] for each in admitted} == {TEAM}
    for each in admitted:
        check_recognised(taken.assistant, each["assistant"])


def check_recognised(assistant: Assistant, told: dict[str, Any]) -> None:
    """The audit knows which assistant it was, and which release where it says so."""
    assert told["name"] == assistant.recognised.name, told
    if assistant.recognised.has_version:
        assert told["version"] == version_of(assistant.package), told


def check_bytes(taken: Taken) -> None:
    """What reached the engine is what the assistant sent, but for the model's name and usage."""
    for client, upstream in zip(taken.tap.asked, taken.upstream.calls, strict=True):
        assert same_but_for(client, upstream, "model", "stream_options"), str(taken)


def how_it_stopped(taken: Taken) -> str:
    """What a person, or a script, learns of a turn that was not finished."""
    told = "says so" if is_told(taken) else "says something else"
    return f"stops, {told}, exit code {taken.turn.exit_code}"


def hosts(taken: Taken) -> str:
    """The hosts it looked for. Registries are not named: which one is asked is a setting."""
    named = {
        "a package registry" if name in REGISTRY_HOSTS else f"`{name}`" for name in taken.names
    }
    return ", ".join(sorted(named)) or "none"


def is_told(taken: Taken) -> bool:
    """Whether the reason for the cut stands in what was printed."""
    return "broke off" in unwrapped(taken)


def unwrapped(taken: Taken) -> str:
    """What was printed, as if the terminal were endlessly wide."""
    return " ".join(taken.turn.printed.split())
