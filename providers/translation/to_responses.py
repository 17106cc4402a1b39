"""Hub to an upstream that speaks only OpenAI's responses: a chat request as a responses request.

Nothing is kept there: `store` is false, so each request brings the whole conversation. Sealed
reasoning is not asked for: no client protocol here could bring it back to the one who sealed it.
"""

from providers.translation.hub import ChatRequest, Json, Losses, unsupported

_SAMPLING = frozenset({"temperature", "top_p"})
_PARAMETERS = frozenset(
    {
        "max_completion_tokens",
        "parallel_tool_calls",
        "prompt_cache_key",
        "reasoning_effort",
        "response_format",
        "service_tier",
        "tool_choice",
        "tools",
        "user",
    }
)
_SAME_NAME = (*sorted(_SAMPLING), "parallel_tool_calls", "prompt_cache_key", "service_tier", "user")


def parameters_of_responses(*, in_house: bool) -> frozenset[str]:
    """The chat parameters that such an upstream can be asked.

    What a vendor offers on responses alone are models that reason, which refuse a request that
    names a temperature; an engine of the house samples as it is told.
    """
    return _PARAMETERS | _SAMPLING if in_house else _PARAMETERS


def responses_request(
    request: ChatRequest, *, model: str, streaming: bool, takes_thoughts: bool
) -> Json:
    """The request's body. `takes_thoughts`: unsigned reasoning may go back to who wrote it.

    Raises `UnsupportedFeature` naming what cannot be carried and must not be lost.
    """
    fields = request.fields
    body: Json = {"model": model, "store": False, "stream": streaming}
    body.update({name: fields[name] for name in _SAME_NAME if name in fields})
    if "max_completion_tokens" in fields:
        body["max_output_tokens"] = fields["max_completion_tokens"]
    if "reasoning_effort" in fields:
        body["reasoning"] = {"effort": fields["reasoning_effort"]}
    if "response_format" in fields:
        body["text"] = {"format": _form(fields["response_format"])}
    if "tools" in fields:
        body["tools"] = [_tool(each["function"]) for each in fields["tools"]]
    if "tool_choice" in fields:
        body["tool_choice"] = _tool_choice(fields["tool_choice"])
    items = _Items(request.losses, takes_thoughts=takes_thoughts)
    for at, message in enumerate(fields["messages"]):
        items.read(message, f"messages.{at}")
    return {**body, "input": items.found}


def _form(wanted: Json) -> Json:
    schema: Json = wanted.get("json_schema") or {}
    return {"type": wanted["type"], **schema}


def _tool(function: Json) -> Json:
    """Here a tool is strict unless it says otherwise, and must have parameters; in chat neither."""
    nothing = {"type": "object", "properties": {}}
    return {"type": "function", "parameters": nothing, "strict": False, **function}


def _tool_choice(choice: str | Json) -> str | Json:
    if isinstance(choice, str):
        return choice
    return {"type": "function", "name": choice["function"]["name"]}


class _Items:
    """The conversation item by item: a call and its result are items of their own here."""

    def __init__(self, losses: Losses, *, takes_thoughts: bool) -> None:
        self.found: list[Json] = []
        self._losses = losses
        self._takes_thoughts = takes_thoughts

    def read(self, message: Json, at: str) -> None:
        """Add one message of the hub's."""
        if message.get("name") is not None:
            self._losses.note("messages.name")
        if message["role"] == "tool":
            output = {"call_id": message.get("tool_call_id"), "output": _only_text(message, at)}
            self.found.append({"type": "function_call_output", **output})
        elif message["role"] == "assistant":
            self._assistant(message, at)
        else:
            content = message["content"]
            if not isinstance(content, str):
                content = [_part(each, f"{at}.content.{n}") for n, each in enumerate(content)]
            self._say(message["role"], content)

    def _assistant(self, message: Json, at: str) -> None:
        if message.get("reasoning_content"):
            self._think(message["reasoning_content"])
        for text in (_only_text(message, at), message.get("refusal")):
            if text:
                self._say("assistant", text)
        for call in message.get("tool_calls") or ():
            named = {"call_id": call["id"], **call["function"]}
            self.found.append({"type": "function_call", **named})

    def _say(self, role: str, content: str | list[Json]) -> None:
        self.found.append({"type": "message", "role": role, "content": content})

    def _think(self, thoughts: str) -> None:
        """OpenAI takes back only what it sealed itself; an engine wants its own words."""
        if not self._takes_thoughts:
            self._losses.note("messages.reasoning_content")
            return
        content = [{"type": "reasoning_text", "text": thoughts}]
        item_id = f"rs_{len(self.found)}"
        self.found.append({"type": "reasoning", "id": item_id, "summary": [], "content": content})


def _only_text(message: Json, at: str) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    if any(part["type"] != "text" for part in content):
        raise unsupported(f"{at}.content", "only text can stand here")
    return "\n".join(part["text"] for part in content)


def _part(part: Json, at: str) -> Json:
    if part["type"] == "text":
        return {"type": "input_text", "text": part["text"]}
    if part["type"] == "image_url":
        image = part["image_url"]
        detail = image.get("detail", "auto")
        return {"type": "input_image", "image_url": image["url"], "detail": detail}
    raise unsupported(f"{at}.type")
