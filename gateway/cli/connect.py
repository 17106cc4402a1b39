"""`gatehouse connect`: point an assistant at the gateway by its own settings, and undo it."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.options import AsJson, Data, data_folder
from gateway.cli.output import note, print_json, print_line, print_table
from gateway.cli.up import own_command
from gateway.settings import environment

if TYPE_CHECKING:
    from gateway.cli.assistants.base import Assistant, Connection, Home
    from gateway.cli.connecting.plan import Plan
    from gateway.cli.connecting.record import FileRecord, Records
    from gateway.cli.connecting.setting import SettingsFile


def connect(
    assistant: Annotated[
        str | None, typer.Argument(help="Which one; left out, all of them are listed.")
    ] = None,
    show_only: Annotated[
        bool, typer.Option("--print", help="Show what would be written; change nothing.")
    ] = False,
    show_key: Annotated[
        bool, typer.Option("--show-key", help="With --print: show the key as well.")
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Put the assistant's files back as they were.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(help="The model to use. Default: the first one offered.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="The key to write. Default: a reference to $GATEHOUSE_KEY."),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="The gateway. Default: the one running on the data folder.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Point an assistant at the gateway by its own settings; --undo puts them back."""
    from gateway.cli.assistants import assistant_named
    from gateway.cli.assistants.base import Home
    from gateway.cli.assistants.registered import as_registered
    from gateway.cli.connecting.record import Records

    home = Home(Path.home(), environment())
    records = Records(home.records)
    if show_key and not show_only:
        raise CommandFailed("--show-key goes with --print", Exit.USAGE)
    if assistant is None:
        _list(home, records, as_json)
        return
    chosen = assistant_named(assistant)
    if undo:
        _undo(chosen, records, show_only, as_json)
        return
    connection = _connection(chosen, records, home, (url, key, model), data_folder(data))
    chosen = as_registered(chosen, connection)
    files = _connect(chosen, connection, home, records, is_done=not show_only)
    _tell(chosen, connection, files, as_json, shows_key=show_key, is_done=not show_only)
    _warn(chosen, connection, home)


def _connection(
    assistant: "Assistant",
    records: "Records",
    home: "Home",
    given: tuple[str | None, str | None, str | None],
    data: Path,
) -> "Connection":
    from gateway.cli.asking import models_offered
    from gateway.cli.assistants.base import KEY_VARIABLE, Connection
    from gateway.cli.diagnosis.of_assistant import own_connection
    from gateway.cli.target import chosen_key, chosen_model, chosen_root

    url, key, model = given
    record = records.read(assistant.name)
    remembered, remembered_root = (record.model, record.base_url) if record else (None, None)
    root = chosen_root(url, data, remembered_root)
    if record is not None and not home.environ.get(KEY_VARIABLE):
        key = key or own_connection(assistant, home, root, record.model).key.secret
    secret = chosen_key(key, home.environ)
    offered = models_offered(root, secret.secret)
    model = chosen_model(model, tuple(offered), remembered)
    return Connection(root, model, secret, offered[model])


def _connect(
    assistant: "Assistant",
    connection: "Connection",
    home: "Home",
    records: "Records",
    *,
    is_done: bool,
) -> "Sequence[SettingsFile]":
    """Plan it, and do it if it is to be done; what is written. Says either way what cannot be."""
    from gateway.cli.connecting.carry_out import connect as carry_out
    from gateway.cli.connecting.carry_out import until_not_overtaken
    from gateway.cli.connecting.plan import plan_connecting
    from gateway.cli.connecting.record import Record

    def attempt() -> "Plan":
        files = assistant.files(home, connection)
        plan = plan_connecting(files, records.read(assistant.name))
        root, model, sizes = connection.root, connection.model, connection.sizes
        record = Record(assistant.name, root, model, plan.files, sizes)
        if files and is_done:
            carry_out(plan, record, records)
        return plan

    plan = until_not_overtaken(attempt)
    for kept in plan.kept:
        note(f"left as somebody has changed it: {kept}")
    files = assistant.files(home, connection)
    return [_written(*each) for each in zip(files, plan.files, strict=True)]


def _written(file: "SettingsFile", record: "FileRecord") -> "SettingsFile":
    """The file without the settings that yield to what stands there."""
    paths = {each.path for each in record.changes}
    return replace(file, settings=tuple(each for each in file.settings if each.path in paths))


