"""Plain requests to hub: completions, fill-in-the-middle, embeddings, from an allow-list."""

from typing import Any, Final

from providers.translation.hub import (
    Capabilities,
    ChatRequest,
    Json,
    Losses,
    as_list,
    as_text,
    as_texts,
    unsupported,
)
from providers.translation.parameters import read_parameters

# What these have in common with chat, under the same names and in the same form.
_SHARED: Final = frozenset(
    {
        "max_tokens",
        "temperature",
        "top_p",
        "n",
        "stop",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "seed",
    }
)
_CAN: Final = Capabilities(_SHARED)
_COMPLETION: Final = ("model", "prompt", "suffix", "stream", "stream_options", "echo", "best_of")
_FIM: Final = ("model", "prompt", "suffix", "stream", "random_seed")
_FIM_SHARED: Final = frozenset({"max_tokens", "temperature", "top_p", "stop"})
_EMBEDDING: Final = ("model", "input", "encoding_format", "dimensions")


def read_completion(body: Json, can: Capabilities) -> ChatRequest:
    """A plain completion. Raises `UnsupportedFeature` naming what cannot be carried."""
    losses = Losses()
    losses.note_unknown(body, (*_COMPLETION, "logprobs", *_SHARED))
    fields = _fields(body, _SHARED, losses)
    fields["prompt"], prompts = _inputs(body.get("prompt"), "prompt")
    if body.get("echo"):
        fields["echo"] = True
    for name in ("best_of", "logprobs"):
        if body.get(name) is not None:
            fields[name] = _count(body[name], name)
    if "logprobs" in fields and body.get("stream"):
        raise unsupported("logprobs", "they would be lost in a stream")
    options = body.get("stream_options")
    wants_usage = isinstance(options, dict) and options.get("include_usage") is True
    return ChatRequest(fields, losses, prompts * fields.get("n", 1), wants_usage)


def read_fim(body: Json, can: Capabilities) -> ChatRequest:
    """Mistral's fill-in-the-middle, as a completion with a suffix. Its usage comes unasked."""
    losses = Losses()
    losses.note_unknown(body, (*_FIM, *_FIM_SHARED))
    given = {name: body[name] for name in _FIM_SHARED if name in body}
    if body.get("random_seed") is not None:
        given["seed"] = body["random_seed"]
    if body.get("suffix") is not None:
        given["suffix"] = body["suffix"]
    fields = _fields(given, _SHARED, losses)
    fields["prompt"] = as_text(body.get("prompt"), "prompt")
    return ChatRequest(fields, losses)


def read_embeddings(body: Json, can: Capabilities) -> ChatRequest:
    """Embeddings of texts or tokens: nothing is answered in words, so nothing has an end."""
    losses = Losses()
    losses.note_unknown(body, _EMBEDDING)
    fields: Json = {"input": _inputs(body.get("input"), "input")[0]}
    # The vendor's default; LiteLLM would have one of its own.
    fields["encoding_format"] = "float"
    if body.get("encoding_format") is not None:
        fields["encoding_format"] = as_text(body["encoding_format"], "encoding_format")
    if body.get("dimensions") is not None:
        fields["dimensions"] = _count(body["dimensions"], "dimensions")
    return ChatRequest(fields, losses, answers=0, wants_usage=False)


def _fields(body: Json, names: frozenset[str], losses: Losses) -> Json:
    fields = read_parameters({name: body[name] for name in names if name in body}, _CAN, losses)
    if body.get("suffix") is not None:
        fields["suffix"] = as_text(body["suffix"], "suffix")
    return fields


def _inputs(value: object, at: str) -> tuple[Any, int]:
    """A text, texts, tokens or lists of tokens, and how many inputs that is."""
    if isinstance(value, str):
        return value, 1
    given = as_list(value, at)
    if _are_tokens(given):
        return given, 1
    if given and all(isinstance(each, list) and _are_tokens(each) for each in given):
        return given, len(given)
    texts = as_texts(given, at)
    if not texts:
        raise unsupported(at, "it must not be empty")
    # One text in a list is a text: LiteLLM makes it that on its own.
    return (texts[0] if at == "prompt" and len(texts) == 1 else texts), len(texts)


def _are_tokens(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(each, int) for each in value)


def _count(value: object, at: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise unsupported(at, "a whole number is expected")
    return value
