"""What commands ask of a gateway's state and change of it, be it a data folder or elsewhere.

Everything raises `CommandFailed`; every change is in the ledger with who made it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.break_glass import Wanted
    from gateway.caps.port import AccountState
    from gateway.cli.key_facts import Facts
    from gateway.cli.key_wishes import KeyWish
    from gateway.configuration.orders import Order
    from gateway.configuration.reviews import Standing
    from gateway.configuration.stored import StoredConfiguration
    from gateway.roles import Role
    from gateway.store.ledger import LedgerRow, Search
    from gateway.store.passed import Passed
    from gateway.store.people import Person
    from gateway.store.stored_break_glass import StoredBreakGlass
    from gateway.store.stored_subject import StoredSubject
    from gateway.store.versions import KnownVersion
    from gateway.usage import Asked, UsageRow

    Told = Callable[[Sequence[LedgerRow]], None]


class Keys(Protocol):
    """The keys by which clients are known."""

    def create(self, wish: "KeyWish") -> "tuple[str, Facts]":
        """A new key, and what may be told of it."""
        ...

    def rotate(self, key_id: str, overlap_us: int) -> "tuple[str, Facts, Facts]":
        """A key's successor, what may be told of it, and of the key itself."""
        ...

    def list(self) -> "Sequence[Facts]":
        """Every key there has been, oldest first."""
        ...

    def revoke(self, key_id: str) -> "Facts":
        """End a key."""
        ...

    def revoke_all_of(self, subject: str, *, is_service: bool) -> "Sequence[Facts]":
        """End all keys of a user, or of a service."""
        ...


class Subjects(Protocol):
    """What was decided about people and services."""

    def list(self) -> "Sequence[StoredSubject]":
        """Everybody who is blocked or was granted a role."""
        ...

    def everybody(self, team: str | None) -> "Sequence[Person]":
        """Everybody who has or had a key, or has asked; with a team, as far as it goes."""
        ...

    def block(self, name: str, *, is_service: bool) -> "StoredSubject":
        """Take nothing of theirs any more."""
        ...

    def unblock(self, name: str, *, is_service: bool) -> "StoredSubject":
        """Take again what holds of theirs."""
        ...

    def grant(self, user: str, role: "Role") -> "StoredSubject":
        """Give a person a role."""
        ...

    def take_back(self, user: str, role: "Role") -> "StoredSubject":
        """Take a granted role back."""
        ...


class Usage(Protocol):
    """The sums of what was used."""

    def sums(self, asked: "Sequence[Asked]", *, anew: bool = False) -> "list[Sequence[UsageRow]]":
        """All groups of each question; `anew` sums the whole ledger first."""
        ...


class Records(Protocol):
    """The ledger. Nothing here writes to it, and it holds no content."""

    def newest(self, count: int, search: "Search") -> "Sequence[LedgerRow]":
        """The newest that match, oldest of them first."""
        ...

    def story(self, audit_id: str) -> "Sequence[LedgerRow]":
        """Every record of one exchange, or of what became of a key or an exception."""
        ...

    def tail(self, count: int, told: "Told", *, is_followed: bool) -> None:
        """Tell the newest, and then, where it is followed, for ever what comes."""
        ...


@dataclass(frozen=True, slots=True)
class KnownVersions:
    """The versions that are kept, the newest in force first: which is in force, by which order."""

    known: "Sequence[KnownVersion]"
    in_force: str | None
    pin: "Order | None"
    waiting: Sequence[str] = ()
    """What waits for approval, a line for each."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order that was carried out, and the digest that is in force by it, where it is known."""

    order: "Order"
    digest: str | None


class Versions(Protocol):
    """The configurations that were in force."""

    def list(self) -> KnownVersions:
        """Those that are kept, and how they stand."""
        ...

    def shown(self, digest: str) -> "StoredConfiguration":
        """What is kept, or waits for approval, under a digest, its beginning, or `previous`."""
        ...

    def rollback(self, digest: str, reason: str) -> Ordered:
        """Put a version in force, whatever the files say."""
        ...

    def resume(self, reason: str) -> Ordered:
        """Have the files count again."""
        ...


class Glasses(Protocol):
    """The exceptions from policy that people have opened for a time."""

    def open(self, wanted: "Wanted") -> "StoredBreakGlass":
        """Open one, or propose it where it takes two people."""
        ...

    def approve(self, glass_id: str) -> "StoredBreakGlass":
        """Open what somebody else has proposed."""
        ...

    def close(self, glass_id: str) -> "StoredBreakGlass":
        """End one before its time, or withdraw a proposal."""
        ...

    def list(self) -> "Sequence[StoredBreakGlass]":
        """Every one there has been, oldest first."""
        ...

    def story(self, glass_id: str) -> "tuple[StoredBreakGlass, Sequence[Passed]]":
        """One of them, and what passed because of it."""
        ...


class Teams(Protocol):
    """The teams of the configuration in force."""

    def list(self) -> "Sequence[Mapping[str, Any]]":
        """Each with its models, data class, limits, and what it used this month."""
        ...


class Caps(Protocol):
    """What counts caps."""

    def list(self, team: str | None, unit: str | None) -> "Sequence[AccountState]":
        """Every account, or those of a team or unit, as it stands now."""
        ...


class State(Protocol):
    """All that a gateway keeps."""

    @property
    def keys(self) -> Keys:
        """Its keys."""
        ...

    @property
    def subjects(self) -> Subjects:
        """What it knows of people and services."""
        ...

    @property
    def usage(self) -> Usage:
        """Its sums."""
        ...

    @property
    def ledger(self) -> Records:
        """Its ledger."""
        ...

    @property
    def versions(self) -> Versions:
        """Its configurations."""
        ...

    @property
    def teams(self) -> Teams:
        """Its teams. Raises `CommandFailed` where no gateway runs."""
        ...

    @property
    def caps(self) -> Caps:
        """Its counters. Raises `CommandFailed` where no gateway runs."""
        ...

    def reviews(self, file: "Path | None", *, as_json: bool) -> "Sequence[Standing]":
        """How each entry of its registers stands today, by the configuration in `file` or in force.

        Raises `CommandFailed` where no register is kept.
        """
        ...

    def glasses(self, key: str | None = None) -> Glasses:
        """Its exceptions, changed by whose key this is. Raises `CommandFailed` where another
        key says who asks."""
        ...
