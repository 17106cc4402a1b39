"""Where the tokens of whoever signed in are kept: one file, its owner's only, a lock beside it."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from gateway.cli.exits import CommandFailed
from gateway.settings import config_folder, write_private

_NAME: Final = "sessions.json"
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session as its holder keeps it. `until` is UTC seconds: the access token's end."""

    server: str
    subject: str
    session_id: str
    until: int
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Kept:
    """All sessions, by their gateway, and the gateway that is meant when none is named."""

    sessions: Mapping[str, SignedIn]
    default: str | None = None

    def of(self, server: str | None) -> SignedIn:
        """The session at this gateway. Raises `CommandFailed`."""
        chosen = server or self.default
        found = None if chosen is None else self.sessions.get(chosen)
        if found is None:
            where = f" at {chosen}" if chosen else ""
            named = f" --server {chosen}" if server else ""
            raise CommandFailed(f"nobody is signed in{where}: gatehouse login{named}")
        return found

    def with_one(self, session: SignedIn) -> "Kept":
        """With this session, which is the default from now on."""
        return Kept({**self.sessions, session.server: session}, session.server)

    def refreshed(self, session: SignedIn) -> "Kept":
        """With newer tokens of a session."""
        return replace(self, sessions={**self.sessions, session.server: session})

    def without(self, server: str) -> "Kept":
        """Without the session at this gateway."""
        left = {each: it for each, it in self.sessions.items() if each != server}
        default = self.default if self.default in left else next(iter(left), None)
        return Kept(left, default)


class SessionFile:
    """The file below the user's configuration folder."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.path = config_folder(environ) / _NAME

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else changes it meanwhile: two refreshes at once would look like a theft."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = self.path.with_name(f"{_NAME}.lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def read(self) -> Kept:
        """What is kept. Raises `CommandFailed` where the file is somebody else's to read."""
        try:
            mode = self.path.stat().st_mode
            with self.path.open(encoding="utf-8") as opened:
                document = json.loads(opened.read(_MOST_BYTES))
            sessions = {each["server"]: SignedIn(**each) for each in document["sessions"]}
            kept = Kept(sessions, document["default"])
        except FileNotFoundError:
            return Kept({})
        except (ValueError, KeyError, TypeError):
            raise CommandFailed(
                f"{self.path} cannot be read as sessions: remove it and sign in again"
            ) from None
        if mode & 0o077:
            raise CommandFailed(f"{self.path} is open to others: chmod 600 {self.path}")
        return kept

    def write(self, kept: Kept) -> None:
        """Keep this; only the owner can read it, from its first moment."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        document = {
            "default": kept.default,
            "sessions": [asdict(each) for each in kept.sessions.values()],
        }
        write_private(self.path, json.dumps(document, indent=2) + "\n")
