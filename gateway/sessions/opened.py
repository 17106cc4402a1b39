"""All that signing in takes, built and handed out together."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.known_subjects import KnownSubjects
from gateway.oidc.asking import ProviderClient
from gateway.oidc.provider_tokens import ProviderTokens
from gateway.sessions.at_provider import AtProvider
from gateway.sessions.back_channel import BackChannel
from gateway.sessions.known_sessions import KnownSessions
from gateway.sessions.leavers import Leavers
from gateway.sessions.sealing import Sealer
from gateway.sessions.signing_in import SigningIn
from gateway.sessions.token_office import TokenOffice
from gateway.store.database import Database
from gateway.store.sessions import Sessions
from gateway.store.sign_ins import SignIns
from gateway.virtual_key import Hasher


@dataclass(frozen=True, slots=True)
class SessionSide:
    """What knows sessions, gives out their tokens, lets people in and out."""

    known: KnownSessions
    office: TokenOffice
    signing_in: SigningIn
    back_channel: BackChannel
    sealer: Sealer
    unix_us: Callable[[], int]


def open_sessions(
    database: Database,
    pepper: bytes,
    client: ProviderClient,
    tokens: ProviderTokens,
    subjects: KnownSubjects,
    *,
    unix_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    random_bytes: Callable[[int], bytes] = os.urandom,
) -> SessionSide:
    """Build it on a database. Nothing runs yet."""
    hasher, sealer = Hasher(pepper), Sealer(pepper, random_bytes)
    sessions, sign_ins = Sessions(database, random_bytes), SignIns(database, random_bytes)
    provider = AtProvider(client, tokens, lambda: unix_us() // 1_000_000)
    leavers = Leavers(sessions, provider, sealer, unix_us=unix_us)
    known = KnownSessions(sessions, leavers, hasher, unix_us=unix_us)
    office = TokenOffice(
        sessions, sign_ins, leavers, hasher, unix_us=unix_us, random_bytes=random_bytes
    )
    signing_in = SigningIn(
        sign_ins,
        provider,
        sealer,
        subjects,
        hasher,
        unix_us=unix_us,
        random_bytes=random_bytes,
    )
    back_channel = BackChannel(sessions, tokens, unix_us=unix_us)
    return SessionSide(known, office, signing_in, back_channel, sealer, unix_us)
