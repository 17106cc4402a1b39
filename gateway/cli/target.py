"""Which gateway, with which key, for which model: from options, surroundings and what runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.cli.asking import gateway_root
from gateway.cli.assistants.base import KEY_VARIABLE, Key
from gateway.cli.exits import CommandFailed, Exit
from gateway.settings import read_running


def chosen_key(given: str | None, environ: Mapping[str, str]) -> Key:
    """The key named, else `$GATEHOUSE_KEY`. Raises `CommandFailed` (usage) without either."""
    held = environ.get(KEY_VARIABLE, "").strip()
    secret = (given or held).strip()
    if not secret:
        raise CommandFailed(
            f"say which key: export {KEY_VARIABLE}, or use --key; gatehouse key create makes one",
            Exit.USAGE,
        )
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise CommandFailed("the key has a character that no key has", Exit.USAGE)
    return Key(secret, is_in_environment=secret == held)


def chosen_root(url: str | None, data: Path, remembered: str | None) -> str:
    """The address named, else of the gateway running on the data folder, else that of before.

    Raises `CommandFailed` when there is none.
    """
    if url is not None:
        return gateway_root(url)
    running = read_running(data)
    if running is not None and running.is_alive:
        return gateway_root(running.base_url)
    if remembered is not None:
        return remembered
    raise CommandFailed(
        f"no gateway runs on {data}: start one with gatehouse up, or name one with --url",
        Exit.NOT_FOUND,
    )


def chosen_model(given: str | None, offered: Sequence[str], remembered: str | None) -> str:
    """The model named, else the one of before, else the first. Raises `CommandFailed`."""
    if not offered:
        raise CommandFailed(
            "this key may use no model; name some for its team in gatehouse.yaml", Exit.NOT_FOUND
        )
    if given is None:
        return next((each for each in offered if each == remembered), offered[0])
    if given not in offered:
        raise CommandFailed(
            f"model {given!r} is not offered to this key; there are: {', '.join(offered)}",
            Exit.NOT_FOUND,
        )
    return given
