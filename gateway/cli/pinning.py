"""`gatehouse policy rollback` and `resume`: a version instead of the files, and its end."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.by_whom import now_unix_us
from gateway.cli.configured import AnyName, configuration_path, shipped
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import AsJson, Config, Data, data_folder
from gateway.cli.output import note, print_json, print_line
from gateway.cli.stored_versions import PREVIOUS, in_versions, made_again, stored_version
from gateway.cli.waiting import in_proposals
from gateway.settings import environment, operating_user, read_running

if TYPE_CHECKING:
    from gateway.configuration.build import Configuration
    from gateway.configuration.orders import Order
    from gateway.store.versions import Versions

PATIENCE_SECONDS = 15.0
_POLL_SECONDS = 0.1
_MOST_REASON = 400

Reason = Annotated[str, typer.Option(help="Why; it is put on record.")]


def rollback(
    reason: Reason,
    digest: Annotated[
        str, typer.Argument(metavar="[DIGEST]", help="Default: the version before this one.")
    ] = PREVIOUS,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Put a version that was in force in force again, and keep it, whatever the files say."""
    from gateway.configuration.problems import ConfigurationError

    folder, why = data_folder(data), _reason(reason)
    stored = stored_version(folder, digest)
    try:
        wanted = made_again(stored)
    except ConfigurationError as error:
        raise CommandFailed(str(error), Exit.CONFIGURATION) from error
    if not _is_running(folder):
        _refuse_unapproved(folder, wanted, why)
    order = _carried_out(folder, stored.digest, why)
    _tell(order, stored.digest, as_json)
    note("The files do not count until `gatehouse policy resume`.")


def resume(
    reason: Reason = "the files count again",
    config: Config = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """End a rollback: what the files say is in force again. Bad files leave all as it is."""
    folder, why = data_folder(data), _reason(reason)

    async def pinned(kept: "Versions") -> "Order | None":
        return (await kept.standing()).pin

    if in_versions(folder, pinned) is None:
        raise CommandFailed("no version is pinned: the files count already", Exit.NOT_FOUND)
    path = configuration_path(config, folder, Path.cwd())
    digest = None if path is None else _checked(path)
    _tell(_carried_out(folder, None, why), digest, as_json)


def _checked(path: Path) -> str:
    """The digest of what the files say. Raises `CommandFailed` where they are bad."""
    from gateway.configuration.build import load
    from gateway.configuration.problems import ConfigurationError

    anything = AnyName(environment())
    try:
        return load(path, anything, shipped(), unlock=None).digest
    except ConfigurationError as error:
        told = f"{error}\nThe files are bad, so the pin holds on."
        raise CommandFailed(told, Exit.CONFIGURATION) from error


def _carried_out(folder: Path, digest: str | None, reason: str) -> "Order":
    """Order it, and wait until a running gateway has done so. Raises `CommandFailed`."""
    is_running = _is_running(folder)

    async def give(kept: "Versions") -> "tuple[Order, str, str | None]":
        from gateway.store.changes import Actor

        by = Actor.os_user(operating_user())
        if not is_running:
            return await kept.order_at_once(digest, reason, by), "taken", None
        order = await kept.order(digest, reason, by)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (answer := await kept.answer_to(order))[0] == "asked":
            if time.monotonic() > deadline:
                await kept.refuse(order, "no gateway took it")
            await asyncio.sleep(_POLL_SECONDS)
        return order, *answer

    order, state, answer = in_versions(folder, give)
    if state == "refused":
        raise CommandFailed(f"nothing was changed: {answer}", Exit.FAILED)
    if not is_running:
        note("No gateway runs on this data folder; the next one starts so.")
    return order


def _is_running(folder: Path) -> bool:
    running = read_running(folder)
    return running is not None and running.is_alive


def _refuse_unapproved(folder: Path, wanted: "Configuration", reason: str) -> None:
    """Where people have to approve it, propose it. A gateway that runs does so itself."""
    from gateway.configuration.orders import Order

    order = Order(0, wanted.digest, reason, "os_user", operating_user(), now_unix_us())
    told = in_proposals(folder, lambda kept: kept.held_back(wanted, order))
    if told is not None:
        again = f"then order it again: gatehouse policy rollback {wanted.digest[:12]}"
        raise CommandFailed(f"nothing was changed: {told}; {again}", Exit.FAILED)


def _tell(order: "Order", digest: str | None, as_json: bool) -> None:
    if as_json:
        told = {"order": order.number, "digest": digest, "pinned": order.digest is not None}
        print_json([{**told, "reason": order.reason, "by": order.by}])
        return
    version = "" if digest is None else f" version {digest[:12]}"
    print_line(f"in force:{version}" + ("" if order.digest is not None else ", from the files"))


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not reason or len(reason) > _MOST_REASON:
        raise CommandFailed(f"give a reason of 1 to {_MOST_REASON} characters", Exit.USAGE)
    return reason
