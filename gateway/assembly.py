"""Build everything, hand it down, and take it apart again in the opposite order."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version as installed_version

from fastapi import FastAPI

from gateway.accounting import Accountant
from gateway.admin.assembly import AdminSide, Beside, admin_side
from gateway.app import create_app
from gateway.bookkeeping import Bookkeeper
from gateway.callers import Callers, Tokens
from gateway.calls import Calls, Patience
from gateway.configuration.build import Configuration
from gateway.configuration.choice import shipped_with
from gateway.configuration.counters import SharedCounting
from gateway.configuration.orders import Order
from gateway.configuration.storage import storage_at
from gateway.continuation import CaughtUp
from gateway.dispatch import Dispatch
from gateway.drain import Drains
from gateway.expectations import RecentOutputs
from gateway.first_start import FirstKeys, issue_first_keys
from gateway.front import Front, FrontDoor
from gateway.identity import KeyRing
from gateway.lifting import Lifting
from gateway.notes import Notes
from gateway.oauth.routes import declare_sign_in
from gateway.oidc.asking import ProviderClient
from gateway.oidc.provider_tokens import ProviderTokens
from gateway.oidc.token import BEGINNING
from gateway.opening import Opened, lock_folder, open_counters, open_data, open_ledger
from gateway.pipeline import InForce, Pipeline
from gateway.policy_mark import PolicyMark
from gateway.refusal import Refusals
from gateway.sessions.known_sessions import ACCESS_PREFIX
from gateway.sessions.opened import SessionSide, open_sessions
from gateway.settings import ServeOptions, operating_user
from gateway.status import LedgerHealth, Status
from gateway.store.break_glasses import BreakGlasses
from gateway.store.changes import Actor
from gateway.store.keys import Keys
from gateway.store.ledger import Ledger
from gateway.store.proposals import Proposals
from gateway.store.versions import Versions
from gateway.surroundings import Surroundings
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.supervisor import LedgerPlace
from gateway.tokens import TokenEstimator, bundled_vocabulary
from gateway.told import InProcessToldSessions
from gateway.turn import TurnIds
from gateway.upkeep import Ways, choose, keep_up
from gateway.verdicts import InProcessVerdicts
from gateway.virtual_key import KeyIssuer
from gateway.wire import NOTE_FORMS, families, wires
from providers.catalogue import PriceBook, load_price_book
from providers.http.client import HttpClient
from providers.passthrough import Passthrough
from providers.rehearsal import RehearsalSender
from providers.translator_client import TranslatorSender


@dataclass(frozen=True, slots=True)
class Gatehouse:
    """A gateway that is ready to serve, and what its starter wants to know of it."""

    application: FrontDoor
    status: Status
    calls: Calls
    in_force: InForce
    first_keys: FirstKeys | None
    notes: tuple[str, ...]
    admin: AdminSide | None


@asynccontextmanager
async def assembled(
    options: ServeOptions,
    environ: Mapping[str, str],
    *,
    front_is_on: bool = True,
    client: HttpClient | None = None,
    unix_ns: Callable[[], int] = time.time_ns,
) -> AsyncGenerator[Gatehouse]:
    """A whole gateway, from its data folder to its application. `client` reaches the models.

    `unix_ns` is the time that policy goes by; keys, records and files go by the machine's.

    Raises `StoreError`, `DataFolderInUse`, `ConfigurationError`, `LocalEngineError`,
    `ConflictingOptions`, `CannotListen` or `LedgerUnavailable`, each with a message that helps.
    """
    async with AsyncExitStack() as stack:
        await lock_folder(options.data, stack)
        shipped = shipped_with(book := load_price_book())
        storage = await asyncio.to_thread(storage_at, options.config, environ)
        opened = await open_data(options.data, storage, environ, stack)
        versions, gate = Versions(opened.database), Proposals(opened.database)
        choice = await choose(options, environ, shipped, versions, gate)
        if choice.engine is not None:
            stack.push_async_callback(choice.engine.stop)
        keys, key_ring = await _open_keys(opened, stack)
        in_force = InForce(choice.configuration, int(time.time()))
        counting = choice.configuration.counting
        bookkeeper, health, origins = await _open_books(opened, book, counting, stack)
        refusals, lifting = await _open_refusals(bookkeeper, opened, in_force, stack)
        client = client or HttpClient()
        senders = _open_senders(client, stack)
        callers, side = _open_callers(key_ring, client, opened, stack)
        turns, notes = TurnIds(opened.pepper), Notes(NOTE_FORMS, InProcessToldSessions())
        steps = (refusals, senders.dispatch, senders.drains, unix_ns, origins, turns, notes)
        pipeline = Pipeline(in_force, callers, bookkeeper, *steps)
        surroundings = _surround(opened, in_force, senders, versions, callers, stack)
        mark = PolicyMark(options.data)
        ways = Ways(environ, shipped, versions, surroundings.apply, gate, storage, mark)
        state = await keep_up(choice, ways, stack)
        bookkeeper.metrics.watch_configuration(state)
        counters = bookkeeper.accountant.counters
        status = Status(health, lambda: state.standing, counters.health, lambda: lifting.open_count)
        calls = _watch_calls(bookkeeper.metrics, callers, side, stack)
        front, app = _road(pipeline, calls, opened, status, side)
        door = FrontDoor(front if front_is_on else None, app)
        beside = _beside(pipeline, status, opened, versions, key_ring, lifting)
        admin = await stack.enter_async_context(admin_side(beside, options.port_for_admin))
        first_keys = await _first_keys(keys, opened, choice.configuration)  # last: shown once
        await key_ring.refresh()
        yield Gatehouse(door, status, calls, in_force, first_keys, choice.notes, admin)


async def _open_keys(opened: Opened, stack: AsyncExitStack) -> tuple[Keys, KeyRing]:
    keys = Keys(opened.database)
    key_ring = KeyRing(keys, opened.hasher, unix_us=_unix_us)
    await key_ring.start()
    stack.push_async_callback(key_ring.stop)
    return keys, key_ring


def _open_callers(
    keys: KeyRing, client: HttpClient, opened: Opened, stack: AsyncExitStack
) -> tuple[Callers, SessionSide]:
    """Who knows keys, providers' tokens and sessions, and how people sign in."""
    provider = ProviderClient(client)
    tokens = ProviderTokens(
        provider,
        opened.hasher,
        unix_seconds=lambda: int(time.time()),
        seconds=time.monotonic,
    )
    tokens.start()
    stack.push_async_callback(tokens.stop)
    side = open_sessions(opened.database, opened.pepper, provider, tokens, keys.subjects)
    keys.listeners.append(side.known.learn)
    side.known.start()
    stack.push_async_callback(side.known.stop)
    kinds: dict[str, Tokens] = {BEGINNING: tokens, ACCESS_PREFIX: side.known}
    return Callers(keys, kinds, time.monotonic), side


