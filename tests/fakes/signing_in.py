"""A gateway's whole side of the sign-in, on a real database, before a provider on a real socket."""

import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from gateway.configuration.identity_settings import (
    IdentitySettings,
    Login,
    Provider,
)
from gateway.known_subjects import KnownSubjects
from gateway.oidc.asking import ProviderClient
from gateway.oidc.provider_tokens import ProviderTokens
from gateway.sessions.opened import SessionSide, open_sessions
from gateway.sessions.token_office import Grant
from gateway.store.database import Database, open_database
from gateway.store.sessions import Sessions
from gateway.virtual_key import Hasher
from providers.http.client import HttpClient
from tests.fakes.issuer import Issuer, an_issuer
from tests.fakes.issuer_login import People
from tests.fakes.providers import a_provider

PEPPER = b"p" * 32
BROWSER = "browser-1"


@dataclass
class Clock:
    """UTC that stands where the test began, until the test moves it on."""

    ahead_seconds: float = 0.0
    began_unix_seconds: float = field(default_factory=time.time)

    def unix_us(self) -> int:
        return int((self.began_unix_seconds + self.ahead_seconds) * 1_000_000)

    def unix_seconds(self) -> int:
        return self.unix_us() // 1_000_000

    def seconds(self) -> float:
        return self.began_unix_seconds + self.ahead_seconds


def a_login(provider: Provider, **changed: object) -> Login:
    assert provider.client is not None
    values = {
        "url": "http://127.0.0.1:7070",
        "provider": provider,
        "client": provider.client,
        "access_token_seconds": 3600,
        "session_hours": 168,
        "recheck_seconds": 45,
        "outage_minutes": 60,
    }
    return Login(**{**values, **changed})  # type: ignore[arg-type]  # what a test changes


def settings_of(login: Login) -> IdentitySettings:
    return IdentitySettings({login.provider.issuer: login.provider}, login)


@dataclass
class Place:
    """One gateway where people sign in."""

    side: SessionSide
    login: Login
    issuer: Issuer
    people: People
    database: Database
    clock: Clock
    subjects: KnownSubjects
    tokens: ProviderTokens
    settings: IdentitySettings = field(init=False)

    def __post_init__(self) -> None:
        self.settings = settings_of(self.login)

    async def begin_with(self, login: Login) -> None:
        self.login, self.settings = login, settings_of(login)
        await self.tokens.apply(self.settings)
        await self.side.known.apply(self.settings)

    @property
    def stored(self) -> Sessions:
        return Sessions(self.database)

    async def sign_in(self, team: str | None = None) -> Grant:
        """The whole way, as machine, person and provider go it."""
        begun = await self.side.signing_in.begin("laptop", "192.0.2.7", team)
        found = await self.side.signing_in.find(begun.user_code)
        assert found is not None
        way = await self.side.signing_in.send_on(self.login, found, BROWSER)
        back = {
            name: values[0]
            for name, values in parse_qs(urlsplit(self.people.arrive(way)).query).items()
        }
        await self.side.signing_in.come_back(self.login, back["code"], back["state"], BROWSER)
        return await self.side.office.first(self.login, begun.device_code)


@asynccontextmanager
async def a_place(folder: Path, **provider: object) -> AsyncGenerator[Place]:
    """Until the test is over."""
    clock, subjects, http = Clock(), KnownSubjects(), HttpClient()
    database = open_database(folder)
    client = ProviderClient(http, seconds=3)
    tokens = ProviderTokens(
        client, Hasher(PEPPER), unix_seconds=clock.unix_seconds, seconds=clock.seconds
    )
    async with an_issuer() as issuer:
        side = open_sessions(
            database,
            PEPPER,
            client,
            tokens,
            subjects,
            unix_us=clock.unix_us,
            random_bytes=random.Random(7).randbytes,
        )
        login = a_login(a_provider(issuer.url, **provider))
        place = Place(side, login, issuer, People(issuer), database, clock, subjects, tokens)
        await place.begin_with(login)
        yield place
        await side.known.stop()
        await tokens.stop()
    await http.aclose()
    await database.close()
