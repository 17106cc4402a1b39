"""The admin API over a real database, asked in this process: no gateway serves beside it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from gateway.admin.application import create_admin_app
from gateway.admin.assembly import Beside, desk_of
from gateway.admin.desk import Desk
from gateway.admin.guard import Guard
from gateway.admin.level import Level
from gateway.audit.writer import WriterMeter
from gateway.caps.in_process import InProcessCounters
from gateway.caps.port import CountersHealth
from gateway.configuration.build import load
from gateway.configuration.watch import Standing
from gateway.errors import WrongNetwork
from gateway.identity import KeyRing, extract_credential
from gateway.lifting import Lifting
from gateway.pipeline import InForce
from gateway.roles import Role
from gateway.status import LedgerHealth, Status
from gateway.store.break_glasses import BreakGlasses
from gateway.store.changes import Actor
from gateway.store.database import Database, open_database
from gateway.store.keys import Keys
from gateway.store.rollup import Rollup
from gateway.store.versions import Versions
from gateway.virtual_key import Hasher, IssuedKey
from policy.types import Identity
from providers.base import Headers
from tests.fakes.configurations import ENVIRON, SHIPPED, write

CONFIGURATION = """
vendors:
  house: { kind: in_house, base_url: "http://127.0.0.1:9", wires: [openai_chat] }
models:
  coder: { targets: [house/qwen3-coder], aliases: [claude-a] }
  small: { targets: [house/small] }
teams:
  web:
    models: [coder, small]
    data_class: internal
    limits: { requests_per_minute: 600, usd_per_month: 12.5, parallel: 4 }
  data: { models: [small], data_class: confidential }
"""
NOW_US = 1_790_078_400_000_000  # 2026-09-22T12:00:00Z
ANNA = Actor.os_user("anna")
HOST = "127.0.0.1:7071"
ELSEWHERE = "192.0.2.9"  # no key that is limited to networks may be used from there


class Unmetered(WriterMeter):
    """Nobody counts."""

    def records_written(self, records: int, seconds: float) -> None: ...

    def records_failed(self, records: int, cause: str) -> None: ...


@dataclass
class AdminApi:
    """Ask it as somebody of a role. `now` holds its clock's microseconds."""

    desk: Desk
    beside: Beside
    counters: InProcessCounters
    database: Database
    folder: Path
    guard: Guard
    in_force: InForce
    health: LedgerHealth
    now: list[int]
    keys: dict[str, IssuedKey] = field(default_factory=dict)

    async def key(
        self, role: Role, team: str = "administrators", user: str | None = None
    ) -> IssuedKey:
        """A key of this role, the same one each time; its user is named after the role."""
        user = user or f"op-{role}"
        name = f"{role} {team} {user}"
        if name not in self.keys:
            issuer = self.desk.issuer(ANNA)
            self.keys[name] = await issuer.issue(team, user, frozenset({role}))
            await self.desk.refresh_keys()
        return self.keys[name]

    async def ask(
        self,
        method: str,
        path: str,
        role: Role | None = Role.ADMIN,
        *,
        team: str = "administrators",
        user: str | None = None,
        headers: Mapping[str, str] | None = None,
        peer: str = "127.0.0.1",
        **sent: Any,
    ) -> httpx.Response:
        """One request below `/admin/v1`; with role None, without a key."""
        all_headers = {"host": HOST, **(headers or {})}
        if role is not None:
            key = await self.key(role, team, user)
            all_headers.setdefault("authorization", f"Bearer {key.secret.reveal()}")
        transport = httpx.ASGITransport(self.guard, client=(peer, 5))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
            return await client.request(method, f"/admin/v1{path}", headers=all_headers, **sent)

    async def get(self, path: str, role: Role | None = Role.ADMIN, **more: Any) -> httpx.Response:
        return await self.ask("GET", path, role, **more)

    async def post(
        self, path: str, body: object = None, role: Role | None = Role.ADMIN, **more: Any
    ) -> httpx.Response:
        return await self.ask("POST", path, role, json=body, **more)


IN_PROCESS = CountersHealth("in_process", 0)


@asynccontextmanager
async def an_admin_api(
    folder: Path,
    configuration: str = CONFIGURATION,
    listen_host: str = "127.0.0.1",
    *,
    store: Database | None = None,
) -> AsyncGenerator[AdminApi]:
    """Over a SQLite file of its own, or over another database, which stays open."""
    database = store or open_database(folder / "data")
    in_force = InForce(load(write(folder, configuration), ENVIRON, SHIPPED), NOW_US // 1_000_000)
    health, now = LedgerHealth(Unmetered()), [NOW_US]
    hasher = Hasher(b"p" * 32)
    ring = KeyRing(Keys(database), hasher, unix_us=lambda: now[0])

    async def identify(headers: Headers, peer: str | None) -> Identity:
        if peer == ELSEWHERE:
            raise WrongNetwork("the key may be used from 10.0.0.0/8 only")
        return ring.identify(extract_credential(headers))

    lifting = Lifting(BreakGlasses(database), in_force, lambda: None, unix_us=lambda: now[0])
    status = Status(
        health, lambda: Standing.IN_FORCE, lambda: IN_PROCESS, lambda: lifting.open_count
    )
    counters = InProcessCounters(lambda: now[0] * 1000, lambda: now[0] // 1_000_000)
    beside = Beside(
        "1.2.3",
        in_force,
        identify,
        status,
        counters.states,
        Versions(database, unix_us=lambda: now[0]),
        database,
        ring,
        lifting.refresh,
        hasher,
        lambda: now[0],
    )
    level = Level(Rollup(database))
    desk = desk_of(beside, level)
    guard = Guard(
        create_admin_app(desk),
        identify,
        listen_host,
        lambda: in_force.configuration.admin.hosts,
    )
    api = AdminApi(desk, beside, counters, database, folder / "data", guard, in_force, health, now)
    yield api
    await level.stop()
    if store is None:
        await database.close()


def problem_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem that an answer is."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert set(told) == {"type", "title", "status", "code", "detail", "errors"}
    assert told["status"] == status
    assert told["detail"]
    return dict(told)
