"""Reach the store that replicas share: one connection, a whole batch at a time, soon or not."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from redis.asyncio.connection import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from providers.base import Secret

log = logging.getLogger("gatehouse.caps")

Argument = str | int | bytes
Command = Sequence[Argument]
"""What the script is asked to do, and with what."""

Reply = object
"""Nested lists of integers and bytes; a `ResponseError` where the script could not do it."""

_LUA: Final = Path(__file__).with_name("lua")
SCRIPT: Final = "\n".join((_LUA / name).read_text() for name in ("counters.lua", "holds.lua"))

_TRANSIENT: Final = (
    AuthorizationError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
)
_TRANSIENT_WORDS: Final = ("BUSY", "MISCONF", "NOREPLICAS")
"""Refusals of a store that may take the same a while later."""


class Connection(Protocol):
    """What is used of the library's connections."""

    async def connect(self) -> None: ...
    async def disconnect(self, nowait: bool = False) -> None: ...
    async def send_command(self, *args: Argument) -> None: ...
    def pack_commands(self, commands: Sequence[Sequence[Argument]]) -> list[bytes]: ...
    async def send_packed_command(self, command: list[bytes]) -> None: ...
    async def read_response(self, *, disconnect_on_error: bool = True) -> Reply: ...


class StoreAway(Exception):
    """The store cannot be reached, is too slow, or takes nothing now."""


class ValkeyStore:
    """A Valkey or Redis, behind one connection that one task uses at a time.

    `unix_ms` replaces the server's clock (for tests).
    """

    def __init__(
        self,
        url: Secret,
        *,
        namespace: str,
        timeout_seconds: float,
        unix_ms: Callable[[], int] | None = None,
    ) -> None:
        pool = ConnectionPool.from_url(
            url.reveal(),
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=None,
            socket_timeout=None,
        )
        self._new_connection: Callable[[], Connection] = pool.make_connection
        self._epoch_key = f"{{{namespace}}}:epoch"
        self._timeout_seconds = timeout_seconds
        self._unix_ms = unix_ms
        self._connection: Connection | None = None
        self._sha = ""

    async def run(
        self, commands: Sequence[Command], *, patience_seconds: float | None = None
    ) -> list[Reply]:
        """Every command's reply, in order. Raises `StoreAway`.

        Tried twice: the connection may have been closed while nobody used it, and each command does
        nothing the second time.
        """
        patience = patience_seconds or self._timeout_seconds
        try:
            return await self._tried(commands, patience)
        except (RedisError, OSError, TimeoutError):
            pass
        try:
            return await self._tried(commands, patience)
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreAway(_told(error)) from error

    async def close(self) -> None:
        """Disconnect. The next call connects again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.disconnect(nowait=True)
            except (RedisError, OSError):
                pass  # it was broken: there is nothing to leave in order

    async def _tried(self, commands: Sequence[Command], patience: float) -> list[Reply]:
        is_whole = False
        try:
            async with asyncio.timeout(patience):
                replies = await self._replies(commands)
            is_whole = True
        finally:
            if not is_whole:  # replies that nobody has read must not be taken for the next ones
                await self.close()
        return replies

    async def _replies(self, commands: Sequence[Command]) -> list[Reply]:
        connection = self._connection or await self._connected()
        replies = await self._sent(connection, commands)
        if any(isinstance(each, NoScriptError) for each in replies):
            await self._load(connection)
            replies = await self._sent(connection, commands)
        for each in replies:
            if isinstance(each, RedisError) and _is_transient(each):
                raise each
        return replies

    async def _connected(self) -> Connection:
        connection = self._new_connection()
        self._connection = connection
        await connection.connect()
        if not self._sha:
            await self._load(connection)
        return connection

    async def _load(self, connection: Connection) -> None:
        await connection.send_command("SCRIPT", "LOAD", SCRIPT)
        sha = await connection.read_response()
        self._sha = sha.decode() if isinstance(sha, bytes) else str(sha)

    async def _sent(self, connection: Connection, commands: Sequence[Command]) -> list[Reply]:
        now = 0 if self._unix_ms is None else self._unix_ms()
        head = ("EVALSHA", self._sha, 1, self._epoch_key)
        packed = connection.pack_commands([(*head, each[0], now, *each[1:]) for each in commands])
        await connection.send_packed_command(packed)
        replies: list[Reply] = []
        for _ in commands:
            try:
                replies.append(await connection.read_response(disconnect_on_error=False))
            except (ResponseError, *_TRANSIENT) as error:
                replies.append(error)
        return replies


def _is_transient(error: RedisError) -> bool:
    return isinstance(error, _TRANSIENT) or str(error).startswith(_TRANSIENT_WORDS)


def _told(error: Exception) -> str:
    """What went wrong, without the address: it may hold a password."""
    return "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
