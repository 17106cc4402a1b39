"""Ask the admin API of a gateway elsewhere, in place of a data folder on this machine."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from gateway.cli.asking import Answer, AnswerLost, Unreachable, ask, gateway_root
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.output import note
from gateway.settings import environment, read_running

URL_VARIABLE: Final = "GATEHOUSE_ADMIN_URL"
KEY_VARIABLE: Final = "GATEHOUSE_ADMIN_KEY"
KEY_FILE_VARIABLE: Final = "GATEHOUSE_ADMIN_KEY_FILE"
PAGE: Final = 1000

_PREFIX: Final = "/admin"
_WAIT_SECONDS: Final = 5.0
_MOST_WAITS: Final = 240
_BUSY_SECONDS: Final = 1.0
_MOST_BUSY: Final = 5
_EXITS: Final = {404: Exit.NOT_FOUND, 422: Exit.USAGE}
_NAMES: Final = frozenset({"unknown_name", "ambiguous_id"})
_OLDER: Final = frozenset({"unknown_path", "method_not_allowed"})
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_MOST_KEY_BYTES: Final = 4096


class Refused(CommandFailed):
    """What the admin API says no with, in its words; `problem` is its stable word for it."""

    def __init__(self, message: str, code: Exit, problem: str) -> None:
        super().__init__(message, code)
        self.problem = problem


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
        answer = self._ask(asked)
        for wait in range(_MOST_WAITS):
            match _told(answer).get("code"):
                case "usage_behind":
                    if wait == 0:
                        note("The gateway sums its ledger, as always when first asked; waiting.")
                    self.sleep(_WAIT_SECONDS)
                case "busy" if wait < _MOST_BUSY:
                    self.sleep(_BUSY_SECONDS)
                case _:
                    break
            answer = self._ask(asked)
        return self._taken(answer)

    def pages(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        """Every page of a list. Raises `CommandFailed`."""
        cursor: object = None
        while True:
            page = self.get(path, limit=PAGE, cursor=cursor, **query)
            yield page
            with self.understood():
                cursor = page["next_cursor"]
            if cursor is None:
                return

    def post(
        self,
        path: str,
        body: Mapping[str, object],
        headers: Mapping[str, str] | None = None,
        *,
        lost: str | None = None,
    ) -> dict[str, Any]:
        """Have something done. Raises `CommandFailed`.

        Where the answer is lost it is asked again, since doing it twice does no harm; where it
        would, `lost` says how to see whether it was done.
        """
        return self._taken(self._ask(path, body, headers, lost))

    @contextmanager
    def understood(self) -> Iterator[None]:
        """Around reading what was told. Raises `CommandFailed` where it has another shape."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CommandFailed(
                f"{self.root} answers in a form that this command does not know: the gateway is "
                "of another version; use the gatehouse of its own"
            ) from error

    def _ask(
        self,
        path: str,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        lost: str | None = None,
    ) -> Answer:
        sent = {"authorization": f"Bearer {self.key}", **(headers or {})}
        where = (self.root, f"{_PREFIX}/v1{path}", sent, body)
        try:
            try:
                return ask(*where)
            except AnswerLost as error:
                if lost is not None:
                    raise CommandFailed(f"{self.root}: {error}; {lost}") from error
                return ask(*where)
        except Unreachable as error:
            raise CommandFailed(
                f"no admin API answers at {self.root}: {error}; it listens on the gateway's own "
                "machine only, unless admin.listen says otherwise"
            ) from error

    def _taken(self, answer: Answer) -> dict[str, Any]:
        told = _told(answer)
        if 200 <= answer.status < 300 and told:
            return told
        if not {"code", "detail"} <= set(told):
            raise CommandFailed(
                f"what answers at {self.root} is no admin API (status {answer.status}); "
                "it listens on a port of its own, 7071 unless admin.listen says otherwise"
            )
        problem = str(told["code"])
        if problem in _OLDER:
            raise CommandFailed(
                f"the gateway at {self.root} cannot do this over its admin API: it is of another "
                "version; use the gatehouse of its own, or type the command on its machine"
            )
        code = Exit.NOT_FOUND if problem in _NAMES else _EXITS.get(answer.status, Exit.FAILED)
        advice = f" (the key is that of {KEY_VARIABLE})" if answer.status == 401 else ""
        raise Refused(f"{self.root}: {told['detail']}{advice}", code, problem)


def part_of_path(name: str, what: str) -> str:
    """An id as it may stand in a path. Raises `CommandFailed` (not found) for what is none."""
    if _ID.fullmatch(name) is None:
        raise CommandFailed(f"there is no {what} {name!r}", Exit.NOT_FOUND)
    return name


def server_for(given: str | None, data: Path | None) -> AdminServer | None:
    """The admin API that a command asks; None: it works on a data folder.

    That which is named, else that of the environment, unless a data folder is named. Raises
    `CommandFailed` (usage).
    """
    if given is not None and data is not None:
        raise CommandFailed("say one of --server and --data", Exit.USAGE)
    url = given or (environment().get(URL_VARIABLE) if data is None else None)
    return None if not url else server_at(url)


def server_at(url: str) -> AdminServer:
    """The admin API of this address, with the key of the environment.

    Raises `CommandFailed` (usage).
    """
    root = gateway_root(url).removesuffix(_PREFIX)
    key = own_key()
    if key is None:
        raise CommandFailed(
            f"no key to ask {root} with: set {KEY_VARIABLE}, or {KEY_FILE_VARIABLE} to the file "
            "that holds it (on the command line others could read it)",
            Exit.USAGE,
        )
    _warn_of_clear_text(root)
    return AdminServer(root, key)


def server_beside(folder: Path) -> AdminServer:
    """The admin API of the gateway that runs on a data folder: some things only it knows.

    Raises `CommandFailed`.
    """
    running = read_running(folder)
    if running is None or not running.is_alive:
        raise CommandFailed(
            f"no gateway runs on {folder}, and only one that runs knows this: start one with "
            "gatehouse up, or name one with --server",
            Exit.NOT_FOUND,
        )
    if running.admin_url is None:
        raise CommandFailed(
            "the admin API of the gateway that runs here is switched off (admin.listen), and only "
            "by it this can be asked",
            Exit.NOT_FOUND,
        )
    return server_at(running.admin_url)


def own_key() -> str | None:
    """The key of whoever types the command, by the environment or the file it names.

    Raises `CommandFailed` (usage) where that cannot be one.
    """
    said_in, key = KEY_VARIABLE, environment().get(KEY_VARIABLE, "").strip()
    named = environment().get(KEY_FILE_VARIABLE, "")
    if not key and named:
        said_in, key = named, _key_in(Path(named).expanduser())
    if not key:
        return None
    if not key.isprintable() or not key.isascii() or " " in key:
        raise CommandFailed(f"{said_in} holds no key", Exit.USAGE)
    return key


def _key_in(file: Path) -> str:
    try:
        with file.open(encoding="ascii", errors="replace") as opened:
            key, mode = opened.read(_MOST_KEY_BYTES).strip(), file.stat().st_mode
    except OSError as error:
        told = f"{KEY_FILE_VARIABLE} names {file}, which cannot be read: {error.strerror}"
        raise CommandFailed(told, Exit.USAGE) from error
    if not key:
        raise CommandFailed(f"{file} holds no key", Exit.USAGE)
    if mode & 0o077:
        note(f"Others on this machine may read the key in {file}: chmod 600 {file}")
    return key


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
