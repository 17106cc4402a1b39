"""Tables of the sign-in: sessions, their tokens, and what waits for somebody."""

from sqlalchemy import BigInteger, Column, LargeBinary, String, Text
from sqlmodel import Field

from gateway.store.tables import HASH, Base, table_of


class Session(Base, table=True):
    """Somebody who signed in at their provider. `groups` is JSON, `team` the one asked for.

    `provider_secret` is sealed: what the provider gave to ask it again. `claimed_unix_us` is when
    a gateway began to ask. `changed_revision` is set when it ends: others learn of it by that.
    """

    __tablename__ = "session"

    id: str = Field(sa_column=Column(String(16), primary_key=True))
    issuer: str = Field(sa_type=Text)
    provider_sub: str = Field(sa_type=Text, index=True)
    provider_subject: str = Field(sa_type=Text)
    provider_session: str | None = Field(default=None, sa_type=Text, index=True)
    subject: str = Field(sa_type=Text, index=True)
    groups: str = Field(sa_type=Text)
    team: str | None = Field(default=None, sa_type=Text)
    machine: str = Field(sa_type=Text)
    created_unix_us: int = Field(sa_type=BigInteger)
    expires_unix_us: int = Field(sa_type=BigInteger)
    checked_unix_us: int = Field(sa_type=BigInteger)
    claimed_unix_us: int | None = Field(default=None, sa_type=BigInteger)
    provider_secret: bytes | None = Field(default=None, sa_type=LargeBinary)
    ended_unix_us: int | None = Field(default=None, sa_type=BigInteger)
    ended_reason: str | None = Field(default=None, sa_type=String(32))
    changed_revision: int | None = Field(default=None, sa_type=BigInteger, index=True)


class SessionToken(Base, table=True):
    """A token of a session: a keyed digest, never the token. `kind` is `access` or `refresh`.

    A refresh token that was used names its successor and stays: seen again, it was stolen.
    """

    __tablename__ = "session_token"

    digest: bytes = Field(sa_column=Column(HASH, primary_key=True))
    session_id: str = Field(sa_type=String(16), index=True)
    kind: str = Field(sa_type=String(8))
    expires_unix_us: int = Field(sa_type=BigInteger)
    successor: bytes | None = Field(default=None, sa_type=HASH)
    replaced_unix_us: int | None = Field(default=None, sa_type=BigInteger)


class SignIn(Base, table=True):
    """A machine that waits for somebody to sign in. Its codes are kept as keyed digests.

    `state` is `waiting`, `approved`, `denied` or `taken`; `team` is the one that was asked for.
    """

    __tablename__ = "sign_in"

    device_digest: bytes = Field(sa_column=Column(HASH, primary_key=True))
    user_digest: bytes = Field(sa_type=HASH, unique=True)
    state_digest: bytes | None = Field(default=None, sa_type=HASH, unique=True)
    browser_digest: bytes | None = Field(default=None, sa_type=HASH)
    machine: str = Field(sa_type=Text)
    address: str | None = Field(default=None, sa_type=Text)
    team: str | None = Field(default=None, sa_type=Text)
    created_unix_us: int = Field(sa_type=BigInteger)
    expires_unix_us: int = Field(sa_type=BigInteger, index=True)
    polled_unix_us: int | None = Field(default=None, sa_type=BigInteger)
    interval_seconds: int = Field(sa_type=BigInteger)
    state: str = Field(sa_type=String(16))
    session_id: str | None = Field(default=None, sa_type=String(16))


SESSIONS = table_of(Session)
SESSION_TOKENS = table_of(SessionToken)
SIGN_INS = table_of(SignIn)
