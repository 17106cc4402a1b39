"""A real OpenID Connect provider, Canaille, and a browser that signs people in on its pages."""

import base64
import hashlib
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from joserfc.jwk import RSAKey

CANARY = "Canary-9d41"
"""The family name of everybody: a claim of every token, which no sink may hold."""

PASSWORD = "correct horse battery"
PEOPLE = {
    "ada": ["eng-web"],
    "bob": ["eng-pay", "eng-web"],
    "sec": ["sec-ops"],
    "eve": ["canteen"],
    "leo": ["eng-web"],
    "lea": ["eng-web"],
    "liz": ["eng-web"],
}
"""Who there is, and in which groups."""

APPLICATIONS = {
    "gatehouse": {"audience": "gatehouse", "algorithm": "RS256"},
    "cli": {"audience": "gatehouse", "algorithm": "RS256"},
    "wiki": {"audience": "wiki", "algorithm": "RS256"},
    "strong": {"audience": "gatehouse"},
}
"""What people sign in to, and for which application tokens are made there; without an algorithm
the provider takes the strongest that its key knows."""

REDIRECT = "http://127.0.0.1:9/back"
GATEWAY = "http://127.0.0.1:9"
"""Where the provider takes the gateway to be: it sends people's browsers back there."""

CALLBACK = f"{GATEWAY}/oauth/callback"
_MOST_STEPS = 8
_ROOT = Path(__file__).parents[2]


def signing_key() -> RSAKey:
    return RSAKey.generate_key(2048, auto_kid=True)


@dataclass(frozen=True, slots=True)
class Grant:
    """What an application was given for somebody."""

    access_token: str
    id_token: str
    refresh_token: str


class Browser:
    """Somebody before the pages of the provider, who follows them as they are."""

    def __init__(self, issuer: str, name: str) -> None:
        self.name = name
        self._issuer = issuer
        self._client = httpx.AsyncClient(base_url=issuer, trust_env=False, timeout=30.0)

    async def close(self) -> None:
        await self._client.aclose()

    async def metadata(self) -> dict[str, str]:
        found = await self._client.get("/.well-known/openid-configuration")
        return dict(found.json())

    async def signs_in(self, application: str = "cli") -> Grant:
        """The authorization code flow with PKCE, from the first page to the tokens."""
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": application,
            "redirect_uri": REDIRECT,
            "scope": "openid profile email groups",
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        metadata = await self.metadata()
        code = await self._code(metadata["authorization_endpoint"], asked)
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": application,
            "redirect_uri": REDIRECT,
            "code_verifier": verifier,
        }
        answer = await self._client.post(metadata["token_endpoint"], data=given)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        return Grant(told["access_token"], told["id_token"], told["refresh_token"])

    async def refreshes(self, grant: Grant, application: str = "cli") -> httpx.Response:
        """Ask for new tokens without any page."""
        given = {
            "grant_type": "refresh_token",
            "refresh_token": grant.refresh_token,
            "client_id": application,
        }
        return await self._client.post((await self.metadata())["token_endpoint"], data=given)

    async def _code(self, address: str, asked: dict[str, str]) -> str:
        back = await self.follows(f"{address}?{urlencode(asked)}", REDIRECT)
        return parse_qs(urlsplit(back).query)["code"][0]

    async def follows(self, address: str, until: str) -> str:
        """Sign in where this address leads; the one that the browser is sent back to."""
        page = await self._client.get(address)
        for _ in range(_MOST_STEPS):
            onward = page.headers.get("location", "")
            if onward.startswith(until):
                return onward
            page = await (self._client.get(onward) if onward else self._fills_in(page))
        raise AssertionError(f"{self.name} cannot sign in: {page.url.path}")

    async def _fills_in(self, page: httpx.Response) -> httpx.Response:
        forms = {
            "/login": {"login": self.name},
            "/auth/password": {"password": PASSWORD},
            "/oauth/authorize": {"answer": "accept"},
        }
        return await self._client.post(page.url, data=forms[page.url.path])


class People:
    """Who there is at a provider, each before a browser of their own that remembers them."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._browsers: dict[str, Browser] = {}

    def browser_of(self, name: str) -> Browser:
        if name not in self._browsers:
            self._browsers[name] = Browser(self._issuer, name)
        return self._browsers[name]

    async def sign_in(self, name: str, application: str = "cli") -> Grant:
        """Somebody signs in to an application."""
        return await self.browser_of(name).signs_in(application)

    async def leave(self) -> None:
        """Every browser is closed, and remembers nobody any more."""
        for browser in self._browsers.values():
            await browser.close()
        self._browsers.clear()


class Canaille:
    """The provider: what its administrator may do, and what may become of it."""

    def __init__(self) -> None:
        self.keys: list[RSAKey] = [signing_key()]
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Serve, on the same port as before, under the same keys; nobody is signed in."""
        self._process = subprocess.Popen(
            (sys.executable, "-W", "ignore", "-m", "tests.fakes.canaille_child"),
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        people = {
            name: {"family_name": CANARY, "password": PASSWORD, "groups": groups}
            for name, groups in PEOPLE.items()
        }
        told = self._tell(
            port=self.port,
            people=people,
            applications=APPLICATIONS,
            redirect_uris=[REDIRECT, CALLBACK],
            **self._published(),
        )
        self.port = told["port"]

    def stop(self) -> None:
        """Nobody answers at its address any more."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def rotates(self, *, keeps: bool = True) -> None:
        """Sign with a new key; the ones before stay published, or do not."""
        self.keys = [signing_key(), *(self.keys if keeps else [])]
        self._tell(**self._published())

    def runs_ahead(self, seconds: int) -> None:
        """Its clock is so much ahead of everybody else's; behind, if negative."""
        self._tell(ahead_seconds=seconds)

    def locks(self, name: str) -> None:
        self._tell(lock=name)

    def deletes(self, name: str) -> None:
        self._tell(delete=name)

    def _published(self) -> dict[str, list[dict[str, str]]]:
        newest, *old = [dict(each.as_dict(private=True)) for each in self.keys]
        return {"keys": [newest], "old_keys": old}

    def _tell(self, **told: object) -> dict[str, int]:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        print(json.dumps(told), file=process.stdin, flush=True)
        return dict(json.loads(process.stdout.readline()))


@contextmanager
def a_canaille() -> Iterator[Canaille]:
    """One that serves until the tests are over."""
    canaille = Canaille()
    canaille.start()
    try:
        yield canaille
    finally:
        canaille.stop()
