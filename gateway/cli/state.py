"""Where the state is that a command works on: in a data folder, or behind an admin API."""

from dataclasses import dataclass
from pathlib import Path

from gateway.cli import ports
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import data_folder
from gateway.cli.server import AdminServer, server_for


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


def state_at(server: str | None, data: Path | None, config: Path | None = None) -> ports.State:
    """The state that a command's options name, else the environment. Raises `CommandFailed`."""
    asked = server_for(server, data)
    if asked is None:
        return FolderState(data_folder(data), config)
    if config is not None:
        raise CommandFailed("--config does not go with --server, which has its own", Exit.USAGE)
    return ServerState(asked)
