"""Of a key set only public keys for signatures are taken, and of those only what is public."""

import pytest
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey

from gateway.oidc.signature import signed_content, signing_keys
from tests.fakes.issuer import ed25519, es256, rsa, signed

GOOD = rsa().as_dict(private=False)


def taken(*keys: object) -> list[str | None]:
    return [each.key_id for each in signing_keys({"keys": list(keys)})]


def test_keys_for_signatures_are_taken_with_id_and_algorithm():
    keys = {"keys": [{**GOOD, "alg": "RS256"}, es256().as_dict(private=False)]}
    first, second = signing_keys(keys)
    assert (first.key_id, first.algorithm) == ("rsa-1", "RS256")
    assert (second.key_id, second.algorithm) == ("ec-1", None)


def test_a_private_key_that_was_published_is_no_private_key_here():
    (key,) = signing_keys({"keys": [rsa().as_dict(private=True)]})
    assert "d" not in key.key.as_dict()


@pytest.mark.parametrize(
    "wrong",
    [
        OctKey.generate_key(256, {"kid": "oct"}).as_dict(private=True),
        {**GOOD, "use": "enc"},
        {**GOOD, "kid": 7},
        {**GOOD, "alg": ["RS256"]},
        {"kty": "RSA", "kid": "half"},
        {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"},
        {"kty": "RSA", "n": 5, "e": 3},
        {"kty": "rsa"},
        {},
        "text",
        None,
    ],
)
def test_what_cannot_be_used_is_left_out_and_the_rest_taken(wrong):
    assert taken(wrong, GOOD) == ["rsa-1"]


@pytest.mark.filterwarnings("ignore:Key size")
def test_a_short_key_is_no_key():
    short = RSAKey.generate_key(1024, {"kid": "short"})
    assert taken(short.as_dict(private=False)) == []


@pytest.mark.parametrize("document", [{}, {"keys": "x"}, {"keys": {"a": 1}}])
def test_a_set_without_keys_has_none(document):
    assert list(signing_keys(document)) == []


def test_a_key_of_another_kind_than_the_algorithm_verifies_nothing():
    token = signed({"sub": "ada"}, ed25519())
    with pytest.raises(JoseError):
        signed_content(token, "Ed25519", rsa())


def test_only_the_algorithm_that_was_asked_for_is_known():
    key = rsa()
    with pytest.raises(JoseError):
        signed_content(signed({"sub": "ada"}, key), "PS256", key)
