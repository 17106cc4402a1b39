"""Warnings on the road of a request: told once a session, and never sent on to a model."""

from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from gateway.errors import UpstreamFailed
from gateway.inbound import Inbound, Outbound
from gateway.wire.note import MARKER
from providers.errors import ProviderUnavailable
from tests.fakes.policy_files import WITH_RULES, loaded
from tests.fakes.road import ANSWER, CHAT, Road, says

RULES = """
rules:
  - id: codex-leaves
    effect: warn
    match: { assistants: [codex] }
    reason: Codex leaves.
"""
IN_THE_HEADER = RULES + "    show: header\n"
TOOLS = [{"type": "function", "function": {"name": "read_file", "parameters": {}}}]


@pytest.fixture
def road(tmp_path: Path) -> Road:
    return Road(loaded(tmp_path, RULES))


def asked(road: Road, *said: str, session: bytes = b"s-1", **more: Any) -> Inbound:
    """A turn of Codex; `said` is what the model has said before."""
    earlier = [{"role": "assistant", "content": each} for each in said]
    messages = [*earlier, {"role": "user", "content": "hello"}]
    inbound = road.ask(CHAT, **{"max_tokens": 4096, "tools": TOOLS, "messages": messages, **more})
    headers = (*inbound.headers, (b"session-id", session))
    return msgspec.structs.replace(inbound, headers=headers)


def text_of(outbound: Outbound) -> str:
    assert isinstance(outbound.body, bytes)
    text = orjson.loads(outbound.body)["choices"][0]["message"]["content"]
    assert isinstance(text, str)
    return text


async def told(road: Road, *said: str, **more: Any) -> str:
    road.direct.replies = [says(ANSWER)]
    return text_of(await road.pipeline.serve(asked(road, *said, **more)))


async def test_the_first_turn_of_each_session_is_told(road: Road) -> None:
    first = await told(road)
    assert first.startswith("> **Gatehouse:** Codex leaves (rule codex-leaves, audit id gh-")
    assert first.endswith("\n\nhi")
    assert await told(road, first) == "hi"
    assert await told(road, session=b"s-2") != "hi"


async def test_every_answer_has_the_warning_in_its_header(road: Road) -> None:
    for _ in range(2):
        road.direct.replies = [says(ANSWER)]
        answer = await road.pipeline.serve(asked(road))
        warning = b"Codex leaves (rule codex-leaves)"
        assert (b"x-gatehouse-warning", warning) in answer.headers


async def test_what_a_rule_wants_in_the_header_stays_out_of_the_answer(tmp_path: Path) -> None:
    road = Road(loaded(tmp_path, IN_THE_HEADER))
    assert await told(road) == "hi"
    assert road.ledger.bodies[0]["warnings"] == ["Codex leaves (rule codex-leaves)"]


async def test_no_target_sees_what_was_told_and_each_attempt_says_so(road: Road) -> None:
    first = await told(road)
    road.direct.replies = [ProviderUnavailable("it is down")]
    road.translator.replies = [says(ANSWER)]
    await road.pipeline.serve(asked(road, first))
    calls = (road.direct.calls[-1], road.translator.calls[-1])
    for call in calls:
        assert MARKER not in call.body
        assert orjson.loads(call.body)["messages"][0]["content"] == "hi"
    attempts = [body for body in road.ledger.bodies if body["kind"] == "attempted"][-2:]
    for body in attempts:
        edits: Any = body["edits"]
        assert [each["kind"] for each in edits] == ["warning_removed", "model_name"]
        assert edits[0]["path"] == "messages.0.content"


async def test_what_was_told_is_taken_out_when_its_rule_is_gone(road: Road, tmp_path: Path) -> None:
    first = await told(road)
    without = loaded(tmp_path, "rules: []\n", configuration=WITH_RULES)
    assert not without.policy.shows_notices
    road.in_force.replace(without, since_unix_seconds=1_795_000_100)
    await told(road, first)
    assert MARKER not in road.direct.calls[-1].body


async def test_who_never_warns_inside_looks_for_nothing(tmp_path: Path) -> None:
    road = Road(loaded(tmp_path, IN_THE_HEADER))
    pasted = "> **Gatehouse:** x (rule r, audit id gh-01KAJ0T6M0ABCDEFGHJKMNPQRS)\n\nhi"
    await told(road, pasted)
    assert MARKER in road.direct.calls[-1].body


async def test_a_turn_asked_again_has_the_same_id_with_its_note(road: Road) -> None:
    first = await told(road)
    await told(road, first)
    await told(road, first)
    *_, second, third = (body for body in road.ledger.bodies if body["kind"] == "admitted")
    assert second["turn_id"] == third["turn_id"]


async def test_when_no_target_answers_the_next_answer_tells_it(road: Road) -> None:
    road.direct.replies = [ProviderUnavailable("it is down")]
    road.translator.replies = [ProviderUnavailable("it is down, too")]
    with pytest.raises(UpstreamFailed):
        await road.pipeline.serve(asked(road))
    assert "reply_edits" not in road.ledger.bodies[-1]
    assert await told(road) != "hi"
