"""Who types a command that changes something, and how it waits until a gateway knows."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.storage import said_of
from gateway.settings import operating_user, read_running

if TYPE_CHECKING:
    from gateway.store.changes import Actor

_SETTLING_SECONDS = 1.3


def acting_user() -> "Actor":
    """Who types this command, as the ledger names them."""
    from gateway.store.changes import Actor

    return Actor.os_user(operating_user())


def until_known(folder: Path) -> None:
    """Give running gateways the time to look: they ask for what has changed once a second."""
    running = read_running(folder)
    if said_of(folder).address is not None or (running is not None and running.is_alive):
        time.sleep(_SETTLING_SECONDS)
