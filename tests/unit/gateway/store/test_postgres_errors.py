"""Whatever keeps us from a database is one line that says what to do, and never the password."""

import ssl

import asyncpg
import pytest

from gateway.database_address import DatabaseAddress
from gateway.store.postgres_errors import explained, unfit

ADDRESS = DatabaseAddress.read("postgresql://gate:pa%40ss@db.example:5432/ledger")
FIT = {
    "version": 160_004,
    "encoding": "UTF8",
    "synchronous_commit": "on",
    "is_standby": False,
    "is_read_only": False,
}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (asyncpg.InvalidPasswordError("no"), "refuses this user or password"),
        (asyncpg.InvalidAuthorizationSpecificationError("no"), "refuses this user or password"),
        (asyncpg.InvalidCatalogNameError("no"), "make it with createdb"),
        (asyncpg.InsufficientPrivilegeError("denied for schema"), "denied for schema; the gateway"),
        (asyncpg.TooManyConnectionsError("no"), "raise max_connections"),
        (asyncpg.CannotConnectNowError("is starting up"), "is starting up; try again"),
        (asyncpg.TargetServerAttributeNotMatched("no"), "is the primary up"),
        (ssl.SSLError("handshake"), "see sslmode"),
        (TimeoutError(), "no answer in time"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused; is it up"),
        (asyncpg.DiskFullError("disk full"), "disk full"),
        (asyncpg.InternalClientError("state 12"), "the connection was lost; try again"),
        (ValueError("pa@ss is no port"), "the driver cannot read storage.url"),
    ],
)
def test_each_failure_is_told_with_what_to_do(error, told):
    message = str(explained(error, ADDRESS))
    assert message.startswith("cannot use PostgreSQL at gate@db.example:5432/ledger: ")
    assert told in message
    assert "pa@ss" not in message


def test_a_fit_server_is_no_reason_to_refuse():
    assert unfit(FIT, ADDRESS) is None


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"version": 130_000}, "is version 13; 14 or newer is needed"),
        ({"encoding": "LATIN1"}, "keeps text in LATIN1"),
        ({"is_standby": True}, "name the primary"),
        ({"is_read_only": True}, "is read-only"),
        ({"synchronous_commit": "off"}, "before it is on disk"),
    ],
)
def test_a_server_that_is_not_fit_is_told_why(found, told):
    assert told in str(unfit({**FIT, **found}, ADDRESS))


@pytest.mark.parametrize("level", ["local", "remote_write", "remote_apply"])
def test_a_commit_that_waits_for_more_or_less_of_a_standby_is_durable(level):
    assert unfit({**FIT, "synchronous_commit": level}, ADDRESS) is None
