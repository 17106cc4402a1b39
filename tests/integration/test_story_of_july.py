"""The shipped example, told by the vendors' own SDKs, while the clock moves from June to August."""

import json
import os
import re
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from gateway.cli.data import opened_database
from gateway.pepper import load_pepper
from gateway.store.changes import Actor
from gateway.store.keys import Keys
from gateway.virtual_key import Hasher, KeyIssuer
from gateway.wire.note import MARKER
from providers.translator_client import TranslatorSender
from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.sdk_talks import TALKS, Talk
from tests.fakes.vendor_gemini import FakeGemini

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXAMPLE = Path(__file__).parents[2] / "examples" / "policy"
ITS_HOUSE = ("http://127.0.0.1:8000", "wires: [openai_chat, anthropic_messages]")
ALL_WIRES = "wires: [openai_chat, openai_responses, anthropic_messages, gemini]"
RULE = "claude-code-leaves"
NOTE = re.compile(
    r"> \*\*Gatehouse:\*\* from 2026-07-10 on this is denied: Claude Code is no longer approved "
    r"here, as decided on 12 June; use Qoder, which is "
    rf"\(rule {RULE}, audit id (gh-[0-9A-Z]{{26}})\)\n\n"
)
ANSWER = "Good morning.\n\n- größe"


@dataclass(slots=True)
class Calendar:
    """The time that policy goes by."""

    unix_ns: int = 0

    def __call__(self) -> int:
        return self.unix_ns

    def is_at(self, moment: str) -> None:
        """UTC, as `2026-07-10` or with a time."""
        told = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        self.unix_ns = int(told.timestamp()) * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Site:
    gateway: RunningGateway
    house: FakeGemini
    team_x: str = field(repr=False)
    calendar: Calendar

    @asynccontextmanager
    async def session(
        self, wire: str, key: str | None = None, session_id: str | None = None
    ) -> AsyncGenerator[Talk]:
        """A session of Claude Code, on any wire: a new one, unless it has an id."""
        headers = {
            "user-agent": "claude-cli/2.1.329 (external, cli)",
            "x-claude-code-session-id": session_id or str(uuid4()),
        }
        root = self.gateway.base_url
        async with TALKS[wire](root, key or self.gateway.developer_key, headers) as talk:
            yield talk

    async def end(self) -> dict[str, Any]:
        """The end of the newest exchange."""
        return await self.gateway.until_closed(self.gateway.kinds().count("admitted"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("july")
    shutil.copytree(EXAMPLE / "policy", folder / "policy")
    calendar = Calendar()
    calendar.is_at("2026-06-01")
    async with FakeGemini(key=None, models=("qwen3-coder",)) as house:
        configuration = (EXAMPLE / "gatehouse.yaml").read_text()
        for its_own, ours in zip(ITS_HOUSE, (house.url, ALL_WIRES), strict=True):
            configuration = configuration.replace(its_own, ours)
        environ = {"DEEPSEEK_API_KEY": "none"}
        with no_translator():
            async with running_gateway(
                folder, configuration, environ=environ, unix_ns=calendar
            ) as gateway:
                house.says(ANSWER)
                yield Site(gateway, house, await key_of("team-x", gateway.data), calendar)


@contextmanager
def no_translator() -> Iterator[None]:
    """Nothing here is sent to a vendor that needs it, and it would take seconds to start."""

    async def stand_by(translator: TranslatorSender) -> None:
        pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TranslatorSender, "start", stand_by)
        yield


async def key_of(team: str, data: Path) -> str:
    """A developer's key, made as another process makes it; the gateway soon knows it."""
    hasher = Hasher(load_pepper(data, os.urandom))
    async with opened_database(data) as database:
        issuer = KeyIssuer(
            Keys(database),
            hasher,
            by=Actor.os_user("anna"),
            unix_us=lambda: time.time_ns() // 1000,
            random_bytes=os.urandom,
        )
        return (await issuer.issue(team, "grace")).secret.reveal()


on_every_wire = pytest.mark.parametrize("wire", TALKS)
streamed_and_not = pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])


@on_every_wire
@streamed_and_not
async def test_until_20_june_nobody_is_told_anything(site: Site, wire: str, streaming: bool):
    site.calendar.is_at("2026-06-19 23:59:59")
    async with site.session(wire) as talk:
        assert await talk.ask("hi", streaming=streaming) == ANSWER


@on_every_wire
@streamed_and_not
async def test_from_then_on_each_session_is_told_once(site: Site, wire: str, streaming: bool):
    site.calendar.is_at("2026-06-20")
    for _ in range(2):
        async with site.session(wire) as talk:
            told = await talk.ask("hi", streaming=streaming)
            note = NOTE.match(told)
            assert note is not None
            assert told[note.end() :] == ANSWER
            ended = await site.end()
            assert ended["exchange_id"] == note[1]
            size = len(note[0].encode())
            assert ended["reply_edits"] == [{"kind": "warning", "rule": RULE, "bytes": size}]
            assert ended["usage"]["output_tokens"] == 7
            assert await talk.ask("and now?", streaming=streaming) == ANSWER
            assert "reply_edits" not in await site.end()


@on_every_wire
@streamed_and_not
async def test_the_model_never_sees_what_was_told(site: Site, wire: str, streaming: bool):
    site.calendar.is_at("2026-07-09 23:59:59")
    async with site.session(wire) as talk:
        await talk.ask("hi", streaming=streaming)
        await talk.ask("and now?", streaming=streaming)
    sent = site.house.calls[-1].body
    assert MARKER not in sent
    assert ANSWER in "".join(texts_in(json.loads(sent)))  # Google's SDK keeps its pieces
    ended = await site.end()
    (attempted,) = (
        each
        for each in site.gateway.records_of(ended["exchange_id"])
        if each["kind"] == "attempted"
    )
    assert attempted["edits"][0]["kind"] == "warning_removed"
    assert site.house.refusals == []


@on_every_wire
@streamed_and_not
async def test_calls_alone_are_passed_on_and_the_next_words_tell(
    site: Site, wire: str, streaming: bool
):
    site.calendar.is_at("2026-06-20")
    session_id = str(uuid4())
    site.house.calls_tool("read_file", {"path": "a.py"}, times=1)
    async with site.session(wire, session_id=session_id) as talk:
        assert await talk.ask("read it", streaming=streaming) == ""
        assert "reply_edits" not in await site.end()
    async with site.session(wire, session_id=session_id) as talk:
        assert NOTE.match(await talk.ask("and?", streaming=streaming))


@on_every_wire
@streamed_and_not
async def test_on_10_july_it_is_denied(site: Site, wire: str, streaming: bool):
    site.calendar.is_at("2026-07-10")
    async with site.session(wire) as talk:
        with pytest.raises(talk.denial, match=r"Gatehouse: .*; use Qoder, which is \(rule claude"):
            await talk.ask("hi", streaming=streaming)


@on_every_wire
@streamed_and_not
async def test_team_x_goes_on_until_august(site: Site, wire: str, streaming: bool):
    site.calendar.is_at("2026-07-31 23:59:59")
    async with site.session(wire, site.team_x) as talk:
        assert await talk.ask("hi", streaming=streaming) == ANSWER
    site.calendar.is_at("2026-08-01")
    async with site.session(wire, site.team_x) as talk:
        with pytest.raises(talk.denial, match="claude-code-leaves"):
            await talk.ask("hi", streaming=streaming)


def texts_in(tree: Any) -> list[str]:
    """Every text in a document."""
    if isinstance(tree, str):
        return [tree]
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return [text for each in inner for text in texts_in(each)]
