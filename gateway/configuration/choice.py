"""Which configuration a gateway starts with: a file, a model file, or what runs on this machine."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.configuration.build import Configuration, load
from gateway.configuration.defaults import default_configuration
from gateway.configuration.shipped import Shipped
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
class Choice:
    """The configuration, the engine started for it (to be stopped with the gateway), and why."""

    configuration: Configuration
    engine: Engine | None = None
    notes: tuple[str, ...] = ()


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
) -> Choice:
    """Read the file when there is one; else serve the model file, or what is found, or rehearse.

    Raises `ConfigurationError`, `LocalEngineError` or `ConflictingOptions`.
    """
    if options.config is not None:
        if options.model is not None:
            raise ConflictingOptions(
                f"--model and the configuration {options.config} exclude each other: "
                "leave --model out, or start in a folder without gatehouse.yaml"
            )
        configuration = load(options.config, environ, shipped)
        return Choice(configuration, notes=configuration.notices)
    if options.model is not None:
        engine = make_engine(options.model)
        found: tuple[FoundEngine, ...] = (await engine.start(),)
        configuration = default_configuration(found, shipped)
        return Choice(configuration, engine, (_served(found), *configuration.notices))
    found = await look()
    configuration = default_configuration(found, shipped)
    return Choice(configuration, notes=(_served(found), *configuration.notices))


def _served(found: tuple[FoundEngine, ...]) -> str:
    if not found:
        return (
            "No engine was found on this machine, so the rehearsal model answers: it is no language"
            " model, but shows what the gateway does."
        )
    engines = ", ".join(f"{each.name} at {each.base_url}" for each in found)
    return f"Serving what runs on this machine: {engines}."
