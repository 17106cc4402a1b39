"""`gatehouse doctor`: what works between an assistant and the gateway, and what it costs."""

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import AsJson, Data, data_folder
from gateway.cli.output import note, print_json, print_line
from gateway.settings import environment

if TYPE_CHECKING:
    from gateway.cli.assistants.base import Assistant, Connection, Home
    from gateway.cli.connecting.record import Record
    from gateway.cli.diagnosis.finding import Finding
    from gateway.cli.offered import Sizes
    from providers.base import WireName


def doctor(
    assistant: Annotated[
        str | None,
        typer.Argument(help="Which one; left out, the gateway and all that are connected."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The model to ask. Default: the one it is connected to.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="The key to try. Default: the assistant's own, else $GATEHOUSE_KEY."),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="The gateway. Default: the one it is connected to.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Try the gateway as an assistant would, and look at the assistant's settings."""
    from gateway.cli.assistants import ASSISTANTS, assistant_named
    from gateway.cli.assistants.base import Home
    from gateway.cli.connecting.record import Records
    from gateway.cli.diagnosis.finding import Verdict

    home = Home(Path.home(), environment())
    records = Records(home.records)
    if assistant is None:
        connected = [(each, records.read(each.name)) for each in ASSISTANTS]
        patients = [(each, record) for each, record in connected if record is not None]
        root = url or _shared_root([record for _, record in patients])
        connection = _connection(None, None, home, (root, key, model), data_folder(data))
        findings = _examine_all(patients, connection, home)
    else:
        chosen = assistant_named(assistant)
        record = records.read(assistant)
        connection = _connection(chosen, record, home, (url, key, model), data_folder(data))
        findings = _examine_one(chosen, connection, home)
    problems = 0
    for finding in findings:
        problems += finding.verdict is Verdict.PROBLEM
        _tell(finding, as_json)
    if problems:
        note(f"{problems} problem{'s' * (problems != 1)} found")
        raise typer.Exit(Exit.FAILED)


def _shared_root(records: "Sequence[Record]") -> str | None:
    """The gateway that all are connected to; None when none is. Raises `CommandFailed`."""
    roots = sorted({record.base_url for record in records})
    if len(roots) > 1:
        raise CommandFailed(
            f"assistants here have several gateways: name one with --url: {', '.join(roots)}",
            Exit.USAGE,
        )
    return roots[0] if roots else None


def _connection(
    assistant: "Assistant | None",
    record: "Record | None",
    home: "Home",
    given: tuple[str | None, str | None, str | None],
    data: Path,
) -> "Connection":
    """The gateway to try: by options, by what the assistant is connected to, by what runs here."""
    from gateway.cli.assistants.base import Connection
    from gateway.cli.diagnosis.of_assistant import own_connection
    from gateway.cli.offered import UNKNOWN
    from gateway.cli.target import chosen_key, chosen_root

    url, key, model = given
    if record is not None:
        url, model = url or record.base_url, model or record.model
    root = chosen_root(url, data, None)
    if assistant is not None and key is None:
        key = own_connection(assistant, home, root, "").key.secret or None
    sizes = record.sizes if record is not None and record.model == model else UNKNOWN
    return Connection(root, model or "", chosen_key(key, home.environ), sizes)


def _examine_one(
    assistant: "Assistant", connection: "Connection", home: "Home"
) -> "Iterator[Finding]":
    from gateway.cli.diagnosis.finding import Verdict
    from gateway.cli.diagnosis.of_assistant import examine_window, explain

    offered = yield from _examine_gateway(connection, home, assistant.wires)
    model = connection.model or next(iter(offered), "")
    sizes = offered.get(model, connection.sizes)
    is_connected = True
    for finding in _examine_assistant(assistant, connection.root, (model, sizes), home):
        is_connected &= finding.about != "settings" or finding.verdict is Verdict.OK
        yield finding
    if model in offered:
        yield from examine_window(assistant, model, sizes)
    yield from explain(assistant, is_connected=is_connected)


def _examine_all(
    patients: "Sequence[tuple[Assistant, Record]]", connection: "Connection", home: "Home"
) -> "Iterator[Finding]":
    offered = yield from _examine_gateway(connection, home, None)
    for assistant, record in patients:
        asked = (record.model, offered.get(record.model, record.sizes))
        for finding in _examine_assistant(assistant, connection.root, asked, home):
            yield replace(finding, text=f"{assistant.title}: {finding.text}")


def _examine_gateway(
    connection: "Connection", home: "Home", wires: "Collection[WireName] | None"
) -> "Generator[Finding, None, Mapping[str, Sizes]]":
    """Stops at the first thing without which the next cannot work; gives the models offered."""
    from gateway.cli.diagnosis import of_gateway
    from gateway.cli.diagnosis.finding import Verdict

    root, key, model = connection.root, connection.key, connection.model
    yield from of_gateway.examine_way(root, home.environ)
    answers = of_gateway.examine_gateway(root)
    yield answers
    if answers.verdict is Verdict.PROBLEM:
        return {}
    good, offered = of_gateway.examine_key(root, key.secret, key.hint)
    yield good
    if good.verdict is Verdict.PROBLEM:
        return offered
    models = of_gateway.examine_models(offered, model or None)
    yield models
    if models.verdict is Verdict.OK:
        model = model or next(iter(offered))
        yield from of_gateway.examine_turns(root, key.secret, model, wires)
    return offered


def _examine_assistant(
    assistant: "Assistant", root: str, asked: "tuple[str, Sizes]", home: "Home"
) -> "Iterator[Finding]":
    from gateway.cli.diagnosis import of_assistant

    connection = of_assistant.own_connection(assistant, home, root, *asked)
    yield from of_assistant.examine_version(assistant, home.environ)
    yield from of_assistant.examine_settings(assistant, home, connection)
    yield from of_assistant.examine_kept(assistant, home, connection)
    yield from of_assistant.examine_surroundings(assistant, home, connection, Path.cwd())


def _tell(finding: "Finding", as_json: bool) -> None:
    if as_json:
        told = {"about": finding.about, "verdict": finding.verdict, "text": finding.text}
        print_json([told])
    else:
        print_line(f"{finding.verdict:8} {finding.text}")
