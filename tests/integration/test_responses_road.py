"""The responses wire on the whole road: real sockets, a real ledger, upstreams of either kind."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import pytest_asyncio

from tests.fakes.gatehouse import RunningGateway, running_gateway
from tests.fakes.vendor import Ending, FakeVendor, TokenUsage

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONFIGURATION = """
vendors:
  house: {{ kind: in_house, base_url: "{house}", wires: [openai_responses] }}
  spare: {{ kind: in_house, base_url: "{spare}", wires: [openai_responses] }}
models:
  coder: {{ targets: [house/m-1, spare/m-2] }}
  other: {{ targets: [spare/m-2] }}
teams:
  default: {{ models: [coder, other], data_class: internal }}
"""
CODEX = {"user-agent": "codex_exec/0.169.0 (Debian 12.0.0; x86_64)"}


@dataclass(frozen=True, slots=True)
class Site:
    gateway: RunningGateway
    house: FakeVendor
    spare: FakeVendor

    async def ask(
        self, content: bytes | None = None, headers: Any = None, **body: Any
    ) -> httpx.Response:
        whole = {"model": "coder", "input": "hello", **body}
        async with self.gateway.client(**(headers or {})) as client:
            sent = content if content is not None else json.dumps(whole).encode()
            kind = {"content-type": "application/json"}
            return await client.post("/v1/responses", content=sent, headers=kind)

    def sdk(self) -> openai.AsyncOpenAI:
        http = openai.DefaultAsyncHttpxClient(trust_env=False)
        return openai.AsyncOpenAI(
            base_url=f"{self.gateway.base_url}/v1",
            api_key=self.gateway.developer_key,
            max_retries=0,
            http_client=http,
        )


@asynccontextmanager
async def a_site(folder: Path) -> AsyncGenerator[Site]:
    async with FakeVendor(key=None) as house, FakeVendor(key=None) as spare:
        text = CONFIGURATION.format(house=house.url, spare=spare.url)
        async with running_gateway(folder, text) as gateway:
            yield Site(gateway, house, spare)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One gateway for most: it takes longer to start than these tests."""
    async with a_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="module")
async def site(running: Site) -> AsyncIterator[Site]:
    await running.house.begins_anew()
    await running.spare.begins_anew()
    await running.gateway.turns_the_page()
    yield running
    all_have_ended(running)


@pytest_asyncio.fixture(loop_scope="module")
async def new_site(tmp_path: Path) -> AsyncIterator[Site]:
    """A gateway to which no answer of these vendors, who number them, is known."""
    async with a_site(tmp_path) as site:
        yield site
        all_have_ended(site)


def all_have_ended(site: Site) -> None:
    kinds = site.gateway.kinds()
    assert kinds.count("admitted") == kinds.count("completed")


def events(answer: httpx.Response) -> list[Any]:
    lines = answer.content.split(b"\n")
    return [json.loads(line[6:]) for line in lines if line.startswith(b"data: ")]


async def test_bytes_go_through_but_for_the_models_name(site: Site) -> None:
    body = b'{ "input":[{"type":"never_heard_of","x":1.0}], "model":"coder" ,"metadata":{} }'
    answer = await site.ask(body)
    assert answer.status_code == 200
    assert site.house.calls[-1].path == "/v1/responses"
    assert site.house.calls[-1].body == body.replace(b'"coder"', b'"m-1"')
    assert answer.json()["id"] == "resp_standin_1"


async def test_a_stream_arrives_as_it_was_sent_and_its_figures_are_in_the_ledger(
    site: Site,
) -> None:
    site.house.calls_tool("run", {"cmd": "ls"}, text="Let me look.")
    site.house.uses(TokenUsage(input=10, output=7, cache_read=30, reasoning=2))
    answer = await site.ask(stream=True)
    told = events(answer)
    assert told[-1]["type"] == "response.completed"
    assert [each["sequence_number"] for each in told] == list(range(len(told)))
    assert b"[DONE]" not in answer.content
    end = await site.gateway.until_closed()
    assert (end["outcome"], end["finish_reason"]) == ("complete", "completed")
    assert end["response_id"] == "resp_standin_1"
    usage = end["usage"]
    assert (usage["input_tokens"], usage["cache_read_tokens"]) == (10, 30)
    assert (usage["output_tokens"], usage["reasoning_tokens"]) == (7, 2)


@pytest.mark.parametrize("streaming", [True, False])
async def test_who_fails_before_the_first_word_is_passed_over(site: Site, streaming: bool) -> None:
    site.house.fails(503)
    site.spare.says("I am here.")
    answer = await site.ask(stream=streaming)
    assert answer.status_code == 200
    assert b"I am here." in answer.content
    assert site.spare.calls[-1].json()["model"] == "m-2"


async def test_a_stream_that_opens_and_then_fails_is_passed_over(site: Site) -> None:
    site.house.behaves(error_event_at=2)
    answer = await site.ask(stream=True)
    assert events(answer)[-1]["type"] == "response.completed"
    assert answer.headers["x-gatehouse-target"] == "spare/m-2"


async def test_a_request_that_is_refused_in_the_stream_is_refused_once(site: Site) -> None:
    refusing = json.dumps({"type": "error", "code": "invalid_prompt", "message": "Not this."})
    site.house.behaves(insert=(2, f"event: error\ndata: {refusing}\n\n".encode()))
    answer = await site.ask(stream=True)
    assert answer.status_code == 400
    assert "house/m-1 refused the request: Not this." in answer.json()["error"]["message"]
    assert site.spare.calls == []


