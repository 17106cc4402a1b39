"""What `gatehouse up` says once it serves: what to type next, and where things are."""

import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from gateway.cli.output import printable
from gateway.settings import OfferedModel, Ready

_MODELS_SHOWN = 8
# Each was run against a gateway: one call a denial, no silent repeat of a cut stream, no calls
# home, no line in the prompt that differs by machine, the model list from the gateway.
_CLAUDE_CODE_SWITCHES = (
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS",
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK",
)


def welcome(ready: Ready, default_data: Path, command: str) -> list[RenderableType]:
    """Lines to print without wrapping: parts of them are to be pasted into a shell.

    `default_data` is the folder commands use when nobody names one; any other is named.
    `command` is how this shell reaches the command line.
    """
    data = "" if ready.data == default_data else f" --data {shlex.quote(str(ready.data))}"
    lines: list[RenderableType] = [Text(f"Gatehouse serves at {ready.base_url}", style="bold")]
    lines += [Text(printable(note)) for note in ready.notes]
    lines += _keys(ready, f"{command} key create{data}")
    lines += _models(ready.models, f"{command} models{data}")
    if ready.models:
        model = ready.models[0].name
        lines += _curl(ready, model)
        lines += _join(ready, f"{command} connect", data)
        lines += _claude_code(ready, model)
        lines += _aider(ready, model)
    lines += _section("What happens, as the audit has it")
    lines += _pasted(f"{command} audit tail{data} --follow")
    lines += _section("Where things are")
    lines.append(Text(printable(f"  data           {ready.data}")))
    configuration = ready.config_path or "none: the embedded default (see docs/cli.md)"
    lines.append(Text(printable(f"  configuration  {configuration}")))
    if ready.admin_url is not None:
        lines.append(Text(f"  admin API      {ready.admin_url}/admin/v1/docs"))
    return lines


def _section(title: str) -> Iterator[RenderableType]:
    yield Text("")
    yield Text(title, style="bold")


def _pasted(*lines: str) -> Iterator[RenderableType]:
    for line in lines:
        yield Text("  " + printable(line), style="cyan")


def _keys(ready: Ready, create: str) -> Iterator[RenderableType]:
    if ready.admin_key is not None or ready.developer_key is not None:
        yield from _section("Keys, shown this once")
        if ready.admin_key is not None:
            yield Text(f"  administrator  {ready.admin_key}")
        if ready.developer_key is not None:
            team = printable(ready.developer_team)
            yield Text(f"  developer      {ready.developer_key}  (team {team})")
        return
    yield from _section("Your key")
    yield Text("  Below it is $GATEHOUSE_KEY; make another with")
    yield from _pasted(f"{create} --team {shlex.quote(ready.developer_team)} --user NAME")


def _models(models: Sequence[OfferedModel], command: str) -> Iterator[RenderableType]:
    yield from _section("Models offered")
    width = max((len(each.name) for each in models[:_MODELS_SHOWN]), default=0)
    for each in models[:_MODELS_SHOWN]:
        yield Text(printable(f"  {each.name:<{width}}  by {', '.join(each.targets)}"))
    if len(models) > _MODELS_SHOWN:
        yield Text(f"  and {len(models) - _MODELS_SHOWN} more: {command}")
    if not models:
        yield Text("  none: name some under `models:` in gatehouse.yaml, and let a team use them")


def _key(ready: Ready) -> str:
    return ready.developer_key or "$GATEHOUSE_KEY"


def _curl(ready: Ready, model: str) -> Iterator[RenderableType]:
    body = {"model": model, "messages": [{"role": "user", "content": "Say hello."}]}
    yield from _section("Try it")
    yield from _pasted(
        f"curl {ready.base_url}/v1/chat/completions \\",
        f'  -H "authorization: Bearer {_key(ready)}" -H "content-type: application/json" \\',
        f"  -d {shlex.quote(json.dumps(body))}",
    )


def _join(ready: Ready, command: str, data: str) -> Iterator[RenderableType]:
    yield from _section("Join with an assistant (--undo puts its settings back)")
    if ready.developer_key is not None:
        yield from _pasted(f"export GATEHOUSE_KEY={ready.developer_key}")
    yield from _pasted(f"{command} claude-code{data}", f"{command}{data}    # lists the others")


def _claude_code(ready: Ready, model: str) -> Iterator[RenderableType]:
    name = shlex.quote(model)
    yield from _section("Claude Code, in this shell only")
    yield from _pasted(
        "unset ANTHROPIC_API_KEY",  # it would go along, and two different keys are refused
        f"export ANTHROPIC_BASE_URL={ready.base_url} ANTHROPIC_AUTH_TOKEN={_key(ready)}",
        f"export ANTHROPIC_MODEL={name} ANTHROPIC_DEFAULT_HAIKU_MODEL={name}",
        "export " + " ".join(f"{switch}=1" for switch in _CLAUDE_CODE_SWITCHES),
        "export CLAUDE_CODE_ATTRIBUTION_HEADER=0 CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY=1",
        "claude",
    )


def _aider(ready: Ready, model: str) -> Iterator[RenderableType]:
    yield from _section("aider, or any other OpenAI client")
    yield from _pasted(
        f"export OPENAI_API_BASE={ready.base_url}/v1 OPENAI_API_KEY={_key(ready)}",
        f"aider --model {shlex.quote('openai/' + model)} --no-check-update --analytics-disable",
    )
