"""Keys of a provider's key set, and what stands under a signature. Imports joserfc: load late."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry, deserialize_compact

_KINDS: Mapping[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}
_PUBLIC = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x")}
_SHORTEST_RSA_BITS = 2048
_MOST_KEYS = 200


class _OneAlgorithm(JWSRegistry):
    """Knows the algorithm that was asked for and no other; says nothing of its age.

    joserfc warns at each use of the name EdDSA, which providers still send.
    """

    max_header_length = 4096  # a certificate may stand there, and is not looked at

    def __init__(self, algorithm: str) -> None:
        super().__init__(algorithms=[algorithm], strict_check_header=False)

    def get_alg(self, name: str) -> Any:  # noqa: ANN401 - joserfc's type for it is private
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError(f"Algorithm of '{name}' is not allowed")
        return self.algorithms[name]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key for signatures, as a provider publishes it."""

    key_id: str | None
    algorithm: str | None
    key: Key


def signing_keys(document: Mapping[str, Any]) -> Iterator[SigningKey]:
    """The keys of a key set that verify signatures; others, and what cannot be read, are left out.

    A shared secret is never among them, whatever the set calls it.
    """
    published = document.get("keys")
    if not isinstance(published, list):
        return
    for each in published[:_MOST_KEYS]:
        key = _key(each) if isinstance(each, dict) else None
        if key is not None:
            yield key


def signed_content(token: str, algorithm: str, key: Key) -> bytes:
    """What stands under the signature. Raises `JoseError` or `ValueError` where it is not good."""
    content = deserialize_compact(token, key, registry=_OneAlgorithm(algorithm)).payload
    assert content is not None
    return content


def _key(written: dict[str, Any]) -> SigningKey | None:
    name = str(written.get("kty"))
    key_id, algorithm = written.get("kid"), written.get("alg")
    if name not in _KINDS or written.get("use", "sig") != "sig":
        return None
    if not isinstance(key_id, str | None) or not isinstance(algorithm, str | None):
        return None
    try:
        public = {each: written[each] for each in _PUBLIC[name]}
        if name == "RSA" and len(str(public["n"])) * 6 < _SHORTEST_RSA_BITS:
            return None
        return SigningKey(key_id, algorithm, _KINDS[name].import_key(public))
    except (JoseError, ValueError, TypeError, KeyError):
        return None
