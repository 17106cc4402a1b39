"""Clients share what they trust, but one that is told what to trust."""

import ssl

import httpx


def context_of(**told: object) -> ssl.SSLContext:
    client = httpx.Client(**told)  # type: ignore[arg-type]  # what a test tells it
    return client._transport._pool._ssl_context  # type: ignore[attr-defined]  # of httpx's own


def test_clients_that_leave_the_environment_alone_share_a_context_that_verifies() -> None:
    one = context_of(trust_env=False)
    assert one is context_of(trust_env=False)
    assert one.verify_mode is ssl.CERT_REQUIRED
    assert one.check_hostname


def test_a_client_that_is_told_what_to_trust_has_a_context_of_its_own() -> None:
    mine = ssl.create_default_context()
    assert context_of(trust_env=False, verify=mine) is mine
    assert context_of(trust_env=False, verify=False).verify_mode is ssl.CERT_NONE
    assert context_of() is not context_of(trust_env=False)
