"""The versions that a data folder keeps, put in force also while a gateway runs on it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.acting import acting_user
from gateway.cli.by_whom import now_unix_us
from gateway.cli.configured import AnyName, configuration_path, shipped
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.output import note
from gateway.cli.ports import KnownVersions, Ordered
from gateway.cli.stored_versions import PREVIOUS, in_versions, made_again
from gateway.cli.waiting import in_proposals, waiting_notices, waiting_version
from gateway.settings import environment, operating_user, read_running

if TYPE_CHECKING:
    from gateway.configuration.build import Configuration
    from gateway.configuration.orders import Order
    from gateway.configuration.stored import StoredConfiguration
    from gateway.store.versions import Versions


class FolderVersions:
    """Orders are in the ledger in the name of whoever types the command; `config` names the files
    that count where none is pinned. As `gateway.cli.ports.Versions` says."""

    def __init__(self, folder: Path, config: Path | None = None) -> None:
        self._folder = folder
        self._config = config

    def list(self) -> KnownVersions:
        """Those that are kept, and how they stand."""

        async def read(kept: "Versions") -> KnownVersions:
            in_force = await kept.in_force()
            digest = None if in_force is None else in_force.digest
            return KnownVersions(await kept.list(), digest, (await kept.standing()).pin)

        return replace(
            in_versions(self._folder, read), waiting=tuple(waiting_notices(self._folder))
        )

    def shown(self, digest: str) -> "StoredConfiguration":
        """What is kept, or waits for approval, under a digest, its beginning, or `previous`."""
        try:
            return self._stored(digest)
        except CommandFailed as failure:
            if failure.code is not Exit.NOT_FOUND or digest == PREVIOUS:
                raise
            try:
                return waiting_version(self._folder, digest)
            except CommandFailed:
                raise failure from None

    def _stored(self, digest: str) -> "StoredConfiguration":
        async def read(kept: "Versions") -> "StoredConfiguration":
            return await (kept.previous() if digest == PREVIOUS else kept.stored(digest))

        return in_versions(self._folder, read)

    def rollback(self, digest: str, reason: str) -> Ordered:
        """Put a version in force, whatever the files say."""
        from gateway.configuration.problems import ConfigurationError

        stored = self._stored(digest)
        try:
            wanted = made_again(stored)
        except ConfigurationError as error:
            raise CommandFailed(str(error), Exit.CONFIGURATION) from error
        if not self._is_running:
            self._refuse_unapproved(wanted, reason)
        return Ordered(self._carried_out(stored.digest, reason), stored.digest)

    def resume(self, reason: str) -> Ordered:
        """Have the files count again."""

        async def pinned(kept: "Versions") -> "Order | None":
            return (await kept.standing()).pin

        if in_versions(self._folder, pinned) is None:
            raise CommandFailed("no version is pinned: the files count already", Exit.NOT_FOUND)
        path = configuration_path(self._config, self._folder, Path.cwd())
        digest = None if path is None else _checked(path)
        return Ordered(self._carried_out(None, reason), digest)

    @property
    def _is_running(self) -> bool:
        running = read_running(self._folder)
        return running is not None and running.is_alive

    def _refuse_unapproved(self, wanted: "Configuration", reason: str) -> None:
        """Where people have to approve it, propose it. A gateway that runs does so itself."""
        from gateway.configuration.orders import Order

        order = Order(0, wanted.digest, reason, "os_user", operating_user(), now_unix_us())
        told = in_proposals(self._folder, lambda kept: kept.held_back(wanted, order))
        if told is not None:
            again = f"then order it again: gatehouse policy rollback {wanted.digest[:12]}"
            raise CommandFailed(f"nothing was changed: {told}; {again}", Exit.FAILED)

    def _carried_out(self, digest: str | None, reason: str) -> "Order":
        """Order it, and wait until a running gateway has done so. Raises `CommandFailed`."""
        from gateway.ordering import OrderRefused, carried_out

        is_running = self._is_running

        async def give(kept: "Versions") -> "Order":
            if is_running:
                return await carried_out(kept, digest, reason, acting_user())
            return await kept.order_at_once(digest, reason, acting_user())

        try:
            order = in_versions(self._folder, give)
        except OrderRefused as error:
            raise CommandFailed(str(error)) from error
        if not is_running:
            note("No gateway runs on this data folder; the next one starts so.")
        return order


def _checked(path: Path) -> str:
    """The digest of what the files say. Raises `CommandFailed` where they are bad."""
    from gateway.configuration.build import load
    from gateway.configuration.problems import ConfigurationError

    anything = AnyName(environment())
    try:
        return load(path, anything, shipped(), unlock=None).digest
    except ConfigurationError as error:
        told = f"{error}\nThe files are bad, so the pin holds on."
        raise CommandFailed(told, Exit.CONFIGURATION) from error