async def _open_books(
    opened: Opened, book: PriceBook, counting: SharedCounting | None, stack: AsyncExitStack
) -> tuple[Bookkeeper, LedgerHealth, CaughtUp]:
    """Open the ledger, and all that reckons with it."""
    metrics = Metrics()
    health = LedgerHealth(metrics)
    writer = await open_ledger(opened, health, stack)
    metrics.watch_audit_queue(lambda: writer.queue_depth)
    estimator = TokenEstimator(bundled_vocabulary())
    stack.callback(estimator.close)
    ledger = Ledger(opened.database)
    counters = await open_counters(counting, opened, stack)
    metrics.watch_caps(counters.health)
    accountant = Accountant(counters, book, RecentOutputs())
    bookkeeper = Bookkeeper(
        writer, opened.records, accountant, estimator, metrics, time.monotonic_ns
    )
    return bookkeeper, health, CaughtUp(ledger, writer)


async def _open_refusals(
    bookkeeper: Bookkeeper, opened: Opened, in_force: InForce, stack: AsyncExitStack
) -> tuple[Refusals, Lifting]:
    """What says no, and what lifts that for a time."""
    verdicts = InProcessVerdicts(bookkeeper.monotonic_ns, bookkeeper.note_repeats)
    verdicts.start()
    stack.push_async_callback(verdicts.stop)  # before the ledger closes: it takes the last counts
    glasses = BreakGlasses(opened.database)
    lifting = Lifting(glasses, in_force, verdicts.begin_anew, unix_us=_unix_us)
    await lifting.start()
    stack.push_async_callback(lifting.stop)
    bookkeeper.metrics.watch_break_glass(lambda: lifting.open_count)
    return Refusals(bookkeeper, verdicts), lifting


