"""Tools of a responses request as chat functions, and the way back to the client's own names.

Chat has neither namespaces nor tools that take plain text: a tool in a namespace gets one long
name, a plain tool becomes a function with one text, `input`.
"""

import hashlib
import re
from typing import Any

import orjson

from providers.translation.hub import (
    Capabilities,
    Json,
    Losses,
    ToolName,
    as_list,
    as_object,
    as_text,
    unsupported,
)

_LONGEST_NAME = 64  # OpenAI's and Anthropic's limit for the name of a function
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_DIGEST_LENGTH = 10
_PLAIN_INPUT: Json = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The tool's input, as it is."}},
    "required": ["input"],
    "additionalProperties": False,
}
_NOT_HERE = (
    "a tool that this model cannot be given; turn it off in your assistant, or ask your platform "
    "team to list it under the vendor's may_drop_tools"
)


def flat_name(name: str, namespace: str | None) -> str:
    """The name of a tool where there are no namespaces: the same each time, and a proper one."""
    if namespace is None:
        return name
    link = "" if namespace.endswith("__") else "__"
    whole = f"{namespace}{link}{name}"
    fit = _UNFIT.sub("_", whole)
    if fit == whole and len(whole) <= _LONGEST_NAME:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{fit[: _LONGEST_NAME - _DIGEST_LENGTH - 1]}_{digest}"


class Tools:
    """The tools of one request. `offered` are chat's; `names` gives the client's name of each."""

    def __init__(self, can: Capabilities, losses: Losses) -> None:
        self.offered: list[Json] = []
        self.names: dict[str, ToolName] = {}
        self._can = can
        self._losses = losses

    def read(self, given: list[Any]) -> None:
        """Read them all. Raises `UnsupportedFeature` for one that the target cannot be given."""
        for at, each in enumerate(given):
            self._read_one(as_object(each, f"tools.{at}"), f"tools.{at}", None)
        if self.offered and "tools" not in self._can.parameters:
            raise unsupported("tools")

    def _read_one(self, tool: Json, at: str, namespace: str | None) -> None:
        kind = tool.get("type")
        if kind == "function":
            self._offer(tool, at, namespace, tool.get("parameters"), is_plain=False)
        elif kind == "custom":
            self._offer(tool, at, namespace, _PLAIN_INPUT, is_plain=True)
        elif kind == "namespace" and namespace is None:
            inner_namespace = as_text(tool.get("name"), f"{at}.name")
            known = ("type", "name", "tools")
            self._losses.note_unknown(tool, known, at="tools.")
            for number, each in enumerate(as_list(tool.get("tools"), f"{at}.tools")):
                where = f"{at}.tools.{number}"
                self._read_one(as_object(each, where), where, inner_namespace)
        elif isinstance(kind, str) and kind in self._can.droppable_tools:
            self._losses.note(f"tools.{kind}")
        else:
            raise unsupported(f"{at}.type", f"{kind} is {_NOT_HERE}")

    def _offer(
        self, tool: Json, at: str, namespace: str | None, parameters: object, *, is_plain: bool
    ) -> None:
        name = as_text(tool.get("name"), f"{at}.name")
        flat = flat_name(name, namespace)
        if flat in self.names:
            raise unsupported(f"{at}.name", "two tools have this name")
        self.names[flat] = ToolName(name, namespace, is_plain)
        function: Json = {"name": flat}
        told = [tool.get("description"), _form_in_words(tool.get("format")) if is_plain else None]
        if said := [as_text(each, f"{at}.description") for each in told if each]:
            function["description"] = "\n\n".join(said)
        if parameters is not None:
            function["parameters"] = as_object(parameters, f"{at}.parameters")
        if isinstance(tool.get("strict"), bool):
            function["strict"] = tool["strict"]
        known = ("type", "name", "description", "parameters", "strict")
        self._losses.note_unknown(tool, known, at="tools.")
        self.offered.append({"type": "function", "function": function})

    def choose(self, choice: object) -> str | Json | None:
        """Chat's form of a tool choice; leaves only those tools on offer that it allows."""
        if isinstance(choice, str) or choice is None:
            return choice if self.offered or choice == "required" else None
        wanted = as_object(choice, "tool_choice")
        kind = wanted.get("type")
        if kind in ("function", "custom"):
            return {"type": "function", "function": {"name": self._chosen(wanted)}}
        if kind != "allowed_tools":
            raise unsupported("tool_choice.type")
        allowed = {
            self._chosen(as_object(each, "tool_choice.tools"))
            for each in as_list(wanted.get("tools"), "tool_choice.tools")
        }
        self.offered = [each for each in self.offered if each["function"]["name"] in allowed]
        return as_text(wanted.get("mode"), "tool_choice.mode")

    def _chosen(self, wanted: Json) -> str:
        namespace = wanted.get("namespace")
        name = as_text(wanted.get("name"), "tool_choice.name")
        flat = flat_name(name, namespace if isinstance(namespace, str) else None)
        if flat not in self.names:
            raise unsupported("tool_choice", "no tool of this request has that name")
        return flat


def _form_in_words(form: object) -> str | None:
    """A grammar cannot be enforced by chat: the model is asked to keep to it."""
    if not isinstance(form, dict) or form.get("type") != "grammar":
        return None
    return f"The input must follow this {form.get('syntax')} grammar:\n{form.get('definition')}"


def plain_input(arguments: str) -> str:
    """The text for a plain tool, from a function's arguments.

    A model that wrote something else than the one text gets its own words judged by the tool.
    """
    try:
        value = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    if isinstance(value, dict) and isinstance(value.get("input"), str):
        return str(value["input"])
    return arguments
