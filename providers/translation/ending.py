"""How a verified reply ended, and its usage in either protocol's form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.translation.hub import Json
from providers.translation.watch import ReplyWatch


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a reply that the vendor itself ended. `usage` is chat's form of what it counted.

    `native_stop_reason` is set where the upstream speaks Anthropic's words itself.
    """

    usage: Json | None = None
    native_stop_reason: str | None = None
    stop_sequence: str | None = None
    service_tier: str | None = None


def verified_ending(usage: object, watch: ReplyWatch) -> Ending:
    """What the hub says of the end, less everything the vendor did not say itself."""
    told = watch.chat_usage or (usage if watch.has_usage else None)
    return Ending(
        usage=_verified_usage(told, watch) if isinstance(told, Mapping) else None,
        native_stop_reason=watch.native_stop_reason,
        stop_sequence=watch.stop_sequence,
        service_tier=watch.service_tier,
    )


_CACHE_AGES = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
_READ = ("cached_tokens", "prompt_cache_hit_tokens")  # DeepSeek's name, and Moonshot's place
_WRITTEN = ("cache_creation_tokens", "cache_creation_input_tokens", "cache_write_tokens")
_REASONING = ("reasoning_tokens",)
_BY_AGE = ("cache_creation_token_details", "cache_creation")


def _verified_usage(told: Mapping[str, Any], watch: ReplyWatch) -> Json:
    prompt, completion = _count(told.get("prompt_tokens")), _count(told.get("completion_tokens"))
    found = told.get("prompt_tokens_details")
    given = found if isinstance(found, Mapping) else {}
    details: Json = {"cached_tokens": _first(given, _READ) or _first(told, _READ)}
    if written := _first(given, _WRITTEN) or _first(told, _WRITTEN):
        details["cache_creation_tokens"] = written
    by_age: Mapping[str, Any] = next(
        (given[each] for each in _BY_AGE if isinstance(given.get(each), Mapping)), {}
    )
    known = {each: _count(by_age.get(each)) for each in _CACHE_AGES}
    if any(known.values()):
        details["cache_creation_token_details"] = known
    usage: Json = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": _count(told.get("total_tokens")) or prompt + completion,
        "prompt_tokens_details": details,
    }
    if watch.has_reasoning_count:
        spent = told.get("completion_tokens_details")
        by_kind: Mapping[str, Any] = spent if isinstance(spent, Mapping) else {}
        reasoning = _first(by_kind, _REASONING) or _first(told, _REASONING)  # SGLang's place
        usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    return usage


def _first(given: Mapping[str, Any], names: tuple[str, ...]) -> int:
    return next((_count(given[each]) for each in names if _count(given.get(each))), 0)


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def messages_usage(usage: Json | None, service_tier: str | None = None) -> Json:
    """Chat's usage in Anthropic's disjoint classes.

    Clients require the member, so a missing usage is zeros that say of themselves that they are
    no count.
    """
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0, "gatehouse_missing": True}
    details = usage.get("prompt_tokens_details") or {}
    read, written = (
        _count(details.get("cached_tokens")),
        _count(details.get("cache_creation_tokens")),
    )
    told: Json = {
        "input_tokens": max(0, _count(usage.get("prompt_tokens")) - read - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": _count(usage.get("completion_tokens")),
    }
    by_age = details.get("cache_creation_token_details")
    if isinstance(by_age, Mapping):
        told["cache_creation"] = {each: _count(by_age.get(each)) for each in _CACHE_AGES}
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
    if reasoning is not None:
        told["output_tokens_details"] = {"thinking_tokens": _count(reasoning)}
    if service_tier is not None:
        told["service_tier"] = service_tier
    return told


def responses_usage(usage: Json | None) -> Json | None:
    """Chat's usage under the names of OpenAI's responses."""
    if usage is None:
        return None
    given = usage.get("prompt_tokens_details") or {}
    spent = usage.get("completion_tokens_details") or {}
    read, output = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    details: Json = {
        "cached_tokens": _count(given.get("cached_tokens")),
        "cache_write_tokens": _count(given.get("cache_creation_tokens")),
    }
    by_age = given.get("cache_creation_token_details")
    if isinstance(by_age, Mapping):  # a word of ours: without it an hour's price would be lost
        details["cache_creation_token_details"] = by_age
    return {
        "input_tokens": read,
        "input_tokens_details": details,
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": _count(spent.get("reasoning_tokens"))},
        "total_tokens": read + output,
    }


_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "content_filter": "refusal",
}


def stop_reason(finish_reason: str, ending: Ending, *, called_tools: bool) -> str:
    """Anthropic's word for a chat finish reason."""
    if ending.native_stop_reason is not None:
        return ending.native_stop_reason
    if called_tools and finish_reason not in ("length", "content_filter"):
        return "tool_use"
    if finish_reason == "stop" and ending.stop_sequence is not None:
        return "stop_sequence"
    return _STOP_REASONS.get(finish_reason, "end_turn")
