"""Do an assistant's files point at this gateway, and what else has a say in it?"""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from gateway.cli.assistants.base import (
    KEY_VARIABLE,
    Assistant,
    Connection,
    Home,
    Key,
    refer_to_variable,
)
from gateway.cli.connecting.disk import look
from gateway.cli.connecting.plan import syntax_of
from gateway.cli.connecting.setting import Setting, SettingsFile
from gateway.cli.connecting.text import decoded
from gateway.cli.diagnosis.finding import Finding, noted, ok, problem
from gateway.cli.editing import Syntax, Unreadable
from gateway.cli.editing.syntax import ABSENT, Item, find, name_of
from gateway.cli.exits import CommandFailed
from gateway.cli.offered import UNKNOWN, Sizes
from gateway.virtual_key import is_well_formed

_VERSION: Final = re.compile(r"(?<![\w.])(\d+)\.(\d+)\.(\d+)")
_VERSION_SECONDS: Final = 20.0


def own_connection(
    assistant: Assistant, home: Home, root: str, model: str, sizes: Sizes = UNKNOWN
) -> Connection:
    """As connecting would make it, with the key that the assistant has: written, or referred to."""
    unknown = Connection(root, model, Key("", is_in_environment=False), sizes)
    for file in assistant.files(home, unknown):
        tree = _tree(file.path, file.syntax)
        for setting in file.settings:
            found = find(tree, setting.path)
            # A vendor's own key, of one who is not connected, is nothing for a gateway.
            if setting.is_secret and isinstance(found, str) and is_well_formed(found):
                return replace(unknown, key=Key(str(found), is_in_environment=False))
    return replace(unknown, key=Key(home.environ.get(KEY_VARIABLE, ""), is_in_environment=True))


def examine_settings(assistant: Assistant, home: Home, connection: Connection) -> Iterator[Finding]:
    """Whether each file says what connecting writes. No value is shown but an address."""
    files = assistant.files(home, connection)
    if not files:
        yield noted("settings", "they are set by hand, where this command cannot look")
    for file in files:
        try:
            differing = list(_differing(file, connection))
        except (Unreadable, CommandFailed) as error:
            yield problem("settings", f"{file.path}: {error}")
            continue
        if differing:
            told = "; ".join(differing)
            yield problem(
                "settings", f"{file.path}: {told}; run gatehouse connect {assistant.name}"
            )
        else:
            yield ok("settings", f"{file.path} points at {connection.root}")
    if refer_to_variable(files):
        yield from _examine_variable(home.environ)


def examine_kept(assistant: Assistant, home: Home, connection: Connection) -> Iterator[Finding]:
    """What connecting leaves as its user has set it, and what that costs."""
    for file in assistant.files(home, connection):
        tree = _tree(file.path, file.syntax)
        for setting in file.settings:
            present = find(tree, setting.path)
            if setting.otherwise and present not in (ABSENT, setting.value):
                name = name_of(setting.path)
                yield noted("kept", f"{file.path} has a {name} of yours: {setting.otherwise}")


def examine_surroundings(
    assistant: Assistant, home: Home, connection: Connection, project: Path
) -> Iterator[Finding]:
    """Variables of this shell and files of this project that win over the user's files."""
    fitting = {connection.root, connection.v1, connection.model, connection.key.secret}
    for name in assistant.overrides:
        if home.environ.get(name) and home.environ[name] not in fitting:
            yield problem("surroundings", f"{name} is set in this shell and wins: unset {name}")
    wanted = [each for file in assistant.files(home, connection) for each in file.settings]
    for each in assistant.project_files:
        path = project / each
        if project != home.folder and path.is_file():
            yield from _examine_project_file(path, wanted)


def examine_version(assistant: Assistant, environ: Mapping[str, str]) -> Iterator[Finding]:
    """The installed version, by the assistant's own word, against those known to be bad."""
    if not assistant.commands:
        return
    found = assistant.command_in(environ)
    if found is None:
        yield noted("version", f"{' or '.join(assistant.commands)} is not installed here")
        return
    match = _VERSION.search(_told_version(found, environ))
    if match is None:
        yield noted("version", f"{found} does not say its version")
        return
    version = tuple(map(int, match.groups()))
    for bad in assistant.known_bad:
        if bad.first <= version < bad.fixed:
            fixed = ".".join(map(str, bad.fixed))
            yield problem("version", f"{match[0]} {bad.reason}: use {fixed} or newer")
            return
    yield ok("version", f"{assistant.title} {match[0]}")


def examine_window(assistant: Assistant, model: str, sizes: Sizes) -> Iterator[Finding]:
    """Whether the gateway could tell how much the model takes in, where that can be set."""
    if assistant.assumes and sizes.window_tokens is None:
        yield noted(
            "window",
            f"the gateway does not know how many tokens {model} takes in: {assistant.assumes}; "
            "have its context_window put into gatehouse.yaml, then connect again",
        )


def explain(assistant: Assistant, *, is_connected: bool) -> Iterator[Finding]:
    """What an address that is not the vendor's costs in this assistant, and what we restored."""
    for each in assistant.restored if is_connected else ():
        yield ok("restored", each)
    for each in assistant.costs:
        yield noted("cost", each)


def _differing(file: SettingsFile, connection: Connection) -> Iterator[str]:
    found = look(file.path)
    if found.content is None:
        yield "it is not there"
        return
    tree = file.syntax.read(decoded(found.content).text)
    for setting in file.settings:
        present = find(tree, setting.path)
        if setting.yields or _says(present, setting):
            continue
        name = name_of(setting.path)
        if present is ABSENT:
            yield f"{name} is missing"
        elif setting.value in (connection.root, connection.v1) and not setting.is_secret:
            yield f"{name} is {present}"
        else:
            yield f"{name} says something else"


def _says(present: object, setting: Setting) -> bool:
    """An element of a list may have grown since; anything else is what was written."""
    if isinstance(setting.path[-1], Item) and isinstance(present, Mapping):
        wanted = setting.value if isinstance(setting.value, Mapping) else {}
        return all(present.get(name) == value for name, value in wanted.items())
    return present == setting.value


def _examine_variable(environ: Mapping[str, str]) -> Iterator[Finding]:
    if environ.get(KEY_VARIABLE):
        yield ok("key", f"the settings refer to {KEY_VARIABLE}, which is set in this shell")
    else:
        yield problem(
            "key",
            f"the settings refer to {KEY_VARIABLE}, which is not set in this shell: "
            "export it in your shell's profile",
        )


def _examine_project_file(path: Path, wanted: list[Setting]) -> Iterator[Finding]:
    tree = _tree(path, syntax_of(path))
    winning = [
        name_of(each.path) for each in wanted if find(tree, each.path) not in (ABSENT, each.value)
    ]
    if winning:
        yield problem("surroundings", f"{path} wins here: it sets {', '.join(winning)}")


def _tree(path: Path, syntax: Syntax) -> object:
    """What a file says; nothing where there is none, or it cannot be read."""
    try:
        return syntax.read(decoded(look(path).content).text)
    except (Unreadable, CommandFailed):
        return {}


def _told_version(command: str, environ: Mapping[str, str]) -> str:
    # Without the key: to say its version an assistant needs none.
    surroundings = {name: value for name, value in environ.items() if name != KEY_VARIABLE}
    try:
        ran = subprocess.run(  # noqa: S603  # a program of this user's, by its full path
            [command, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_VERSION_SECONDS,
            check=False,
            env=surroundings,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (ran.stdout + b"\n" + ran.stderr).decode("utf-8", errors="replace")
