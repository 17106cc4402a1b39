"""Does the gateway answer, know the key, offer the model, and complete a turn in each protocol?"""

import ipaddress
import json
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import quote, urlsplit

from gateway.cli.asking import Answer, Unreachable, ask
from gateway.cli.diagnosis.finding import Finding, noted, ok, problem
from gateway.cli.diagnosis.turns import TURNS, Heard, Turn, hear
from gateway.cli.offered import Sizes, read_offered
from providers.base import WireName


def examine_way(root: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What stands between this machine and the gateway."""
    parts = urlsplit(root)
    host = parts.hostname or ""
    if parts.scheme == "http" and not _is_loopback(host):
        yield noted("way", f"{root} is not encrypted: key and code travel in the clear; use https")
    wanted = (f"{parts.scheme}_proxy", "all_proxy")
    named = [name for name, value in environ.items() if value and name.lower() in wanted]
    if named and not _is_spared(host, environ):
        yield noted(
            "way",
            f"{', '.join(sorted(named))} is set: assistants may go to {host} through a proxy; "
            f"add {host} to NO_PROXY",
        )


def examine_gateway(root: str) -> Finding:
    """Whether a gateway answers there and would serve."""
    try:
        answer = ask(root, "/readyz", {})
    except Unreachable as error:
        return problem("gateway", f"nobody answers at {root}: {error}; is gatehouse up?")
    if answer.status == 200:
        return ok("gateway", f"{root} answers and serves")
    if answer.status == 503:
        return problem("gateway", f"{root} answers but does not serve now: {_reasons(answer)}")
    return problem("gateway", f"what answers at {root} is not a gateway (status {answer.status})")


def examine_key(root: str, secret: str, hint: str) -> tuple[Finding, Mapping[str, Sizes]]:
    """Whether the key is good, and the models it may use."""
    try:
        answer = ask(root, "/v1/models", {"authorization": f"Bearer {secret}"})
        if answer.status != 200:
            return problem("key", f"the key {hint} is refused: {answer.message}"), {}
        offered = read_offered(answer.body)
    except Unreachable as error:
        return problem("key", f"the gateway did not answer: {error}"), {}
    except ValueError:
        return problem("key", f"what answers at {root} does not list models"), {}
    return ok("key", f"the key {hint} is good"), offered


def examine_models(offered: Collection[str], model: str | None) -> Finding:
    """Whether there are models, and the one that is asked for is among them."""
    if not offered:
        return problem(
            "models", "this key may use no model: name some for its team in gatehouse.yaml"
        )
    if model is not None and model not in offered:
        return problem(
            "models", f"{model} is not offered to this key; there are: {', '.join(offered)}"
        )
    return ok("models", f"models offered: {', '.join(offered)}")


def examine_turns(
    root: str, secret: str, model: str, wires: Collection[WireName] | None
) -> Iterator[Finding]:
    """A real turn in each of these protocols; None: in all, and those not spoken are no problem."""
    for turn in TURNS:
        if wires is None or turn.wire in wires:
            yield _turn(root, secret, model, turn, is_needed=wires is not None)


def _turn(root: str, secret: str, model: str, turn: Turn, *, is_needed: bool) -> Finding:
    path, headers, body = turn.path(quote(model, safe="")), turn.headers(secret), turn.body(model)
    try:
        answer = ask(root, path, headers, body)
        if _is_missing(answer):
            silent = f"{turn.title}: this gateway does not speak it yet ({path.partition('?')[0]})"
            return (problem if is_needed else noted)(turn.wire, silent)
        heard = hear(turn, answer)
        wrong = _what_is_wrong(answer, heard)
        if not wrong and heard.called_the_tool:
            answer = ask(root, path, headers, turn.go_on(body, heard))
            wrong = _what_is_wrong(answer, hear(turn, answer))
            wrong = f"after the tool's result: {wrong}" if wrong else ""
    except Unreachable as error:
        return problem(turn.wire, f"{turn.title}: no answer: {error}")
    if wrong:
        return problem(turn.wire, f"{turn.title}: {wrong}")
    if heard.called_the_tool:
        return ok(turn.wire, f"{turn.title}: a streamed turn with a tool call and its result")
    return noted(
        turn.wire,
        f"{turn.title}: a streamed turn; {model} did not call the tool it was asked to call",
    )


def _what_is_wrong(answer: Answer, heard: Heard) -> str:
    """Empty when nothing is."""
    if answer.status != 200:
        return f"status {answer.status}: {answer.message}"
    if heard.error:
        return f"the answer failed on the way: {heard.error}"
    if not heard.is_whole:
        return "the answer was cut before its end"
    if heard.tool and not heard.called_the_tool:
        return f"the tool call arrived damaged: {heard.tool}"
    return ""


def _is_missing(answer: Answer) -> bool:
    """Whether there is no such endpoint, rather than an endpoint that refuses."""
    if answer.status in (405, 501):
        return True
    try:
        return answer.status == 404 and json.loads(answer.body)["error"]["code"] == "unknown_path"
    except (ValueError, KeyError, TypeError):
        return answer.status == 404


def _reasons(answer: Answer) -> str:
    try:
        report = json.loads(answer.body)
        return ", ".join(f"{name}: {value}" for name, value in report.items() if name != "ready")
    except (ValueError, AttributeError):
        return f"status {answer.status}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_spared(host: str, environ: Mapping[str, str]) -> bool:
    """Whether NO_PROXY names the host, or a domain it is in."""
    entries = [
        each.strip().lstrip("*.")
        for name in ("no_proxy", "NO_PROXY")
        for each in environ.get(name, "").split(",")
        if each.strip()
    ]
    return any(each in ("", host) or host.endswith(f".{each}") for each in entries)
