"""Choose the configuration at start and keep up with it: with its files, and with what people
order; both are put on record."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from gateway.configuration.approval import OPEN, Gate
from gateway.configuration.build import Configuration, load
from gateway.configuration.choice import Choice, Kept, choose_configuration, held_to_approval
from gateway.configuration.counters import refuse_another_store
from gateway.configuration.lookout import Lookout
from gateway.configuration.orders import Order, VersionNotFound
from gateway.configuration.problems import ConfigurationError, Place, Problem
from gateway.configuration.restore import restore
from gateway.configuration.shipped import Shipped
from gateway.configuration.storage import NO_STORAGE, Storage, refuse_a_move
from gateway.configuration.stored import Origin, StoredConfiguration
from gateway.configuration.watch import Apply, Watcher, WatchState, refusal_name
from gateway.policy_mark import PolicyMark
from gateway.settings import ServeOptions
from gateway.store.versions import Versions


@dataclass(frozen=True, slots=True)
class Ways:
    """What it takes to put another configuration in force."""

    environ: Mapping[str, str]
    shipped: Shipped
    versions: Versions
    apply: Apply
    gate: Gate = OPEN
    storage: Storage = NO_STORAGE
    """Where the state is, to which every configuration is held."""
    mark: PolicyMark | None = None

    async def put(self, configuration: Configuration, order: Order | None) -> None:
        """Put it in force. Raises what `apply` does."""
        await self.apply(configuration, order)
        if self.mark is not None:
            await asyncio.to_thread(self.mark.keep, configuration)


async def choose(
    options: ServeOptions,
    environ: Mapping[str, str],
    shipped: Shipped,
    versions: Versions,
    gate: Gate = OPEN,
) -> Choice:
    """What the gateway starts with. Files that are refused, or held back, are put on record.

    Raises what `choose_configuration` does, `OrdersUnavailable`, and `StateIsNew`.
    """
    kept = await _kept(versions)
    if kept.last is None:
        PolicyMark(options.data).refuse_new_state()
    try:
        choice = await choose_configuration(options, environ, shipped, kept=kept)
    except ConfigurationError as error:
        if options.config is not None and kept.pin is None:
            await _note_refusal(options.config, error, versions)
        raise
    if choice.path is not None and choice.refused is not None:
        await _note_refusal(choice.path, choice.refused, versions)
    return await held_to_approval(choice, kept.last, gate, environ, shipped)


async def keep_up(choice: Choice, ways: Ways, stack: AsyncExitStack) -> WatchState:
    """Put the choice in force, and watch files and orders until the stack is closed.

    Raises what `ways.apply` does.
    """
    await ways.put(choice.configuration, None)
    watcher = watcher_of(choice, ways)
    watching = asyncio.create_task(watcher.run(), name="configuration-watcher")

    async def stop() -> None:
        """Before what it would put in force is taken apart: the shipper, the database."""
        watching.cancel()
        await asyncio.wait([watching])

    stack.push_async_callback(stop)
    return watcher.state


def watcher_of(choice: Choice, ways: Ways) -> Watcher:
    """What watches the files and orders of a gateway that has started so."""
    configuration, path = choice.configuration, choice.path

    def reload() -> Configuration:
        assert path is not None
        return held(load(path, ways.environ, ways.shipped), path)

    def made_again(stored: StoredConfiguration) -> Configuration:
        where = path or Path(stored.source or "")
        return held(restore(stored, where, ways.environ, ways.shipped), where)

    def held(fresh: Configuration, source: Path) -> Configuration:
        refuse_a_move(ways.storage, fresh.storage, source)
        refuse_another_store(configuration.counting, fresh.counting, source)
        return fresh

    files = None if path is None or configuration.origin is Origin.FILES else Lookout((path,))
    if choice.awaits is not None:
        files = Lookout.over(choice.awaits)
    return Watcher(
        configuration,
        None if path is None else reload,
        ways.put,
        made_again,
        ways.versions,
        ways.versions.refused,
        pin=choice.pin,
        error=None if choice.refused is None else str(choice.refused),
        files=files,
        gate=ways.gate,
        awaits=None if choice.awaits is None else choice.awaits.digest,
    )


async def _kept(versions: Versions) -> Kept:
    pin, last = (await versions.standing()).pin, await versions.in_force()
    if pin is None or pin.digest is None:
        return Kept(last=last)
    try:
        return Kept(pin, await versions.stored(pin.digest), last)
    except VersionNotFound as found:
        error = ConfigurationError("the pin", [Problem(Place(), (), str(found))])
        error.hint = "`gatehouse policy resume` ends the pin: the files count again"
        raise error from found


async def _note_refusal(path: Path, error: ConfigurationError, versions: Versions) -> None:
    files = Lookout((path,))
    await asyncio.to_thread(files.read)
    await versions.refused(refusal_name(files, error.lines), error.lines)
