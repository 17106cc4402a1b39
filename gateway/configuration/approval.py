"""Whether a configuration may come into force by itself: a change of policy may take two people."""

from collections.abc import Iterator
from typing import Final, Protocol

import orjson

from gateway.configuration.build import Configuration
from gateway.configuration.differences import as_written
from gateway.configuration.orders import Order
from gateway.configuration.stored import CONFIGURATION, StoredConfiguration
from gateway.configuration.tree import Unreadable

OPERATIONAL: Final = frozenset({"telemetry", "storage", "keys", "admin"})
"""Sections of gatehouse.yaml that are no policy: where state, traces and listeners are. All else
says who may do what, and where to: vendors, models, teams, prices, registers, rules, identity."""


class Gate(Protocol):
    """What keeps a configuration back. Each raises `OrdersUnavailable` when it is not known."""

    async def held_back(self, fresh: Configuration, order: Order | None = None) -> str | None:
        """Why it may not come into force in place of the one that is; None when it may.

        What people have to approve first is then proposed to them: by whoever gave the `order`,
        else by the gateway, which found it in its files.
        """
        ...

    async def is_held(self, digest: str) -> bool:
        """Whether there is nothing new about what was held back. One cheap query."""
        ...

    async def needed(self) -> int:
        """How many people a change of policy takes."""
        ...


class OpenGate:
    """Where nothing is held back."""

    async def held_back(self, fresh: Configuration, order: Order | None = None) -> str | None:
        """As `Gate` says."""
        return None

    async def is_held(self, digest: str) -> bool:
        """As `Gate` says."""
        return False

    async def needed(self) -> int:
        """As `Gate` says."""
        return 1


OPEN: Final = OpenGate()


def changes_policy(old: StoredConfiguration, new: StoredConfiguration) -> bool:
    """Whether two configurations differ in anything but where state, traces and listeners are.

    Comments of gatehouse.yaml say nothing; every other file counts to its last letter. Files that
    are not kept cannot be compared, so they count as another policy.
    """
    if not (old.files and new.files):
        return old.digest != new.digest
    return sorted(_policy(old)) != sorted(_policy(new))


def _policy(stored: StoredConfiguration) -> Iterator[tuple[str, str, bytes]]:
    for each in stored.files:
        if each.role == CONFIGURATION:
            yield each.role, "", _policy_of(each.text)
        else:
            yield each.role, each.name, each.text.encode()


def _policy_of(text: str) -> bytes:
    try:
        said = as_written(text)
    except Unreadable:  # written by a version that read more than this one does
        return text.encode()
    policy = {name: value for name, value in said.items() if name not in OPERATIONAL}
    return orjson.dumps(policy, default=repr, option=orjson.OPT_NON_STR_KEYS)
