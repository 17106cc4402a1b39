"""What commands ask of a gateway's state and change of it, be it a data folder or elsewhere.

Everything raises `CommandFailed`; every change is in the ledger with who made it.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.cli.key_facts import Facts
    from gateway.cli.key_wishes import KeyWish
    from gateway.roles import Role
    from gateway.store.ledger import LedgerRow, Search
    from gateway.store.stored_subject import StoredSubject
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
