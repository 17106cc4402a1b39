"""Put the admin API together beside a gateway, on a listener of its own."""

import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from gateway.admin.application import create_admin_app
from gateway.admin.desk import Desk
from gateway.admin.guard import Guard, Identify
from gateway.admin.level import Level
from gateway.admin.reads import Reads
from gateway.caps.port import AccountState
from gateway.configuration.admin import AdminSettings
from gateway.identity import KeyRing
from gateway.pipeline import InForce
from gateway.policy_changes import PolicyChangesDesk
from gateway.server import bound, listen
from gateway.status import Status
from gateway.store.break_glasses import BreakGlasses
from gateway.store.changes import Actor
from gateway.store.database import Database
from gateway.store.keys import Keys
from gateway.store.ledger import Ledger
from gateway.store.passed import passed_under
from gateway.store.people import People
from gateway.store.proposals import Proposals
from gateway.store.rollup import Rollup
from gateway.store.subjects import Subjects
from gateway.store.usage import UsageBook
from gateway.store.versions import Versions
from gateway.virtual_key import Hasher, KeyIssuer

ADVICE = (
    "the admin API wants it: say where else with admin.listen in gatehouse.yaml or with "
    '--admin-port, or switch it off with admin: { listen: "off" }'
)


@dataclass(frozen=True, slots=True)
class AdminSide:
    """The admin API, and where it is to be served."""

    application: Guard
    listener: socket.socket


@dataclass(frozen=True, slots=True)
class Beside:
    """The parts of a gateway that the admin API works on."""

    version: str
    in_force: InForce
    identify: Identify
    status: Status
    cap_states: Callable[[], Awaitable[list[AccountState]]]
    versions: Versions
    database: Database
    key_ring: KeyRing
    refresh_exceptions: Callable[[], Awaitable[None]]
    hasher: Hasher
    unix_us: Callable[[], int]

    def issuer(self, by: Actor) -> KeyIssuer:
        """Makes keys on behalf of somebody."""
        return KeyIssuer(
            Keys(self.database), self.hasher, by=by, unix_us=self.unix_us, random_bytes=os.urandom
        )

    def digest_of(self, name: str) -> bytes:
        """For the id of what is asked for under a name: always the same, and nobody's guess."""
        return self.hasher.digest(f"idempotency:{name}")


@asynccontextmanager
async def admin_side(beside: Beside, port: int | None) -> AsyncGenerator[AdminSide | None]:
    """The admin API of the configuration in force; nothing where that switches it off.

    `port` goes before the configuration's; a port that nobody chose gives way to a free one.
    Raises `CannotListen`.
    """
    in_force = beside.in_force
    settings = in_force.configuration.admin
    if settings.host is None:
        yield None
        return
    level = Level(Rollup(beside.database))
    desk = desk_of(beside, level)
    with _listener(settings.host, settings, port) as listener:
        guard = Guard(
            create_admin_app(desk),
            beside.identify,
            settings.host,
            lambda: in_force.configuration.admin.hosts,
        )
        level.start()
        try:
            yield AdminSide(guard, listener)
        finally:
            await level.stop()


def _listener(host: str, settings: AdminSettings, port: int | None) -> socket.socket:
    if port is not None or not settings.may_move:
        return bound(host, settings.port if port is None else port, ADVICE)
    try:
        return listen(host, settings.port)
    except OSError:
        return bound(host, 0, ADVICE)


def desk_of(beside: Beside, level: Level) -> Desk:
    """What the resources work on."""
    proposals = Proposals(beside.database, unix_us=beside.unix_us)
    return Desk(
        version=beside.version,
        started_unix_us=beside.unix_us(),
        unix_us=beside.unix_us,
        in_force=beside.in_force,
        status=beside.status,
        keys=Keys(beside.database),
        issuer=beside.issuer,
        refresh_keys=beside.key_ring.refresh,
        refresh_exceptions=beside.refresh_exceptions,
        digest_of=beside.digest_of,
        cap_states=beside.cap_states,
        versions=beside.versions,
        policy_changes=PolicyChangesDesk(proposals, beside.unix_us, os.urandom),
        ledger=Ledger(beside.database),
        glasses=BreakGlasses(beside.database),
        passed=partial(passed_under, beside.database),
        people=People(beside.database),
        subjects=Subjects(beside.database),
        usage=UsageBook(beside.database),
        level=level,
        reads=Reads(),
    )
