"""The authorities that the tests' own HTTP clients trust: read from disk once a process."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest
from httpx import create_ssl_context
from httpx._transports import default

_shared = cache(lambda: create_ssl_context(trust_env=False))


@contextmanager
def shared_authorities() -> Iterator[None]:
    """While this lasts, clients of httpx that leave the environment alone share one TLS context.

    Making one takes 17 ms, a client is made for nearly every request, and nearly all of them
    speak plain HTTP.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(default, "create_ssl_context", _context_for)
        yield


def _context_for(
    verify: ssl.SSLContext | str | bool = True, cert: object = None, trust_env: bool = True
) -> ssl.SSLContext:
    if verify is True and cert is None and not trust_env:
        return _shared()
    return create_ssl_context(verify, cert, trust_env)  # type: ignore[arg-type]  # passed on
