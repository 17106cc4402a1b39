"""Connections kept for the next request: newest first, never longer than the peer keeps them."""

from providers.http.connection import Connection


class Pool:
    """Idle connections by origin, and all that are open.

    At most `max_idle_per_origin` are kept, each for at most `idle_seconds` (`idle_tls_seconds`
    over TLS). Python and Node servers close an idle connection after 5 seconds, the fronts of
    public vendors after a minute or more: staying below them makes a lost race rare.
    """

    def __init__(
        self, *, max_idle_per_origin: int, idle_seconds: float, idle_tls_seconds: float
    ) -> None:
        self.open: set[Connection] = set()
        self._max_idle = max_idle_per_origin
        self._idle_seconds = idle_seconds
        self._idle_tls_seconds = idle_tls_seconds
        self._idle: dict[str, list[Connection]] = {}

    @property
    def holds_any(self) -> bool:
        """Whether there is anything to sweep."""
        return bool(self.open or self._idle)

    @property
    def idle_count(self) -> int:
        """How many connections wait for a request."""
        return sum(map(len, self._idle.values()))

    def take(self, origin_name: str, now: float) -> Connection | None:
        """The connection used last that is still good, or None. `now` is the loop's time."""
        kept = self._idle.get(origin_name)
        while kept:
            connection = kept.pop()
            if connection.is_open and now - connection.idle_since < self._limit(connection):
                return connection
            connection.abort()
        return None

    def add(self, connection: Connection) -> None:
        """A new connection stands."""
        self.open.add(connection)

    def give(self, connection: Connection) -> None:
        """Keep a free connection, or close it when there are enough."""
        kept = self._idle.setdefault(connection.origin_name, [])
        if len(kept) < self._max_idle:
            kept.append(connection)
        else:
            connection.abort()

    def forget(self, connection: Connection) -> None:
        """Drop a connection that is gone. Idle ones are passed over when their turn comes."""
        self.open.discard(connection)

    def sweep(self, now: float) -> None:
        """Close what was idle too long, and let the others look for silence."""
        for name, kept in list(self._idle.items()):
            stale = [
                each
                for each in kept
                if not each.is_open or now - each.idle_since >= self._limit(each)
            ]
            for connection in stale:
                kept.remove(connection)
                connection.abort()
            if not kept:
                del self._idle[name]
        for connection in list(self.open):
            connection.sweep(now)

    def close(self) -> None:
        """Hang up everywhere."""
        self._idle.clear()
        for connection in list(self.open):
            connection.abort()

    def _limit(self, connection: Connection) -> float:
        is_tls = connection.origin_name.startswith("https:")
        return self._idle_tls_seconds if is_tls else self._idle_seconds
