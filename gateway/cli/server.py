"""Ask the admin API of a gateway elsewhere, in place of a data folder on this machine."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from gateway.cli.asking import Answer, Unreachable, ask, gateway_root
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.output import note
from gateway.settings import environment

URL_VARIABLE: Final = "GATEHOUSE_ADMIN_URL"
KEY_VARIABLE: Final = "GATEHOUSE_ADMIN_KEY"
PAGE: Final = 1000

_PREFIX: Final = "/admin"
_WAIT_SECONDS: Final = 5.0
_MOST_WAITS: Final = 240
_EXITS: Final = {404: Exit.NOT_FOUND, 422: Exit.USAGE}


@dataclass(frozen=True, slots=True)
class AdminServer:
    """An admin API, and the key it is asked with. `sleep` waits where it must be asked again."""

    root: str
    key: str = field(repr=False)
    sleep: Callable[[float], None] = time.sleep

    def get(self, path: str, **query: object) -> dict[str, Any]:
        """What a path tells; what is None is not asked. Raises `CommandFailed`."""
        given = {name: value for name, value in query.items() if value is not None}
        asked = f"{path}?{urlencode(given)}" if given else path
        for wait in range(_MOST_WAITS):
            answer = self._ask(asked)
            if _told(answer).get("code") != "usage_behind":
                break
            if wait == 0:
                note("The gateway sums its ledger, as always when somebody first asks; waiting.")
            self.sleep(_WAIT_SECONDS)
        return self._taken(answer)

    def pages(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        """Every page of a list. Raises `CommandFailed`."""
        cursor: object = None
        while True:
            page = self.get(path, limit=PAGE, cursor=cursor, **query)
            yield page
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def post(
        self, path: str, body: Mapping[str, object], headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Have something done. Raises `CommandFailed`."""
        return self._taken(self._ask(path, body, headers))

    def _ask(
        self,
        path: str,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = {"authorization": f"Bearer {self.key}", **(headers or {})}
        try:
            return ask(self.root, f"{_PREFIX}/v1{path}", sent, body)
        except Unreachable as error:
            raise CommandFailed(f"no admin API answers at {self.root}: {error}") from error

    def _taken(self, answer: Answer) -> dict[str, Any]:
        told = _told(answer)
        if 200 <= answer.status < 300 and told:
            return told
        if not {"code", "detail"} <= set(told):
            raise CommandFailed(
                f"what answers at {self.root} is no admin API (status {answer.status}); "
                "it listens on a port of its own, 7071 unless admin.listen says otherwise"
            )
        code = Exit.NOT_FOUND if told["code"] == "unknown_name" else _EXITS.get(answer.status)
        raise CommandFailed(f"{self.root}: {told['detail']}", code or Exit.FAILED)


def server_for(given: str | None, data: Path | None) -> AdminServer | None:
    """The admin API that a command asks; None: it works on a data folder.

    That which is named, else that of the environment, unless a data folder is named. Raises
    `CommandFailed` (usage).
    """
    if given is not None and data is not None:
        raise CommandFailed("say one of --server and --data", Exit.USAGE)
    url = given or (environment().get(URL_VARIABLE) if data is None else None)
    if not url:
        return None
    key = environment().get(KEY_VARIABLE, "").strip()
    if not key:
        raise CommandFailed(
            f"{KEY_VARIABLE} is not set: it holds the key that {url} is asked with "
            "(on the command line others could read it)",
            Exit.USAGE,
        )
    if not key.isprintable() or not key.isascii():
        raise CommandFailed(f"{KEY_VARIABLE} holds no key", Exit.USAGE)
    root = gateway_root(url).removesuffix(_PREFIX)
    _warn_of_clear_text(root)
    return AdminServer(root, key)


def _warn_of_clear_text(root: str) -> None:
    parts = urlsplit(root)
    host = parts.hostname or ""
    try:
        is_here = ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost"
    if parts.scheme == "http" and not is_here:
        note(f"The key goes to {host} in clear text: a proxy that ends TLS gives you https://.")


def _told(answer: Answer) -> dict[str, Any]:
    """The body, where it is a JSON object."""
    try:
        told = json.loads(answer.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
