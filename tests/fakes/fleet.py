"""Gateways of one installation as processes, and clients that keep all of them busy."""

import asyncio
import itertools
import json
import secrets
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.caps.encoding import state_of
from gateway.caps.port import AccountState
from gateway.caps.store import ValkeyStore
from providers.base import Secret
from tests.fakes.gateway_process import GatewayProcess, gateway_process
from tests.fakes.valkey import Valkey

CHAT = "/v1/chat/completions"
PAUSE_SECONDS = 0.25
TRIES = 4  # a budget that others hold now may have room again in a moment


@dataclass(slots=True)
class Fleet:
    """Replicas, those that were killed among them."""

    replicas: list[GatewayProcess]
    dead: list[GatewayProcess] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.replicas[0].developer_key

    def kill(self, count: int) -> None:
        """SIGKILL so many of those that live."""
        for each in [each for each in self.replicas if each not in self.dead][:count]:
            each.kill()
            self.dead.append(each)


@asynccontextmanager
async def a_fleet(
    folder: Path, configuration: str, count: int, rules: str = "rules: []\n"
) -> AsyncGenerator[Fleet]:
    """So many gateways with one configuration, each in a folder of its own."""
    folders = [folder / f"replica{number}" for number in range(count)]
    for each in folders:
        each.mkdir()
        (each / "gatehouse.yaml").write_text(configuration)
        (each / "rules.yaml").write_text(rules)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(gateway_process(folders[0]))
        others = [gateway_process(each, developer_key=first.developer_key) for each in folders[1:]]
        replicas = await asyncio.gather(*map(stack.enter_async_context, others))
        yield Fleet([first, *replicas])


class CountersSeen:
    """What stands in the store, read beside the gateways."""

    def __init__(self, valkey: Valkey, namespace: str) -> None:
        self._valkey = valkey
        self._namespace = namespace
        self._store = ValkeyStore(Secret(valkey.url), namespace=namespace, timeout_seconds=10.0)

    async def states(self) -> list[AccountState]:
        (names,) = await self._store.run([("names",)])
        assert isinstance(names, list)
        (told,) = await self._store.run([("states", *names)])
        assert isinstance(told, list)
        return [state_of(each) for each in told]

    async def expired(self) -> list[str]:
        """Exchanges whose replica died, booked as estimated and not told by the ledger yet."""
        (ids,) = await self._store.run([("expired", 10_000)])
        assert isinstance(ids, list)
        return [each.decode() for each in ids]

    def booked_for(self, exchange_ids: list[str]) -> Counter[tuple[str, str]]:
        """What was booked as estimated for these, by account and unit (`lua/holds.lua`)."""
        sums: Counter[tuple[str, str]] = Counter()
        with self._valkey.client() as client:
            for each in exchange_ids:
                lines = (client.get(f"{{{self._namespace}}}:h:{each}") or b"").decode().split("\n")
                for at in range(3, len(lines), 7):
                    account, unit, _ = lines[at].rsplit("|", 2)
                    sums[account, unit] += int(lines[at + 2])
        return sums

    async def close(self) -> None:
        await self._store.close()


@dataclass(slots=True)
class Crowd:
    """Clients that ask until no model has a budget left; what became of it."""

    fleet: Fleet
    models: tuple[str, ...]
    output_limit: int
    told: Counter[str] = field(default_factory=Counter)

    async def asks(self, clients: int) -> None:
        """Let so many clients ask at once, to the end."""
        await asyncio.gather(*[self._client(number) for number in range(clients)])

    async def _client(self, number: int) -> None:
        patience = dict.fromkeys(self.models, TRIES)
        for turn in itertools.count(number):
            left = [model for model, tries in patience.items() if tries]
            if not left:
                return
            model = left[turn % len(left)]
            replica = self.fleet.replicas[turn % len(self.fleet.replicas)]
            if replica in self.fleet.dead:
                continue
            became = await self._ask(replica, model)
            self.told[became] += 1
            if became == "answered":
                patience[model] = TRIES
            else:
                patience[model] -= became == "budget_exceeded"
                await asyncio.sleep(PAUSE_SECONDS)

    async def _ask(self, replica: GatewayProcess, model: str) -> str:
        """Ask once, streamed; `answered`, the code of a refusal, or `broken`."""
        body = json.dumps(
            {
                "model": model,
                "stream": True,
                "max_tokens": self.output_limit,
                "messages": [{"role": "user", "content": secrets.token_hex(32)}],
            }
        ).encode()
        head = (
            f"POST {CHAT} HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {self.fleet.key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        ).encode()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", replica.port)
        except OSError:
            return "broken"
        try:
            writer.write(head + body)
            answer = await reader.read(-1)
        except OSError:
            return "broken"
        finally:
            writer.close()
        return _became(answer)


def _became(answer: bytes) -> str:
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"[DONE]" in body and b'"finish_reason":"' in body:
        return "answered"
    for code in ("budget_exceeded", "rate_limited", "caps_unavailable", "audit_unavailable"):
        if code.encode() in body:
            return code
    return "broken" if head.startswith(b"HTTP/1.1 200") or not head else head[9:12].decode()
