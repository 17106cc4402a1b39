"""Messages to hub: an Anthropic messages request as an OpenAI chat request."""

from providers.translation.hub import (
    Capabilities,
    ChatRequest,
    Json,
    Losses,
    as_list,
    as_object,
    as_text,
    as_texts,
    cache_mark,
    unsupported,
)
from providers.translation.messages_history import History
from providers.translation.parameters import read_parameters

_READ = {
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "max_tokens",
    "stop_sequences",
    "temperature",
    "top_p",
    "thinking",
    "output_config",
    "output_format",
    "stream",
}
# They put tools or a machine behind the answer that only Anthropic has.
_REFUSED = ("mcp_servers", "container")


def read_messages(body: Json, can: Capabilities) -> ChatRequest:
    """The request in the hub's form.

    Raises `UnsupportedFeature` naming what cannot be carried and must not be lost.
    """
    losses = Losses()
    for name in _REFUSED:
        if body.get(name):
            raise unsupported(name)
    losses.note_unknown(body, (*_READ, *_REFUSED))
    fields = read_parameters(_parameters(body, can, losses), can, losses)
    history = History(can, losses)
    fields["messages"] = [
        *_system(body.get("system"), can, losses),
        *history.read(as_list(body.get("messages"), "messages")),
    ]
    if body.get("tools"):
        if "tools" not in can.parameters:
            raise unsupported("tools")
        fields["tools"] = [
            _tool(each, f"tools.{at}", can, losses)
            for at, each in enumerate(as_list(body["tools"], "tools"))
        ]
    return ChatRequest(fields, losses)


def _parameters(body: Json, can: Capabilities, losses: Losses) -> Json:
    """Messages' parameters under chat's names."""
    named: Json = {each: body.get(each) for each in ("max_tokens", "temperature", "top_p")}
    if body.get("stop_sequences"):
        named["stop"] = as_texts(body["stop_sequences"], "stop_sequences")
    thinking = body.get("thinking")
    if isinstance(thinking, dict):
        losses.note_unknown(thinking, ("type", "budget_tokens"), at="thinking.")
        if can.anthropic or thinking.get("type") in ("enabled", "disabled"):
            named["thinking"] = thinking
        else:  # `adaptive`: the model decides, which is what others do when nothing is said
            losses.note("thinking")
    if body.get("tool_choice") is not None:
        named.update(_tool_choice(as_object(body["tool_choice"], "tool_choice")))
    named.update(_output(body, losses))
    return named


def _tool_choice(choice: Json) -> Json:
    kind = choice.get("type")
    named: Json = {}
    if kind in ("auto", "none"):
        named["tool_choice"] = kind
    elif kind == "any":
        named["tool_choice"] = "required"
    elif kind == "tool":
        name = as_text(choice.get("name"), "tool_choice.name")
        named["tool_choice"] = {"type": "function", "function": {"name": name}}
    else:
        raise unsupported("tool_choice")
    if choice.get("disable_parallel_tool_use") is True:
        named["parallel_tool_calls"] = False
    return named


def _output(body: Json, losses: Losses) -> Json:
    """A demanded form of the answer; the effort has no counterpart that all engines share."""
    wanted = body.get("output_format")
    config = body.get("output_config")
    if isinstance(config, dict):
        losses.note_unknown(config, ("format",), at="output_config.")
        wanted = config.get("format", wanted)
    if wanted is None:
        return {}
    form = as_object(wanted, "output_format")
    if form.get("type") != "json_schema":
        raise unsupported("output_format")
    schema = as_object(form.get("schema"), "output_format.schema")
    named = {"name": "answer", "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def _system(value: object, can: Capabilities, losses: Losses) -> list[Json]:
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [{"role": "system", "content": value}]
    parts: list[Json] = []
    for at, each in enumerate(as_list(value, "system")):
        block = as_object(each, f"system.{at}")
        if block.get("type") != "text":
            raise unsupported(f"system.{at}.type")
        losses.note_unknown(block, ("type", "text", "cache_control"), at="system.")
        part: Json = {"type": "text", "text": as_text(block.get("text"), f"system.{at}.text")}
        mark = cache_mark(block.get("cache_control"))
        if mark is not None and can.anthropic:
            part["cache_control"] = mark
        elif block.get("cache_control") is not None:
            losses.note("cache_control")
        parts.append(part)
    if can.anthropic:
        return [{"role": "system", "content": parts}] if parts else []
    text = "\n\n".join(part["text"] for part in parts)
    return [{"role": "system", "content": text}] if text else []


def _tool(value: object, at: str, can: Capabilities, losses: Losses) -> Json:
    tool = as_object(value, at)
    if tool.get("type") not in (None, "custom"):
        raise unsupported(f"{at}.type", "only tools that the client runs itself can be carried")
    function: Json = {"name": as_text(tool.get("name"), f"{at}.name")}
    if tool.get("description") is not None:
        function["description"] = as_text(tool["description"], f"{at}.description")
    function["parameters"] = as_object(tool.get("input_schema"), f"{at}.input_schema")
    if isinstance(tool.get("strict"), bool):
        function["strict"] = tool["strict"]
    losses.note_unknown(
        tool,
        ("type", "name", "description", "input_schema", "strict", "cache_control"),
        at="tools.",
    )
    kept: Json = {"type": "function", "function": function}
    mark = cache_mark(tool.get("cache_control"))
    if mark is not None and can.anthropic:
        kept["cache_control"] = mark
    elif tool.get("cache_control") is not None:
        losses.note("cache_control")
    return kept
