"""A key that is kept says whose it is, what it is limited to, and whether it still holds."""

import pytest

from gateway.store.stored_key import StoredKey, scope_of
from policy.types import Identity, Scope


def a_key(**changes: object) -> StoredKey:
    values = {"id": "key_a", "last_four": "wxyz", "team": "web", "subject": "ann"}
    more = {"roles": frozenset({"developer"}), "created_unix_us": 1_000}
    return StoredKey(**{**values, **more, **changes})  # type: ignore[arg-type]  # what a test changes


def test_a_key_is_the_identity_of_who_asks_with_it():
    scope = scope_of(frozenset({"b", "a"}), frozenset({"10.0.0.0/8"}))
    asks = a_key(scope=scope, is_service=True).identity
    limited = Scope(("a", "b"), ("10.0.0.0/8",))
    assert asks == Identity("ann", "web", frozenset({"developer"}), "key_a", limited, True)
    assert (asks.kind, a_key().identity.kind) == ("service", "person")


def test_a_key_expires_at_its_very_moment():
    assert not a_key(expires_unix_us=2_000).is_expired(1_999)
    assert a_key(expires_unix_us=2_000).is_expired(2_000)
    assert not a_key().is_expired(2**62)


def test_a_replaced_key_lapses_until_that_is_on_record():
    assert a_key(successor_id="key_b").is_lapsing
    assert not a_key().is_lapsing
    assert not a_key(successor_id="key_b", lapsed_unix_us=5).is_lapsing
    assert not a_key(successor_id="key_b", revoked_unix_us=5).is_lapsing


def test_a_scope_that_limits_nothing_is_none():
    assert scope_of(frozenset(), frozenset()) is None


@pytest.mark.parametrize("network", ["10.0.0.1/8", "10.0.0.0/33", "home", "", "10.0.0.0/8,::/0"])
def test_what_is_no_network_is_refused(network):
    with pytest.raises(ValueError, match=r"network|host bits"):
        scope_of(frozenset(), frozenset({network}))


@pytest.mark.parametrize("model", ["a,b", "two\nlines"])
def test_what_is_no_models_name_is_refused(model):
    with pytest.raises(ValueError, match="no name of a model"):
        scope_of(frozenset({model}), frozenset())


@pytest.mark.parametrize("name", ["", "x" * 201, "two\nlines", "bell\x07"])
@pytest.mark.parametrize("field", ["team", "subject"])
def test_names_that_would_spoil_a_listing_are_refused(field, name):
    with pytest.raises(ValueError, match="printable"):
        a_key(**{field: name})


def test_a_key_without_a_role_is_refused():
    with pytest.raises(ValueError, match="role"):
        a_key(roles=frozenset())
