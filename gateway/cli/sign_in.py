"""`gatehouse login`, `token`, `whoami`, `logout`: one's own session at a gateway."""

import socket
import sys
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.asking import gateway_root
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import AsJson, Data, data_folder
from gateway.cli.output import note, print_json, print_line
from gateway.settings import environment, gateway_key, read_running

if TYPE_CHECKING:
    from gateway.cli.signed_in import SessionFile, SignedIn

Server = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help="The gateway. Default: where one signed in last."),
]


def login(
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="The gateway. Default: the one running here, else the last one."
        ),
    ] = None,
    team: Annotated[
        str | None, typer.Option(help="The team to work for, if you are in several.")
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser here.")
    ] = True,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Sign in at a gateway in a browser; its tokens are kept for this user of this machine."""
    from gateway.cli import device_flow

    root = _root(server, data_folder(data))
    device_flow.refuse_in_the_clear(root)
    code = device_flow.begin(root, socket.gethostname(), team)
    note(f"Open {code.page}")
    note(f"and type the code {code.user_code}")
    if browser and sys.stderr.isatty():
        webbrowser.open(code.page_with_code)
    session = device_flow.wait(root, code)
    file = _file()
    with file.locked():
        file.write(file.read().with_one(session))
    if as_json:
        print_json([_facts(session)])
        return
    note(f"Signed in as {session.subject} at {root}; gatehouse token prints an access token.")


def token(server: Server = None) -> None:
    """Print a valid access token, a new one where the last is nearly over: for key helpers."""
    print_line(_fresh(server).access_token)


def whoami(server: Server = None, as_json: AsJson = False) -> None:
    """Say who one is at the gateway: by the session, or by $GATEHOUSE_KEY with --server."""
    from gateway.cli import device_flow

    key = gateway_key(environment())
    if key and server is not None and gateway_root(server) not in _file().read().sessions:
        told = device_flow.who(gateway_root(server), key)
    else:
        session = _fresh(server)
        told = device_flow.who(session.server, session.access_token)
    if as_json:
        print_json([told])
        return
    print_line(f"{told.get('sub')} of team {told.get('team')}, {', '.join(told.get('roles', ()))}")


def logout(server: Server = None) -> None:
    """End one's session at the gateway, and forget its tokens here."""
    from gateway.cli import device_flow

    file = _file()
    with file.locked():
        kept = file.read()
        session = kept.of(None if server is None else gateway_root(server))
        try:
            device_flow.revoke(session)
        except CommandFailed as failed:
            note(f"But the gateway could not be told: {failed.message}")
        file.write(kept.without(session.server))
    note(f"Signed out of {session.server}")


def _root(server: str | None, data: Path) -> str:
    if server is not None:
        return gateway_root(server)
    running = read_running(data)
    if running is not None and running.is_alive:
        return gateway_root(running.base_url)
    last = _file().read().default
    if last is None:
        raise CommandFailed("say where to sign in, with --server https://...", Exit.USAGE)
    return last


def _fresh(server: str | None) -> "SignedIn":
    """The session, with an access token that holds for a minute at least."""
    from gateway.cli import device_flow

    file, root = _file(), None if server is None else gateway_root(server)
    session = file.read().of(root)
    if device_flow.is_fresh(session, time.time()):
        return session
    with file.locked():
        kept = file.read()  # another may have refreshed it while we waited
        session = kept.of(root)
        if device_flow.is_fresh(session, time.time()):
            return session
        try:
            session = device_flow.refresh(session)
        except device_flow.SignInOver:
            file.write(kept.without(session.server))
            raise
        file.write(kept.refreshed(session))
    return session


def _file() -> "SessionFile":
    from gateway.cli.signed_in import SessionFile

    return SessionFile(environment())


def _facts(session: "SignedIn") -> dict[str, object]:
    return {
        "server": session.server,
        "user": session.subject,
        "session": session.session_id,
    }