@dataclass(frozen=True, slots=True)
class Senders:
    """The ways to the models."""

    dispatch: Dispatch
    translator: TranslatorSender
    drains: Drains


def _open_senders(client: HttpClient, stack: AsyncExitStack) -> Senders:
    stack.push_async_callback(client.aclose)
    translator = TranslatorSender(client)
    stack.push_async_callback(translator.stop)
    direct = Passthrough(client, version=_version())
    drains = Drains()
    stack.push_async_callback(drains.end)
    dispatch = Dispatch(direct, translator, RehearsalSender(), drains)
    return Senders(dispatch, translator, drains)


def _road(
    pipeline: Pipeline, calls: Calls, opened: Opened, status: Status, side: SessionSide
) -> tuple[Front, FastAPI]:
    """The hot road, and the application for the rest."""
    estimate = pipeline.bookkeeper.estimator.estimate
    spoken, related = wires(estimate), families(estimate)
    front = Front(spoken, pipeline, calls, opened.records.new_audit_id, related)
    app = create_app(_version(), spoken, related, front, pipeline, status)
    declare_sign_in(app, side, pipeline)
    return front, app


def _beside(
    pipeline: Pipeline,
    status: Status,
    opened: Opened,
    versions: Versions,
    key_ring: KeyRing,
    lifting: Lifting,
) -> Beside:
    """What the admin API works on."""
    return Beside(
        version=_version(),
        in_force=pipeline.in_force,
        identify=pipeline.caller,
        status=status,
        cap_states=pipeline.bookkeeper.accountant.states,
        versions=versions,
        database=opened.database,
        key_ring=key_ring,
        refresh_exceptions=lifting.refresh,
        hasher=opened.hasher,
        unix_us=_unix_us,
    )


def _surround(
    opened: Opened,
    in_force: InForce,
    senders: Senders,
    versions: Versions,
    callers: Callers,
    stack: AsyncExitStack,
) -> Surroundings:
    async def enter(configuration: Configuration, order: Order | None) -> None:
        await versions.enter(configuration, order)
        await callers.apply(configuration.identity)

    ledger = LedgerPlace(opened.folder, opened.lane, opened.database_url)
    made = Surroundings(ledger, opened.pepper, in_force, senders.translator, enter)
    stack.push_async_callback(made.stop)
    return made


async def _first_keys(keys: Keys, opened: Opened, configuration: Configuration) -> FirstKeys | None:
    if await keys.list():
        return None
    by = Actor.os_user(operating_user())
    issuer = KeyIssuer(keys, opened.hasher, by=by, unix_us=_unix_us, random_bytes=os.urandom)
    return await issue_first_keys(issuer, configuration.developer_team)


def _watch_calls(
    metrics: Metrics, callers: Callers, side: SessionSide, stack: AsyncExitStack
) -> Calls:
    calls = Calls(Patience(), callers.is_ended)
    calls.start()
    stack.callback(calls.stop)
    metrics.watch_in_flight(lambda: len(calls))
    side.known.running = lambda: (
        call.identity.credential_id for call in calls if call.identity is not None
    )
    return calls


def _unix_us() -> int:
    return time.time_ns() // 1000


def _version() -> str:
    return installed_version("gatehouse")
