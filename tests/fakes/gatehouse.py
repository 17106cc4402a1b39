"""A whole gateway in the test's own process: real server, real ledger, real sockets."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from gateway import opening
from gateway.assembly import Gatehouse, assembled
from gateway.first_start import FirstKeys
from gateway.server import (
    BoundedHeadProtocol,
    GatehouseServer,
    SideServer,
    base_url,
    listen,
    server_config,
)
from gateway.settings import ServeOptions
from providers.http.client import HttpClient
from tests.fakes.ledger_file import exchange_records
from tests.fakes.waiting import IN_VAIN_SECONDS, until

ENDS = ("completed", "unknown")


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """A gateway that serves, seen from outside: an address, keys, and its ledger file.

    Where tests share one, each begins with a ledger in which nothing stands yet (`turns_the_page`).
    """

    base_url: str
    developer_key: str
    admin_key: str
    data: Path
    configuration_file: Path
    inside: Gatehouse
    server: GatehouseServer
    admin_url: str | None = None
    earlier: dict[str, int] = field(default_factory=dict)  # by lane, the last record not told

    @property
    def port(self) -> int:
        return int(self.base_url.rsplit(":", 1)[1])

    def admin(self, key: str | None = None, **headers: str) -> httpx.AsyncClient:
        """An HTTP client of the admin API, with the administrator's key or another."""
        assert self.admin_url is not None
        sent = {"authorization": f"Bearer {key or self.admin_key}", **headers}
        url = f"{self.admin_url}/admin/v1"
        return httpx.AsyncClient(base_url=url, headers=sent, timeout=60.0, trust_env=False)

    def client(self, **headers: str) -> httpx.AsyncClient:
        """An HTTP client that sends the developer key and JSON."""
        return httpx.AsyncClient(
            base_url=self.base_url,
            headers={"authorization": f"Bearer {self.developer_key}", **headers},
            timeout=60.0,
            trust_env=False,
        )

    async def chat(self, model: str = "coder", text: str = "hello", **more: Any) -> httpx.Response:
        """Ask once, on the chat wire."""
        body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
        async with self.client() as client:
            return await client.post("/v1/chat/completions", json=body)

    async def messages(
        self, model: str = "coder", text: str = "hello", **more: Any
    ) -> httpx.Response:
        """Ask once, on the messages wire."""
        body = {
            "model": model,
            "max_tokens": 1000,
            "messages": [{"role": "user", "content": text}],
            **more,
        }
        async with self.client(**{"anthropic-version": "2023-06-01"}) as client:
            return await client.post("/v1/messages", json=body)

    def records(self) -> list[dict[str, Any]]:
        """Every durable record of an exchange, lane by lane, each in order."""
        return exchange_records(self.data, self.earlier)

    async def turns_the_page(self) -> None:
        """Once every exchange has its end: tell only records that come after."""
        await until(lambda: not self.inside.calls and _all_ended(self.records()))
        self.earlier.update((each["lane"], each["seq"]) for each in self.records())

    def records_of(self, exchange_id: str) -> list[dict[str, Any]]:
        """The records of one exchange, oldest first."""
        return [each for each in self.records() if each["exchange_id"] == exchange_id]

    def kinds(self) -> list[str]:
        """The kinds of all records, oldest first."""
        return [record["kind"] for record in self.records()]

    async def until_closed(
        self, exchanges: int = 1, timeout_seconds: float = IN_VAIN_SECONDS
    ) -> dict[str, Any]:
        """Wait until so many exchanges have their end in the ledger; the newest end."""
        async with asyncio.timeout(timeout_seconds):
            while True:
                ends = [each for each in self.records() if each["kind"] in ENDS]
                if len(ends) >= exchanges:
                    return ends[-1]
                await asyncio.sleep(0.01)


def _all_ended(records: list[dict[str, Any]]) -> bool:
    ended = {each["exchange_id"] for each in records if each["kind"] in ENDS}
    return ended >= {each["exchange_id"] for each in records if each["kind"] == "admitted"}


class _EndsAtOnce(uvicorn.Server):
    """Ends when it is told to: uvicorn looks ten times a second whether it was."""

    def __init__(self, *arguments: Any) -> None:
        self._told = asyncio.Event()
        super().__init__(*arguments)

    @property
    def should_exit(self) -> bool:
        return self._told.is_set()

    @should_exit.setter
    def should_exit(self, told: bool) -> None:
        if told:
            self._told.set()

    async def main_loop(self) -> None:
        """Keep the date of the answers right, to the second, until told."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 1.0)


class _Server(_EndsAtOnce, GatehouseServer):
    pass


class _SideServer(_EndsAtOnce, SideServer):
    pass


@asynccontextmanager
async def running_gateway(
    folder: Path,
    configuration: str | None,
    *,
    environ: Mapping[str, str] | None = None,
    front_is_on: bool = True,
    client: HttpClient | None = None,
    protocol: type[BoundedHeadProtocol] = BoundedHeadProtocol,
    unix_ns: Callable[[], int] = time.time_ns,
) -> AsyncGenerator[RunningGateway]:
    """Serve `configuration` (YAML; None for the embedded default) from `folder` on a free port.

    `client` reaches the models, `protocol` serves the connections: a test may hold both.
    `unix_ns` is the time that policy goes by.
    """
    file = folder / "gatehouse.yaml"
    if configuration is not None:
        file.write_text(configuration)
    config = file if configuration is not None else None
    options = ServeOptions(config=config, data=folder / "data", port=0)
    listening = asyncio.Event()
    with listen("127.0.0.1", 0) as listener, _a_disk_may_be_busy():
        async with (
            assembled(
                options, environ or {}, front_is_on=front_is_on, client=client, unix_ns=unix_ns
            ) as gatehouse,
            _admin_served(gatehouse) as (admin_url, end_admin),
        ):

            def draining() -> None:
                gatehouse.status.is_draining = True

            server = _Server(
                server_config(gatehouse.application, 5, protocol), listening.set, draining
            )
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                await listening.wait()
                keys = gatehouse.first_keys or FirstKeys("", "")
                url, data = base_url(listener), options.data
                yield RunningGateway(
                    url, keys.developer, keys.admin, data, file, gatehouse, server, admin_url
                )
            finally:  # also of a test that fails: uvloop waits for ever for a server left open
                end_admin()
                server.should_exit = True
                await gatehouse.calls.end_all(2.0)
                await serving


@contextmanager
def _a_disk_may_be_busy() -> Iterator[None]:
    """Records become durable in the end, however many tests have theirs synced at the same time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "RECORD_SECONDS", IN_VAIN_SECONDS)
        yield


@asynccontextmanager
async def _admin_served(
    gatehouse: Gatehouse,
) -> AsyncGenerator[tuple[str | None, Callable[[], None]]]:
    """The address of the admin API, where there is one, and how to tell it that the end is near."""
    if gatehouse.admin is None:
        yield None, lambda: None
        return
    server = _SideServer(server_config(gatehouse.admin.application, 1))

    def end() -> None:
        server.should_exit = True

    async with server.serving(gatehouse.admin.listener):
        yield base_url(gatehouse.admin.listener), end
