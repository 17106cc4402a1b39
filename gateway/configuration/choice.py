"""Which configuration a gateway starts with: a file, a stored version, a model file, or what runs
on this machine."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from gateway.configuration.approval import Gate
from gateway.configuration.build import Configuration, load
from gateway.configuration.defaults import default_configuration
from gateway.configuration.orders import Order
from gateway.configuration.problems import ConfigurationError
from gateway.configuration.restore import restore, short
from gateway.configuration.shipped import Shipped
from gateway.configuration.stored import Origin, StoredConfiguration
from gateway.settings import ServeOptions
from providers.catalogue import PriceBook, load_price_book
from providers.discovery import EngineFinder, FoundEngine
from providers.local import LocalEngine
from providers.vendors import RECORDS


class ConflictingOptions(ValueError):
    """Two options that cannot both hold. The message says which one to leave out."""


class Engine(Protocol):
    """An engine of our own (`providers.local.LocalEngine`)."""

    async def start(self) -> FoundEngine:
        """Serve. Raises `LocalEngineError`."""
        ...

    async def stop(self) -> None:
        """End it."""
        ...


Look = Callable[[], Awaitable[tuple[FoundEngine, ...]]]
"""Finds the engines that run on this machine."""


async def look_around() -> tuple[FoundEngine, ...]:
    """The engines behind the usual ports."""
    return await EngineFinder().find()


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store knows at start: the pin with its version, and what was in force last."""

    pin: Order | None = None
    pinned: StoredConfiguration | None = None
    last: StoredConfiguration | None = None


NOTHING_KEPT: Final = Kept()


@dataclass(frozen=True, slots=True)
class Choice:
    """The configuration, the engine started for it (to be stopped with the gateway), and why.

    `path` is where gatehouse.yaml stands, also where something else was taken; `refused` is then
    what was wrong with it, or `awaits` what people have to approve first. `pin` is the order that
    holds.
    """

    configuration: Configuration
    engine: Engine | None = None
    notes: tuple[str, ...] = ()
    path: Path | None = None
    refused: ConfigurationError | None = None
    pin: Order | None = None
    awaits: Configuration | None = None


def shipped_with(book: PriceBook) -> Shipped:
    """What a configuration builds on: our vendor records, and what the price book knows."""
    return Shipped(RECORDS, book.has_price, book.limits)


def load_configuration(path: Path, environ: Mapping[str, str]) -> Configuration:
    """Read and check a file as the gateway would. Raises `ConfigurationError`."""
    return load(path, environ, shipped_with(load_price_book()))


async def embedded_configuration(look: Look = look_around) -> Configuration:
    """What a gateway started now without a file would offer."""
    return default_configuration(await look(), shipped_with(load_price_book()))


async def choose_configuration(
    options: ServeOptions,
    environ: Mapping[str, str],
    shipped: Shipped,
    *,
    look: Look = look_around,
    make_engine: Callable[[Path], Engine] = LocalEngine,
    kept: Kept = NOTHING_KEPT,
) -> Choice:
    """Take the version that is pinned; else read the file when there is one; else serve the model
    file, or what is found, or rehearse.

    Raises `ConfigurationError`, `LocalEngineError` or `ConflictingOptions`.
    """
    if kept.pin is not None and kept.pinned is not None:
        return _pinned(options, environ, shipped, kept.pin, kept.pinned)
    path = options.config or _path_of_last(options, kept.last)
    if path is not None:
        if options.model is not None:
            raise ConflictingOptions(
                f"--model and the configuration {path} exclude each other: "
                "leave --model out, or start in a folder without gatehouse.yaml"
            )
        return _of_files(options, path, environ, shipped, kept.last)
    if options.model is not None:
        engine = make_engine(options.model)
        found: tuple[FoundEngine, ...] = (await engine.start(),)
        configuration = default_configuration(found, shipped)
        return Choice(configuration, engine, (_served(found), *configuration.notices))
    found = await look()
    configuration = default_configuration(found, shipped)
    return Choice(configuration, notes=(_served(found), *configuration.notices))


