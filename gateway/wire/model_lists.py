"""The list of models a key may use, in the shape the caller's protocol knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from gateway.errors import MalformedRequest

OWNER: Final = "gatehouse"
DEFAULT_LIMIT: Final = 20  # Anthropic's own default page
DEFAULT_PAGE_SIZE: Final = 50  # Google's: https://ai.google.dev/api/models
MOST_LIMIT: Final = 1_000


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model by a name clients use; `created` is seconds since the epoch, UTC.

    `root` is the model behind it: another name where `id` is an alias. The limits are those of
    the target that answers first, in tokens, where they are known.
    """

    id: str
    created: int
    input_tokens_limit: int | None = None
    output_tokens_limit: int | None = None
    display_name: str = ""
    root: str = ""

    @property
    def title(self) -> str:
        """How a list shows it."""
        return self.display_name or self.id


def body_of(
    models: Sequence[ListedModel], *, anthropic_version: bytes | None, query: Mapping[str, str]
) -> bytes:
    """The body of `GET /v1/models`: Anthropic's shape for a caller that names its version."""
    if anthropic_version is None:
        return in_openai_shape(models)
    return in_anthropic_shape(
        models,
        limit=_limit(query, "limit", DEFAULT_LIMIT),
        after_id=query.get("after_id"),
        before_id=query.get("before_id"),
    )


def in_openai_shape(models: Sequence[ListedModel]) -> bytes:
    """OpenAI's list: everything on one page."""
    listed = [_in_openai_words(model) for model in models]
    return msgspec.json.encode({"object": "list", "data": listed})


def in_anthropic_shape(
    models: Sequence[ListedModel],
    *,
    limit: int = DEFAULT_LIMIT,
    after_id: str | None = None,
    before_id: str | None = None,
) -> bytes:
    """Anthropic's list: the page after one model, or the page that ends before another.

    Raises `MalformedRequest` for a cursor that names no model of the list, or for two cursors.
    """
    if after_id is not None and before_id is not None:
        raise MalformedRequest("send 'after_id' or 'before_id', not both")
    if before_id is not None:
        end = _position(models, before_id, "before_id")
        start = max(0, end - limit)
        has_more = start > 0
    else:
        start = 0 if after_id is None else _position(models, after_id, "after_id") + 1
        end = min(start + limit, len(models))
        has_more = end < len(models)
    page = models[start:end]
    return msgspec.json.encode(
        {
            "data": [_in_anthropic_words(model) for model in page],
            "has_more": has_more,
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
        }
    )


def _in_openai_words(model: ListedModel) -> dict[str, object]:
    """OpenAI's members, and what its list has no word for as other servers say it.

    `root` and `max_model_len` are vLLM's; `name`, `context_length` and `top_provider` are
    OpenRouter's, and Moonshot's list has `context_length` too. Assistants look for either.
    """
    told: dict[str, object] = {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": OWNER,
        "name": model.title,
        "root": model.root or model.id,
    }
    if model.input_tokens_limit is not None:
        told["max_model_len"] = told["context_length"] = model.input_tokens_limit
    if model.output_tokens_limit is not None:
        told["top_provider"] = {
            "context_length": model.input_tokens_limit,
            "max_completion_tokens": model.output_tokens_limit,
        }
    return told


def _in_anthropic_words(model: ListedModel) -> dict[str, object]:
    created_at = datetime.fromtimestamp(model.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    told: dict[str, object] = {
        "type": "model",
        "id": model.id,
        "display_name": model.title,
        "created_at": created_at,
        "lifecycle": "active",  # newer clients require it
        "max_input_tokens": model.input_tokens_limit,
        "max_tokens": model.output_tokens_limit,
    }
    if model.root not in ("", model.id):
        told["description"] = f"another name of {model.root}"  # Claude Code shows it in its list
    return told


def one_body_of(model: ListedModel, *, anthropic_version: bytes | None) -> bytes:
    """The body of `GET /v1/models/{id}`: the model as `body_of` lists it."""
    words = _in_openai_words if anthropic_version is None else _in_anthropic_words
    return msgspec.json.encode(words(model))


def in_gemini_shape(models: Sequence[ListedModel], query: Mapping[str, str]) -> bytes:
    """Google's list: the page after the model that `pageToken` names.

    Raises `MalformedRequest` for a size or a token that makes no sense.
    """
    size = _limit(query, "pageSize", DEFAULT_PAGE_SIZE)
    token = query.get("pageToken")
    start = _position(models, token, "pageToken") + 1 if token else 0
    page = models[start : start + size]
    listed: dict[str, object] = {"models": [_in_gemini_words(model) for model in page]}
    if start + size < len(models):
        listed["nextPageToken"] = page[-1].id
    return msgspec.json.encode(listed)


def one_in_gemini_shape(model: ListedModel) -> bytes:
    """One model of Google's list."""
    return msgspec.json.encode(_in_gemini_words(model))


def _in_gemini_words(model: ListedModel) -> dict[str, object]:
    told: dict[str, object] = {
        "name": f"models/{model.id}",
        "displayName": model.title,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }
    if model.input_tokens_limit is not None:
        told["inputTokenLimit"] = model.input_tokens_limit
    if model.output_tokens_limit is not None:
        told["outputTokenLimit"] = model.output_tokens_limit
    return told


def _limit(query: Mapping[str, str], name: str, default: int) -> int:
    given = query.get(name)
    if given is None:
        return default
    is_number = given.isascii() and given.isdigit() and len(given) <= 4
    if not (is_number and 1 <= int(given) <= MOST_LIMIT):
        raise MalformedRequest(f"'{name}' must be a whole number from 1 to {MOST_LIMIT}")
    return int(given)


def _position(models: Sequence[ListedModel], model_id: str, name: str) -> int:
    for position, model in enumerate(models):
        if model.id == model_id:
            return position
    raise MalformedRequest(f"'{name}' names no model of this list")
