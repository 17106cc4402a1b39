"""What people order of the configuration: a stored version instead of the files, and its end."""

from dataclasses import dataclass
from typing import Final, Protocol

from gateway.configuration.stored import StoredConfiguration


class OrdersUnavailable(Exception):
    """What was ordered cannot be read or answered now: the database is away."""


class NotApproved(OrdersUnavailable):
    """People have to approve it before it comes into force, and have not, or not any more."""


class VersionNotFound(LookupError):
    """No stored version has this digest, or more than one begins so; the message says which."""


@dataclass(frozen=True, slots=True)
class Order:
    """Put this version in force, whatever the files say; without a digest: the files count again.

    `by` is who ordered it, with which key or token, if any, `reason` why; the time is UTC
    microseconds.
    """

    number: int
    digest: str | None
    reason: str
    actor_kind: str
    actor_name: str | None
    asked_unix_us: int
    actor_credential_id: str | None = None

    @property
    def by(self) -> str:
        """Who ordered it, for people."""
        return self.actor_name or self.actor_kind


@dataclass(frozen=True, slots=True)
class StandingOrders:
    """The order that holds (a pin), and the one that waits for a gateway to carry it out."""

    pin: Order | None = None
    asked: Order | None = None


class Orders(Protocol):
    """Where orders are. Each raises `OrdersUnavailable`."""

    async def standing(self) -> StandingOrders:
        """What holds and what waits: one cheap query."""
        ...

    async def stored(self, digest: str) -> StoredConfiguration:
        """A version. Raises `VersionNotFound`."""
        ...

    async def refuse(self, order: Order, problem: str) -> None:
        """It cannot be carried out: nothing changes, and whoever asked is told the problem."""
        ...


class NoOrders:
    """Where nobody can give any."""

    async def standing(self) -> StandingOrders:
        """Nothing."""
        return StandingOrders()

    async def stored(self, digest: str) -> StoredConfiguration:
        """As `Orders` says."""
        raise VersionNotFound(f"no version is {digest}")

    async def refuse(self, order: Order, problem: str) -> None:
        """There is none to refuse."""


NO_ORDERS: Final = NoOrders()