def _pinned(
    options: ServeOptions,
    environ: Mapping[str, str],
    shipped: Shipped,
    pin: Order,
    stored: StoredConfiguration,
) -> Choice:
    told = f"Version {short(stored.digest)} is pinned, by {pin.by}: {pin.reason}."
    ends = "`gatehouse policy resume` ends the pin."
    path = options.config or (None if stored.source is None else Path(stored.source))
    if options.model is not None or path is None:
        raise ConflictingOptions(f"{told} It has no use for --model: leave that out. {ends}")
    try:
        configuration = restore(stored, path, environ, shipped)
    except ConfigurationError as error:
        error.hint = f"{told} {ends}"
        raise
    notes = (f"{told} The files do not count until then: {ends}", *configuration.notices)
    return Choice(configuration, notes=notes, path=path, pin=pin)


async def held_to_approval(
    choice: Choice,
    last: StoredConfiguration | None,
    gate: Gate,
    environ: Mapping[str, str],
    shipped: Shipped,
) -> Choice:
    """The choice, or the version of before where people have to approve what the files say.

    Raises `ConfigurationError` where that version cannot be used, `ConflictingOptions` where what
    waits is no file: a pin, or a start without any.
    """
    fresh = choice.configuration
    if last is None or (told := await gate.held_back(fresh)) is None:
        return choice
    if choice.engine is not None:
        await choice.engine.stop()
    if choice.pin is not None:
        raise ConflictingOptions(
            f"version {short(fresh.digest)} is pinned, by {choice.pin.by}, and may not come into "
            f"force: {told}. `gatehouse policy resume` ends the pin."
        )
    if choice.path is None:
        where = "" if last.source is None else f", as it was: {last.source}"
        raise ConflictingOptions(
            "a change of policy takes two people here, and to start without a gatehouse.yaml is "
            f"one: name the file with --config{where}"
        )
    try:
        before = restore(last, choice.path, environ, shipped, origin=Origin.APPROVED)
    except ConfigurationError as error:
        error.hint = f"it was in force until now, and what the files say may not be: {told}"
        raise
    notes = (f"Version {short(last.digest)} goes on: {told}.", *before.notices)
    return replace(choice, configuration=before, notes=notes, awaits=fresh)


def _path_of_last(options: ServeOptions, last: StoredConfiguration | None) -> Path | None:
    """With --last-good a gatehouse.yaml that has gone is one that cannot be used."""
    if not options.last_good or last is None or last.source is None:
        return None
    return Path(last.source)


def _of_files(
    options: ServeOptions,
    path: Path,
    environ: Mapping[str, str],
    shipped: Shipped,
    last: StoredConfiguration | None,
) -> Choice:
    try:
        configuration = load(path, environ, shipped)
    except ConfigurationError as error:
        if last is None or not last.files:
            raise
        if not options.last_good:
            error.hint = (
                f"version {short(last.digest)} was in force until now: "
                "`gatehouse up --last-good` starts with it"
            )
            raise
        configuration = restore(last, path, environ, shipped, origin=Origin.LAST_GOOD)
        told = f"{path} cannot be used, so version {short(last.digest)}, which was in force until"
        notes = (f"{told} now, goes on:", *error.lines, *configuration.notices)
        return Choice(configuration, notes=notes, path=path, refused=error)
    return Choice(configuration, notes=configuration.notices, path=path)


def _served(found: tuple[FoundEngine, ...]) -> str:
    if not found:
        return (
            "No engine was found on this machine, so the rehearsal model answers: it is no language"
            " model, but shows what the gateway does."
        )
    engines = ", ".join(f"{each.name} at {each.base_url}" for each in found)
    return f"Serving what runs on this machine: {engines}."
