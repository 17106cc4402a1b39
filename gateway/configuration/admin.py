"""Where the admin API listens, and by which names it may be called."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from policy.document import Section

DEFAULT_LISTEN: Final = "127.0.0.1:7071"
OFF: Final = "off"

_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*")


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """The admin API's own listener. Without a host there is none.

    `hosts` are names, in lower case, by which it may be called besides its own address. Nobody
    chose a port that `may_move`: where it is taken, any other will do.
    """

    host: str | None = "127.0.0.1"
    port: int = 7071
    hosts: frozenset[str] = frozenset()
    may_move: bool = False


DEFAULT_ADMIN: Final = AdminSettings(may_move=True)


def _plain(value: object) -> object:
    return OFF if value is False else value  # a bare `off` is no text in YAML


def _listen(value: str) -> str:
    if value != OFF:
        split(value)
    return value


def _host(value: str) -> str:
    if _NAME.fullmatch(value) is None:
        raise ValueError("a host is a name such as gatehouse.example.com, without a port")
    return value.lower()


Listen = Annotated[
    str,
    BeforeValidator(_plain),
    AfterValidator(_listen),
    WithJsonSchema(
        {"type": ["string", "boolean"], "pattern": "^(off|.+:[0-9]+)$", "not": {"const": True}}
    ),
]


class AdminDocument(Section):
    """The admin API: keys, usage, caps and registers for those who run the gateway."""

    listen: Listen = DEFAULT_LISTEN
    """Where it listens, apart from the clients' address; "off" for nowhere. Read at start."""
    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = ()
    """Names by which it may be called besides this address: those a proxy before it passes on."""

    def settings(self) -> AdminSettings:
        """As the gateway goes by it."""
        hosts = frozenset(self.hosts)
        if self.listen == OFF:
            return AdminSettings(None, 0, hosts)
        is_chosen = "listen" in self.model_fields_set
        return AdminSettings(*split(self.listen), hosts, may_move=not is_chosen)


def split(listen: str) -> tuple[str, int]:
    """Host and port; an IPv6 address is in brackets. Raises `ValueError` saying what to write."""
    host, colon, port = listen.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65_535:
        raise ValueError(f'write host:port, such as {DEFAULT_LISTEN}, or "{OFF}"')
    try:
        address = ip_address(host.strip("[]"))
        is_sound = is_bracketed == isinstance(address, IPv6Address)
    except ValueError:
        is_sound = not is_bracketed and _NAME.fullmatch(host) is not None
    if not is_sound:
        raise ValueError(f'write host:port, such as {DEFAULT_LISTEN} or [::1]:7071, or "{OFF}"')
    return host.strip("[]"), int(port)
