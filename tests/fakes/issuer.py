"""An identity provider on a real socket that signs whatever a test wants, right or wrong."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

AUDIENCE = "gatehouse"
CANARY = "canary-token-9d41"
"""Stands in every token's claims: no sink may hold it."""

Reply = tuple[int, object]


def rsa(key_id: str = "rsa-1") -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": key_id, "use": "sig"})


def es256(key_id: str = "ec-1") -> ECKey:
    return ECKey.generate_key("P-256", {"kid": key_id, "use": "sig"})


def ed25519(key_id: str = "ed-1") -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": key_id, "use": "sig"})


ALGORITHMS = {"RSA": "RS256", "EC": "ES256", "OKP": "Ed25519"}


def encoded(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(claims: object, key: Key, **header: Any) -> str:
    """A token with any header and any claims, under this key; `None` leaves a member out."""
    protected = {"alg": ALGORITHMS[key.key_type], "kid": key.kid, "typ": "JWT", **header}
    protected = {name: value for name, value in protected.items() if value is not None}
    signing_input = f"{encoded(protected)}.{encoded(claims)}".encode()
    algorithm = jws.JWSRegistry.algorithms[ALGORITHMS[key.key_type]]
    return f"{signing_input.decode()}.{encoded(algorithm.sign(signing_input, key))}"


def unsigned(claims: object) -> str:
    return f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{encoded(claims)}."


def signed_with_the_public_key(claims: object, key: RSAKey) -> str:
    """HS256 with what everybody can read as the secret."""
    head = {"alg": "HS256", "typ": "JWT", "kid": key.kid}
    signing_input = f"{encoded(head)}.{encoded(claims)}"
    made = hmac.digest(key.as_pem(private=False), signing_input.encode(), "sha256")
    return f"{signing_input}.{encoded(made)}"


class Issuer:
    """What a test may turn: keys, what it says, and whether it says anything."""

    def __init__(self, key: Key) -> None:
        self.url = ""
        self.keys = [key]
        self.is_down = False
        self.discovery: dict[str, object] = {}  # replaces members of the discovery document
        self.asked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: dict[str, Callable[[dict[str, str]], Reply]] = {}

    @property
    def key(self) -> Key:
        """The newest key."""
        return self.keys[-1]

    def rotate(self, key: Key, *, keep: bool = True) -> None:
        """Sign with another key from now on; the ones before stay published, or do not."""
        self.keys = [*self.keys, key] if keep else [key]

    def claims(self, **changed: object) -> dict[str, object]:
        """What a good token says; `None` leaves a claim out."""
        now = int(time.time())
        good = {
            "iss": self.url,
            "sub": "ada",
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 600,
            "groups": ["eng-web"],
            "note": CANARY,
        }
        return {name: value for name, value in {**good, **changed}.items() if value is not None}

    def token(self, key: Key | None = None, **changed: object) -> str:
        """A token that is good, but for what a test changes."""
        return signed(self.claims(**changed), key or self.key)

    def times_asked(self, path: str = "/jwks") -> int:
        return self.asked.count(path)

    def answer(self, path: str, form: dict[str, str]) -> Reply:
        if path in self.answers:
            return self.answers[path](form)
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/jwks",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                **self.discovery,
            }
        if path == "/jwks":
            return 200, {"keys": [key.as_dict(private=False) for key in self.keys]}
        return 404, {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = lines[0].split(" ")[1].partition("?")[0]
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.asked.append(path)
        if self.is_down:
            writer.transport.abort()
            return
        form = dict(parse_qsl(body.decode()))
        if body:
            self.forms.append(form)
        self.headers.append(dict(line.split(": ", 1) for line in lines[1:] if ": " in line))
        status, said = self.answer(path, form)
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(content)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + content)
        await writer.drain()


_FREE: list[RSAKey] = []
"""Keys of issuers that are gone, for others: to make one takes longer than most tests."""


@asynccontextmanager
async def an_issuer() -> AsyncGenerator[Issuer]:
    """Serve until the test is over, with a key that no other issuer has meanwhile."""
    key = _FREE.pop() if _FREE else rsa()
    issuer = Issuer(key)
    server = await asyncio.start_server(issuer.serve, "127.0.0.1", 0)
    issuer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield issuer
    _FREE.append(key)
