"""Visitors are known by the address that trusted proxies give, and counted by it."""

from types import SimpleNamespace

import pytest
from starlette.requests import Request

from gateway.oauth.limits import Limits
from gateway.oauth.visitors import Visitors
from gateway.proxies import TrustedProxies


def a_request(forwarded: bytes, peer: str | None = "10.0.0.1") -> Request:
    headers = [(b"x-forwarded-for", forwarded)]
    client = None if peer is None else (peer, 1)
    return Request({"type": "http", "headers": headers, "client": client})


def visitors(*trusted: str) -> Visitors:
    configuration = SimpleNamespace(
        identity=SimpleNamespace(login=None), proxies=TrustedProxies.of(trusted)
    )
    in_force = SimpleNamespace(configuration=configuration)
    return Visitors(in_force, Limits(lambda: 0.0))  # type: ignore[arg-type]  # what it reads of it


@pytest.mark.parametrize(
    ("trusted", "peer", "address"),
    [
        ((), "10.0.0.1", "10.0.0.1"),
        ((), None, None),
        (("10.0.0.0/8",), "10.0.0.1", "192.0.2.7"),
        (("10.0.0.0/8",), "198.51.100.1", "198.51.100.1"),
    ],
)
def test_an_address_is_by_the_word_of_trusted_proxies(
    trusted: tuple[str, ...], peer: str | None, address: str | None
) -> None:
    assert visitors(*trusted).address(a_request(b"192.0.2.7", peer)) == address


def test_people_behind_one_proxy_are_counted_each() -> None:
    known = visitors("10.0.0.0/8")
    tries = [b"192.0.2.7", b"192.0.2.7", b"192.0.2.8"]
    allowed = [known.allows("code", a_request(each), 1, 10) for each in tries]
    assert allowed == [True, False, True]
    assert known.login() is None
