"""Where a PostgreSQL database is, and as whom to open it; the password is never shown."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from providers.base import Secret

_FORM = "postgresql://user:password@host:5432/name"
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")
_USER = re.compile(r"[^\s:@/]+")
_PATH = re.compile(r"/[^/@:\s]+")


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """An address as an operator wrote it, and `shown`: what of it may stand in a message."""

    url: Secret
    shown: str

    @classmethod
    def read(cls, written: str) -> "DatabaseAddress":
        """Read `postgresql://user:password@host:5432/name`; more hosts stand behind commas.

        Raises `ValueError`, which shows nothing of what was written.
        """
        try:
            parts = urlsplit(written)
        except ValueError:
            raise _unreadable() from None
        if parts.scheme not in ("postgresql", "postgres"):
            raise ValueError(f"an address of PostgreSQL is {_FORM}")
        user, at, hosts = parts.netloc.rpartition("@")
        user = user.partition(":")[0]
        sound = all(map(_HOST.fullmatch, hosts.split(","))) and _PATH.fullmatch(parts.path)
        if not sound or parts.fragment or (at and not _USER.fullmatch(user)):
            raise _unreadable()
        return cls(Secret(written), f"{user}{at}{hosts}{parts.path}")


def _unreadable() -> ValueError:
    return ValueError(
        f"cannot be read as {_FORM}: is there a host and a name, and is every special character of "
        "the password written as %XX?"
    )
