"""Which plain parameters a translated request may carry, and which it must not lose.

Both client protocols come through here: the wire's own file reads its conversation and tools and
brings its parameters to chat's names, this file keeps what the target can be asked.
"""

from collections.abc import Callable
from typing import Any

from providers.translation.hub import (
    Capabilities,
    Json,
    Losses,
    as_object,
    as_text,
    as_texts,
    unsupported,
)


def _number(value: object, at: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise unsupported(at, "a number is expected")
    return value


def _integer(value: object, at: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise unsupported(at, "a whole number is expected")
    return value


def _boolean(value: object, at: str) -> bool:
    if not isinstance(value, bool):
        raise unsupported(at, "true or false is expected")
    return value


def _stop(value: object, at: str) -> str | list[str]:
    return value if isinstance(value, str) else as_texts(value, at)


def _biases(value: object, at: str) -> Json:
    biases = as_object(value, at)
    if not all(token.isdecimal() for token in biases):
        raise unsupported(at, "its members are token numbers")
    return {token: _number(bias, at) for token, bias in biases.items()}


def _tool_choice(value: object, at: str) -> str | Json:
    if isinstance(value, str) and value in ("auto", "none", "required"):
        return value
    choice = as_object(value, at)
    if choice.get("type") != "function":
        raise unsupported(at)
    name = as_text(as_object(choice.get("function"), at).get("name"), at)
    return {"type": "function", "function": {"name": name}}


def _response_format(value: object, at: str) -> Json:
    given = as_object(value, at)
    kind = given.get("type")
    if kind in ("text", "json_object"):
        return {"type": kind}
    if kind != "json_schema":
        raise unsupported(at)
    schema = as_object(given.get("json_schema"), at)
    known = ("name", "description", "schema", "strict")
    return {"type": kind, "json_schema": {each: schema[each] for each in known if each in schema}}


def _thinking(value: object, at: str) -> Json:
    given = as_object(value, at)
    kept: Json = {"type": as_text(given.get("type"), at)}
    if given.get("budget_tokens") is not None:
        kept["budget_tokens"] = _integer(given["budget_tokens"], at)
    return kept


_READ: dict[str, Callable[[object, str], Any]] = {
    "max_tokens": _integer,
    "max_completion_tokens": _integer,
    "temperature": _number,
    "top_p": _number,
    "n": _integer,
    "stop": _stop,
    "presence_penalty": _number,
    "frequency_penalty": _number,
    "logit_bias": _biases,
    "logprobs": _boolean,
    "top_logprobs": _integer,
    "seed": _integer,
    "user": as_text,
    "tool_choice": _tool_choice,
    "parallel_tool_calls": _boolean,
    "response_format": _response_format,
    "reasoning_effort": as_text,
    "thinking": _thinking,
    "service_tier": as_text,
    "prompt_cache_key": as_text,
}
PARAMETERS = frozenset(_READ)
"""Every parameter that may leave. Conversation and tools are read apart."""

# They change tools, safety or limits: a target that cannot be asked is the wrong target.
NEVER_LOST = frozenset(
    {
        "max_tokens",
        "max_completion_tokens",
        "n",
        "stop",
        "logit_bias",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
    }
)
# What these say holds anyway.
_NEUTRAL: dict[str, tuple[object, ...]] = {
    "n": (1,),
    "stop": ([],),
    "logit_bias": ({},),
    "tool_choice": ("auto",),
    "parallel_tool_calls": (True,),
    "response_format": ({"type": "text"},),
}
TWINS = {"max_completion_tokens": "max_tokens", "max_tokens": "max_completion_tokens"}


def read_parameters(given: Json, can: Capabilities, losses: Losses) -> Json:
    """The parameters of `given` that the target can be asked.

    Raises `UnsupportedFeature` naming a field that would change tools, safety or limits if it
    were lost, or one that is not of its proper form; notes the others it leaves out in `losses`.
    """
    kept: Json = {}
    for name, read in _READ.items():
        if given.get(name) is None:
            continue
        value = read(given[name], name)
        target_name = _name_at_target(name, can)
        if target_name is not None:
            kept.setdefault(target_name, value)
        elif value in _NEUTRAL.get(name, ()):
            continue
        elif name in NEVER_LOST:
            raise unsupported(name)
        else:
            losses.note(name)
    return kept


def _name_at_target(name: str, can: Capabilities) -> str | None:
    if name in can.parameters:
        return name
    twin = TWINS.get(name)
    return twin if twin in can.parameters else None
