"""Say in an operator's words why a PostgreSQL database cannot be used, and what to do."""

import ssl
from collections.abc import Mapping

import asyncpg

from gateway.database_address import DatabaseAddress
from gateway.store.schema import StoreError

OLDEST_VERSION = 14
_SAID_IN = "storage.url (or GATEHOUSE_DATABASE_URL)"


class StoreUnreachable(StoreError, OSError):
    """The database cannot be had now. It may be later: an `OSError`, as of any device."""


def explained(error: Exception, address: DatabaseAddress) -> StoreUnreachable:
    """What became of an attempt to connect, or to ask the first question."""
    return StoreUnreachable(f"cannot use PostgreSQL at {address.shown}: {_reason(error)}")


# The first that fits tells; what it is in itself stands in the place of {error}.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (
        asyncpg.InvalidAuthorizationSpecificationError,
        f"it refuses this user or password; mend {_SAID_IN}",
    ),
    (
        asyncpg.InvalidCatalogNameError,
        "there is no database of this name; make it with createdb, or mend the name",
    ),
    (
        asyncpg.InsufficientPrivilegeError,
        "{error}; the gateway's user must own the database, or be granted CREATE on it",
    ),
    (
        asyncpg.TooManyConnectionsError,
        "it takes no more connections; a replica needs 7: raise max_connections",
    ),
    (asyncpg.CannotConnectNowError, "{error}; try again in a moment"),
    (
        asyncpg.TargetServerAttributeNotMatched,
        "none of its hosts takes writes; is the primary up?",
    ),
    (ssl.SSLError, "TLS fails: {error}; see sslmode and sslrootcert"),
    (TimeoutError, "no answer in time; is it up, and does the network let us through?"),
    (OSError, f"{{error}}; is it up, and is {_SAID_IN} right?"),
    (asyncpg.PostgresError, "{error}"),
    (asyncpg.InternalClientError, "the connection was lost; try again"),
)
# What the driver says of an address it cannot read may hold a part of the password.
_UNREAD = f"the driver cannot read {_SAID_IN}"


def _reason(error: Exception) -> str:
    found = (text for kind, text in _REASONS if isinstance(error, kind))
    return next(found, _UNREAD).format(error=getattr(error, "strerror", None) or error)


def unfit(
    found: "Mapping[str, object] | asyncpg.Record", address: DatabaseAddress
) -> StoreError | None:
    """Why this server must not keep a ledger, if so."""
    version = int(str(found["version"])) // 10_000
    if version < OLDEST_VERSION:
        return _refusal(address, f"is version {version}; {OLDEST_VERSION} or newer is needed")
    if found["encoding"] != "UTF8":
        return _refusal(address, f"keeps text in {found['encoding']}; make it with ENCODING 'UTF8'")
    if found["is_standby"]:
        return _refusal(address, "is a standby and takes no writes; name the primary")
    if found["is_read_only"]:
        return _refusal(
            address, "is read-only; ALTER DATABASE ... SET default_transaction_read_only = off"
        )
    if found["synchronous_commit"] == "off":
        return _refusal(
            address,
            "says that a commit is done before it is on disk, so no record in it is durable; "
            "ALTER DATABASE ... SET synchronous_commit = on",
        )
    return None


def _refusal(address: DatabaseAddress, reason: str) -> StoreError:
    return StoreError(f"the database {address.shown} {reason}")