def _warn(assistant: "Assistant", connection: "Connection", home: "Home") -> None:
    """Say at once what would keep the settings from having effect, here and now."""
    from gateway.cli.diagnosis.of_assistant import examine_kept, examine_surroundings

    kept = examine_kept(assistant, home, connection)
    for finding in (*kept, *examine_surroundings(assistant, home, connection, Path.cwd())):
        note(f"But {finding.text}")


def _undo(assistant: "Assistant", records: "Records", show_only: bool, as_json: bool) -> None:
    from gateway.cli.connecting.carry_out import disconnect, until_not_overtaken
    from gateway.cli.connecting.plan import plan_undoing

    def attempt() -> "Plan":
        record = records.read(assistant.name)
        plan = plan_undoing(record.files if record is not None else ())
        if record is not None and not show_only:
            disconnect(plan, record, records)
        return plan

    was_connected = records.read(assistant.name) is not None
    plan = until_not_overtaken(attempt)
    paths = [str(step.found.path) for step in plan.steps if step.changes_something]
    if as_json:
        told = {"assistant": assistant.name, "connected": show_only and was_connected}
        print_json([{**told, "files": paths, "kept": list(plan.kept)}])
        return
    for path in paths:
        print_line(f"{'would be put back' if show_only else 'put back'}: {path}")
    for kept in plan.kept:
        note(f"left as somebody has changed it: {kept}")
    if not was_connected:
        note(f"{assistant.title} was not connected by this command; nothing to undo")


def _tell(
    assistant: "Assistant",
    connection: "Connection",
    files: "Sequence[SettingsFile]",
    as_json: bool,
    *,
    shows_key: bool,
    is_done: bool,
) -> None:
    steps = list(assistant.steps(connection))
    if as_json:
        told = {
            "assistant": assistant.name,
            "connected": is_done and bool(files),
            "gateway": connection.root,
            "model": connection.model,
            "files": [_file_facts(each, connection, shows_key) for each in files],
            "steps": steps,
        }
        print_json([told])
        return
    for file in files:
        print_line(f"{'wrote' if is_done else 'would write'} {file.path}")
        for name, value in _shown(file, connection, shows_key):
            print_line(f"  {name} = {json.dumps(value, ensure_ascii=False)}")
    if steps:
        print_line("by hand:" if files else f"{assistant.title} is set up by hand:")
    for step in steps:
        print_line(f"  {step}")
    if is_done:
        _say_what_next(assistant, connection, files)


def _say_what_next(
    assistant: "Assistant", connection: "Connection", files: "Sequence[SettingsFile]"
) -> None:
    from gateway.cli.assistants.base import KEY_VARIABLE, refer_to_variable

    if files:
        note(f"{assistant.title} asks {connection.root} for {connection.model} from now on.")
        if refer_to_variable(files):
            note(f"Keep {KEY_VARIABLE} exported in your shell's profile: settings refer to it.")
    note(f"See whether it works with: {own_command(sys.argv[0])} doctor {assistant.name}")


def _file_facts(
    file: "SettingsFile", connection: "Connection", shows_key: bool
) -> dict[str, object]:
    return {"path": str(file.path), "settings": dict(_shown(file, connection, shows_key))}


def _shown(
    file: "SettingsFile", connection: "Connection", shows_key: bool
) -> Iterator[tuple[str, object]]:
    """Each setting with its value; a key only when somebody asked to see it."""
    from gateway.cli.editing.syntax import name_of

    for each in file.settings:
        is_hidden = each.is_secret and not shows_key
        yield name_of(each.path), connection.key.hint if is_hidden else each.value


def _list(home: "Home", records: "Records", as_json: bool) -> None:
    from gateway.cli.assistants import ASSISTANTS

    facts = [_facts(each, home, records) for each in ASSISTANTS]
    if as_json:
        print_json(facts)
        return
    print_table(
        ("ASSISTANT", "NAME", "INSTALLED", "CONNECTED TO", "MODEL"),
        (
            (
                each["assistant"],
                each["title"],
                _installed(each),
                each["gateway"] or "",
                each["model"] or "",
            )
            for each in facts
        ),
    )


def _facts(assistant: "Assistant", home: "Home", records: "Records") -> Mapping[str, object]:
    record = records.read(assistant.name)
    return {
        "assistant": assistant.name,
        "title": assistant.title,
        "command": assistant.command_in(home.environ),
        "has_command": bool(assistant.commands),
        "connected": record is not None,
        "gateway": record.base_url if record is not None else None,
        "model": record.model if record is not None else None,
    }


def _installed(facts: Mapping[str, object]) -> str:
    if not facts["has_command"]:
        return "?"  # a plugin: no command tells
    return "yes" if facts["command"] else "no"