@pytest.mark.parametrize("ending", [Ending.CLEAN, Ending.CLOSE, Ending.RESET])
async def test_a_cut_ends_as_a_failed_response_that_goes_on_from_what_was_told(
    site: Site, ending: Ending
) -> None:
    site.house.calls_tool("run", {"cmd": "rm -rf x"})
    site.house.cuts_after(events=4, ending=ending)
    told = events(await site.ask(stream=True))
    assert [each["sequence_number"] for each in told] == list(range(len(told)))
    assert told[-1]["type"] == "response.failed"
    response = told[-1]["response"]
    assert (response["id"], response["status"]) == ("resp_standin_1", "failed")
    assert "upstream_stream_cut" in response["error"]["message"]
    assert not any(each["type"].endswith((".done", ".completed")) for each in told)
    assert (await site.gateway.until_closed())["outcome"] == "cut"


async def test_a_failure_in_the_middle_keeps_the_word_by_which_clients_act(site: Site) -> None:
    failed = {"code": "context_length_exceeded", "message": "Too long."}
    raw = json.dumps({"type": "response.failed", "response": {"error": failed}})
    site.house.behaves(insert=(4, f"data: {raw}\n\n".encode()))
    told = events(await site.ask(stream=True))
    assert told[-1]["response"]["error"]["code"] == "context_length_exceeded"
    assert "Too long." in told[-1]["response"]["error"]["message"]


async def test_an_answer_is_whole_without_any_marker_behind_it(site: Site) -> None:
    async with site.sdk() as client:
        stream = await client.responses.create(model="coder", input="hi", stream=True)
        kinds = [each.type async for each in stream]
    assert kinds[-1] == "response.completed"


@pytest.mark.parametrize("streaming", [True, False])
async def test_a_denial_is_the_sdks_bad_request(site: Site, streaming: bool) -> None:
    async with site.sdk() as client:
        with pytest.raises(openai.BadRequestError, match="not offered to team default") as refused:
            await client.responses.create(model="gpt-9", input="hi", stream=streaming)
    assert refused.value.code == "model_not_found"
    assert site.house.calls == []


async def test_codex_is_denied_by_a_stream_that_fails_at_once(site: Site) -> None:
    answer = await site.ask(model="gpt-9", stream=True, headers=CODEX)
    (event,) = events(answer)
    assert (answer.status_code, event["type"]) == (200, "response.failed")
    assert event["response"]["error"]["code"] == "invalid_prompt"
    assert answer.headers["x-gatehouse-audit-id"] in event["response"]["error"]["message"]
    assert site.gateway.kinds() == ["denied"]


@pytest.mark.parametrize("streaming", [True, False])
async def test_a_conversation_that_is_kept_stays_where_it_is_kept(
    new_site: Site, streaming: bool
) -> None:
    first = await new_site.ask(model="other", stream=streaming)
    given = events(first)[-1]["response"]["id"] if streaming else first.json()["id"]
    await new_site.gateway.until_closed()
    answer = await new_site.ask(model="coder", previous_response_id=given)
    assert answer.status_code == 200
    assert answer.json()["previous_response_id"] == given
    assert new_site.house.calls == []
    assert len(new_site.spare.calls) == 2


async def test_a_conversation_is_never_continued_elsewhere(new_site: Site) -> None:
    given = (await new_site.ask(model="other")).json()["id"]
    new_site.spare.fails(503)
    answer = await new_site.ask(model="coder", previous_response_id=given)
    assert answer.status_code == 502
    assert new_site.house.calls == []


async def test_a_conversation_is_known_after_a_restart(tmp_path: Path) -> None:
    async with FakeVendor(key=None) as house, FakeVendor(key=None) as spare:
        text = CONFIGURATION.format(house=house.url, spare=spare.url)
        async with running_gateway(tmp_path, text) as gateway:
            key = gateway.developer_key
            given = (await Site(gateway, house, spare).ask(model="other")).json()["id"]
        async with running_gateway(tmp_path, text) as gateway:
            body = {"model": "coder", "input": "and now?", "previous_response_id": given}
            async with gateway.client(authorization=f"Bearer {key}") as client:
                answer = await client.post("/v1/responses", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-gatehouse-target"] == "spare/m-2"


async def test_an_answer_that_nobody_here_was_given_is_not_asked_after(site: Site) -> None:
    async with site.sdk() as client:
        with pytest.raises(openai.BadRequestError, match="send the whole conversation") as refused:
            await client.responses.create(
                model="coder", input="hi", previous_response_id="resp_somebody_elses"
            )
    assert refused.value.code == "previous_response_not_found"
    assert site.house.calls == []
    assert site.gateway.kinds() == ["denied"]


async def test_a_socket_is_declined_at_once_so_that_the_client_posts(site: Site) -> None:
    async with site.gateway.client(
        connection="Upgrade",
        upgrade="websocket",
        **{"sec-websocket-version": "13", "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA=="},
    ) as client:
        answer = await client.get("/v1/responses")
    assert answer.status_code == 426
    assert site.gateway.kinds() == []


async def test_the_sdk_is_told_that_answers_are_not_kept(site: Site) -> None:
    async with site.sdk() as client:
        with pytest.raises(openai.NotFoundError, match="keeps no answers"):
            await client.responses.retrieve("resp_1")
        with pytest.raises(openai.NotFoundError, match="keeps no answers"):
            await client.responses.cancel("resp_1")
        with pytest.raises(openai.NotFoundError, match="keeps no answers"):
            await client.responses.input_items.list("resp_1")
