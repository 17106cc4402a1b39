"""Where the state is that a command works on: in a data folder, or behind an admin API."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli import ports
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import data_folder
from gateway.cli.server import KEY_VARIABLE, AdminServer, server_beside, server_for

if TYPE_CHECKING:
    from gateway.configuration.reviews import Standing


@dataclass(frozen=True, slots=True)
class FolderState:
    """A data folder; `config` is the configuration that was named for it."""

    folder: Path
    config: Path | None = None

    @property
    def keys(self) -> ports.Keys:
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.key_folder import FolderKeys

        return FolderKeys(self.folder, self.config)

    @property
    def subjects(self) -> ports.Subjects:
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.subject_folder import FolderSubjects

        return FolderSubjects(self.folder)

    @property
    def usage(self) -> ports.Usage:
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.usage_source import FolderUsage

        return FolderUsage(self.folder)

    @property
    def ledger(self) -> ports.Records:
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.ledger_folder import FolderLedger

        return FolderLedger(self.folder)

    @property
    def versions(self) -> ports.Versions:
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.version_folder import FolderVersions

        return FolderVersions(self.folder, self.config)

    @property
    def teams(self) -> ports.Teams:
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.running_server import ServerTeams

        return ServerTeams(server_beside(self.folder))

    @property
    def caps(self) -> ports.Caps:
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.running_server import ServerCaps

        return ServerCaps(server_beside(self.folder))

    def reviews(self, file: Path | None, *, as_json: bool) -> "Sequence[Standing]":
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.check import reviewed

        return reviewed(file, self.folder, as_json)

    def glasses(self, key: str | None = None) -> ports.Glasses:
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.glass_folder import FolderGlasses

        return FolderGlasses(self.folder, self.config, key)


@dataclass(frozen=True, slots=True)
class ServerState:
    """A gateway elsewhere, by its admin API: what is done there is done as whose key asks."""

    server: AdminServer

    @property
    def keys(self) -> ports.Keys:
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.key_server import ServerKeys

        return ServerKeys(self.server)

    @property
    def subjects(self) -> ports.Subjects:
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.subject_server import ServerSubjects

        return ServerSubjects(self.server)

    @property
    def usage(self) -> ports.Usage:
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.usage_source import ServerUsage

        return ServerUsage(self.server)

    @property
    def ledger(self) -> ports.Records:
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.ledger_server import ServerLedger

        return ServerLedger(self.server)

    @property
    def versions(self) -> ports.Versions:
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.version_server import ServerVersions

        return ServerVersions(self.server)

    @property
    def teams(self) -> ports.Teams:
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.running_server import ServerTeams

        return ServerTeams(self.server)

    @property
    def caps(self) -> ports.Caps:
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.running_server import ServerCaps

        return ServerCaps(self.server)

    def reviews(self, file: Path | None, *, as_json: bool) -> "Sequence[Standing]":
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.running_server import reviewed

        return reviewed(self.server)

    def glasses(self, key: str | None = None) -> ports.Glasses:
        """As `gateway.cli.ports.State` says."""
        from gateway.cli.glass_server import ServerGlasses

        if key is not None:
            raise CommandFailed(
                f"--key does not go with --server, where the key of {KEY_VARIABLE} says who you "
                "are",
                Exit.USAGE,
            )
        return ServerGlasses(self.server)


def state_at(server: str | None, data: Path | None, config: Path | None = None) -> ports.State:
    """The state that a command's options name, else the environment. Raises `CommandFailed`."""
    asked = server_for(server, data)
    if asked is None:
        return FolderState(data_folder(data), config)
    if config is not None:
        raise CommandFailed("--config does not go with --server, which has its own", Exit.USAGE)
    return ServerState(asked)
