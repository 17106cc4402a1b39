"""A key without the key: whose it is, what it is limited to, and until when."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network

from policy.types import Identity, Scope

_MAX_NAME = 200


class KeyState(StrEnum):
    """Whether a key holds, and if not, why."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is kept. Times are UTC microseconds; of a scope, what is empty limits nothing.

    `successor_id` names the key that replaces it; it then holds until `expires_unix_us`, and
    `lapsed_unix_us` says when that end was noticed and recorded.
    """

    id: str
    last_four: str
    team: str
    subject: str
    roles: frozenset[str]
    created_unix_us: int
    expires_unix_us: int | None = None
    revoked_unix_us: int | None = None
    scope: Scope | None = None
    is_service: bool = False
    successor_id: str | None = None
    lapsed_unix_us: int | None = None

    def __post_init__(self) -> None:
        whose = "service" if self.is_service else "user"
        check_name("team", self.team)
        check_name(whose, self.subject)
        if not self.roles:
            raise ValueError("a key has at least one role")

    @property
    def identity(self) -> Identity:
        """Who asks with this key."""
        return Identity(self.subject, self.team, self.roles, self.id, self.scope, self.is_service)

    @property
    def is_lapsing(self) -> bool:
        """Whether it was replaced, and its end by that is not on record yet."""
        return (
            self.successor_id is not None
            and self.lapsed_unix_us is None
            and self.revoked_unix_us is None
        )

    def state(self, now_unix_us: int) -> KeyState:
        """Whether it holds."""
        if self.revoked_unix_us is not None:
            return KeyState.REVOKED
        return KeyState.EXPIRED if self.is_expired(now_unix_us) else KeyState.ACTIVE

    def is_expired(self, now_unix_us: int) -> bool:
        """Whether its time is over."""
        return self.expires_unix_us is not None and self.expires_unix_us <= now_unix_us


def check_name(what: str, name: str) -> None:
    """Raise `ValueError` for what can be no team's, user's or service's name."""
    if not name or len(name) > _MAX_NAME or not name.isprintable():
        raise ValueError(
            f"a {what}'s name is 1 to {_MAX_NAME} printable characters, not {name[:40]!r}"
        )


def scope_of(models: frozenset[str], networks: frozenset[str]) -> Scope | None:
    """A scope as people write it; None where it limits nothing.

    Raises `ValueError` for what is no network in CIDR form, or names a host within one.
    """
    if not models and not networks:
        return None
    for each in models:
        if not each.isprintable() or "," in each:  # by which they are set apart where they are kept
            raise ValueError(f"{each[:40]!r} is no name of a model")
    for each in networks:
        ip_network(each)  # its own words say what is wrong
    return Scope(tuple(sorted(models)), tuple(sorted(networks)))
