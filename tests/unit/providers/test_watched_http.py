"""The way out decides address, key and headers itself, and keeps what became of a call."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from providers.errors import ProviderTimeout, ProviderUnavailable, ReplyCut, UnsupportedFeature
from providers.http.client import HttpClient
from providers.http.reply import Timeouts
from providers.translation.departure import Cargo
from providers.translation.hub import Losses
from providers.translation.watch import ReplyWatch
from providers.watched_http import ERRAND, Errand, WatchedTransport
from tests.fakes.translation import CHAT, chat_body, target
from tests.fakes.vendor import Ending, FakeVendor

FIELDS: dict[str, Any] = {"messages": chat_body()["messages"]}


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient(tick_seconds=0.05)
    yield client
    await client.aclose()


@pytest.fixture
async def vendor() -> AsyncIterator[FakeVendor]:
    async with FakeVendor() as vendor:
        yield vendor


def errand_to(vendor: FakeVendor, *, silent_seconds: float = 30.0, **fields: Any) -> Errand:
    cargo = {**FIELDS, **fields}
    return Errand(
        target=target("qwen", vendor.url),
        speaks=CHAT,
        path="/chat/completions",
        cargo=Cargo.copy(cargo, CHAT),
        losses=Losses(),
        watch=ReplyWatch(answers=1),
        timeouts=Timeouts(connect_seconds=30, first_byte_seconds=30, idle_seconds=silent_seconds),
    )


async def post(client: HttpClient, errand: Errand | None, **more: Any) -> httpx.Response:
    body = json.dumps({"model": "m-1", **FIELDS, **more}).encode()
    headers = {
        "authorization": "Bearer what-litellm-was-given",
        "x-stainless-os": "Linux",
        "content-type": "application/json",
        "accept-encoding": "gzip",
    }
    async with httpx.AsyncClient(transport=WatchedTransport(client), trust_env=False) as session:
        token = None if errand is None else ERRAND.set(errand)
        try:
            url = "https://somewhere.else.example/v9/other"
            return await session.post(url, content=body, headers=headers)
        finally:
            if token is not None:
                ERRAND.reset(token)


async def test_address_key_and_headers_are_the_configurations(client, vendor):
    await post(client, errand_to(vendor))
    seen = vendor.calls[-1]
    assert seen.path == "/v1/chat/completions"
    assert seen.header("authorization") == "Bearer vendor-key"
    assert seen.header("accept-encoding") == "identity"
    assert seen.header("x-stainless-os") is None
    assert seen.header("host") == vendor.url.removeprefix("http://")


async def test_without_a_configured_key_none_is_sent(client):
    async with FakeVendor(key=None) as vendor:
        errand = errand_to(vendor)
        keyless = replace(errand.target.vendor, api_key=None)
        errand.target = replace(errand.target, vendor=keyless)
        await post(client, errand)
        assert vendor.calls[-1].header("authorization") is None


async def test_nothing_leaves_but_on_an_errand(client):
    with pytest.raises(httpx.ConnectError):
        await asyncio.create_task(post(client, None))


async def test_an_errand_is_run_once(client, vendor):
    errand = errand_to(vendor)
    await post(client, errand)
    with pytest.raises(httpx.ConnectError):
        await post(client, errand)
    assert isinstance(errand.failure, ProviderUnavailable)
    assert len(vendor.calls) == 1


async def test_what_would_be_lost_does_not_leave(client, vendor):
    errand = errand_to(vendor, stop=["END"])
    with pytest.raises(httpx.ConnectError):
        await post(client, errand)
    assert isinstance(errand.failure, UnsupportedFeature)
    assert vendor.calls == []


async def test_what_was_changed_is_noted(client, vendor):
    errand = errand_to(vendor, temperature=2)
    await post(client, errand, temperature=1)
    assert errand.losses.names == ["temperature"]


async def test_status_headers_and_words_of_a_refusal_are_kept(client, vendor):
    vendor.fails(429, message="slow down", retry_after="9")
    errand = errand_to(vendor)
    await post(client, errand)
    assert (errand.watch.status, errand.watch.headers["retry-after"]) == (429, "9")
    assert b"slow down" in errand.watch.document


@pytest.mark.parametrize(
    ("ending", "kind"), [(Ending.CLOSE, ReplyCut), (Ending.STALL, ProviderTimeout)]
)
async def test_why_a_reply_broke_off_is_kept(client, vendor, ending, kind):
    vendor.cuts_after(body_bytes=10, ending=ending)
    errand = errand_to(vendor, silent_seconds=1.0 if ending is Ending.STALL else 30.0)
    with pytest.raises(httpx.ReadError):
        await post(client, errand)
    assert isinstance(errand.failure, kind)


async def test_a_refusal_without_bounds_is_read_to_a_bound(client, vendor):
    vendor.answers(400, b"x" * 1_000_000)
    errand = errand_to(vendor)
    await post(client, errand)
    assert len(errand.watch.document) < 400_000
