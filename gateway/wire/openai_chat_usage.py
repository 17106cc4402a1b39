"""Read what a completion used, by OpenAI's names and those of others who speak its protocol."""

from typing import Annotated, Final, TypeVar

import msgspec

from gateway.exchange import Usage
from gateway.wire import replies

_Count = Annotated[int, msgspec.Meta(ge=0, lt=replies.MOST_TOKENS)]


class _Written(msgspec.Struct):
    """What was written to a cache."""

    cache_write_tokens: _Count = 0  # OpenAI
    cache_creation_tokens: _Count = 0  # LiteLLM
    cache_creation_input_tokens: _Count = 0  # Qwen, inside the details; LiteLLM, outside of them


class _ByAge(msgspec.Struct):
    """Of what was written, how much is kept for how long."""

    ephemeral_1h_input_tokens: _Count = 0


class _Prompt(_Written):
    """`prompt_tokens_details`. `cache_creation` is Anthropic's name, the longer one LiteLLM's."""

    cached_tokens: _Count = 0
    cache_creation_token_details: _ByAge | None = None
    cache_creation: _ByAge | None = None


class _Completion(msgspec.Struct):
    """`completion_tokens_details`."""

    reasoning_tokens: _Count = 0


class _Figures(_Written):
    """`usage`."""

    prompt_tokens: _Count = 0
    completion_tokens: _Count = 0
    prompt_tokens_details: _Prompt | None = None
    completion_tokens_details: _Completion | None = None
    prompt_cache_hit_tokens: _Count = 0  # DeepSeek
    cached_tokens: _Count = 0  # Moonshot
    cache_read_input_tokens: _Count = 0  # LiteLLM
    reasoning_tokens: _Count = 0  # SGLang


class _Timings(msgspec.Struct):
    """llama.cpp's own counts, the prompt without what was cached."""

    cache_n: _Count = 0
    prompt_n: _Count = 0
    predicted_n: _Count = 0


_T = TypeVar("_T", bound=msgspec.Struct)

_FIGURES: Final = msgspec.json.Decoder(_Figures)
_TIMINGS: Final = msgspec.json.Decoder(_Timings)
_INNER: Final[dict[str, type[msgspec.Struct]]] = {
    "prompt_tokens_details": _Prompt,
    "completion_tokens_details": _Completion,
    "cache_creation_token_details": _ByAge,
    "cache_creation": _ByAge,
}
_NO_PROMPT: Final = _Prompt()
_NO_COMPLETION: Final = _Completion()
_NO_TIMINGS: Final = _Timings()


def read_usage(usage: msgspec.Raw, timings: msgspec.Raw) -> Usage | None:
    """The usage in these two members, either of which may be absent; None when nothing was used.

    OpenAI counts cached tokens inside `prompt_tokens`. Timings fill what `usage` lacks.
    """
    figures = _decode(_Figures, _FIGURES, usage)
    counted = _decode(_Timings, _TIMINGS, timings) if timings else _NO_TIMINGS
    given = figures.prompt_tokens_details or _NO_PROMPT
    spent = figures.completion_tokens_details or _NO_COMPLETION
    prompt = figures.prompt_tokens or counted.cache_n + counted.prompt_n
    cached = min(_cached(figures, given) or counted.cache_n, prompt)
    written = min(_written(given) or _written(figures), prompt - cached)
    written_1h = min(_written_for_an_hour(given), written) if written else 0
    output = figures.completion_tokens or counted.predicted_n
    reasoning = spent.reasoning_tokens or figures.reasoning_tokens
    found = Usage(
        prompt - cached - written,
        cached,
        written - written_1h,
        written_1h,
        output,
        min(reasoning, output),
    )
    return replies.usage_or_none(found)


def _cached(figures: _Figures, given: _Prompt) -> int:
    return (
        given.cached_tokens
        or figures.prompt_cache_hit_tokens
        or figures.cached_tokens
        or figures.cache_read_input_tokens
    )


def _written(told: _Written) -> int:
    return told.cache_write_tokens or told.cache_creation_tokens or told.cache_creation_input_tokens


def _written_for_an_hour(given: _Prompt) -> int:
    by_age = given.cache_creation_token_details or given.cache_creation
    return 0 if by_age is None else by_age.ephemeral_1h_input_tokens


def _decode(kind: type[_T], decoder: "msgspec.json.Decoder[_T]", raw: msgspec.Raw) -> _T:
    """What a vendor says; where a member has an unusual type, those that are sensible."""
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _sensible(kind, replies.decode_figures(raw))


def _sensible(kind: type[_T], found: replies.Figures) -> _T:
    told: dict[str, object] = {}
    for field in kind.__struct_fields__:
        inner = _INNER.get(field)
        if inner is None:
            told[field] = replies.tokens(found, field)
        elif field in found:
            told[field] = _sensible(inner, replies.figures(found[field]))
    return kind(**told)
