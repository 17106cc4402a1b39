"""A gateway in the test's process that looks ten times a second for what it looks for once."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gateway import calls
from gateway.polling import Polling
from gateway.sessions import known_sessions

HURRIED_SECONDS = 0.1


@contextmanager
def hurried() -> Iterator[None]:
    """Gateways that start meanwhile, until it is over: what others changed, and which calls end."""
    begin = Polling.__init__

    def begin_hurried(
        polling: Polling,
        name: str,
        refresh: Callable[[], Awaitable[None]],
        *,
        seconds: float = HURRIED_SECONDS,
        **more: Any,
    ) -> None:
        begin(polling, name, refresh, seconds=min(seconds, HURRIED_SECONDS), **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Polling, "__init__", begin_hurried)
        patch.setattr(calls, "TICK_SECONDS", HURRIED_SECONDS)
        patch.setattr(known_sessions, "LOOK_SECONDS", HURRIED_SECONDS)
        yield
