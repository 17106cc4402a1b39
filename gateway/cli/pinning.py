"""`gatehouse policy rollback` and `resume`: a version instead of the files, and its end."""

from typing import Annotated

import typer

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import AsJson, Config, Data, Server
from gateway.cli.output import note, print_json, print_line
from gateway.cli.ports import Ordered
from gateway.cli.state import state_at
from gateway.cli.stored_versions import PREVIOUS

_MOST_REASON = 400

Reason = Annotated[str, typer.Option(help="Why; it is put on record.")]


def rollback(
    reason: Reason,
    digest: Annotated[
        str, typer.Argument(metavar="[DIGEST]", help="Default: the version before this one.")
    ] = PREVIOUS,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Put a version that was in force in force again, and keep it, whatever the files say."""
    _tell(state_at(server, data).versions.rollback(digest, _reason(reason)), as_json)
    note("The files do not count until `gatehouse policy resume`.")


def resume(
    reason: Reason = "the files count again",
    config: Config = None,
    data: Data = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """End a rollback: what the files say is in force again. Bad files leave all as it is."""
    _tell(state_at(server, data, config).versions.resume(_reason(reason)), as_json)


def _tell(ordered: Ordered, as_json: bool) -> None:
    order, digest = ordered.order, ordered.digest
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
