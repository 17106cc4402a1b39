"""What autocomplete and code search ask for, as a strict stand-in speaks it: plain completions,
fill-in-the-middle, embeddings and rerank. Errors are OpenAI's everywhere."""

import base64
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes import vendor_openai
from tests.fakes.vendor_script import Failure, Script, TokenUsage
from tests.fakes.vendor_strict import (
    BOOLEAN_OR_NONE,
    INTEGER_OR_NONE,
    LIST,
    NONE,
    NUMBER_OR_NONE,
    OBJECT_OR_NONE,
    TEXT,
    TEXT_OR_LIST,
    TEXT_OR_NONE,
    Fields,
    RefusedError,
    check_list,
    check_object,
)

STOPS = (*TEXT_OR_LIST, NONE)
COMPLETION: Fields = {
    "model": TEXT,
    "prompt": TEXT_OR_LIST,
    "suffix": TEXT_OR_NONE,
    "max_tokens": INTEGER_OR_NONE,
    "temperature": NUMBER_OR_NONE,
    "top_p": NUMBER_OR_NONE,
    "n": INTEGER_OR_NONE,
    "best_of": INTEGER_OR_NONE,
    "echo": BOOLEAN_OR_NONE,
    "logprobs": INTEGER_OR_NONE,
    "logit_bias": OBJECT_OR_NONE,
    "presence_penalty": NUMBER_OR_NONE,
    "frequency_penalty": NUMBER_OR_NONE,
    "seed": INTEGER_OR_NONE,
    "stop": STOPS,
    "stream": BOOLEAN_OR_NONE,
    "stream_options": OBJECT_OR_NONE,
    "user": TEXT,
}
FIM: Fields = {
    "model": TEXT,
    "prompt": TEXT,
    "suffix": TEXT_OR_NONE,
    "max_tokens": INTEGER_OR_NONE,
    "min_tokens": INTEGER_OR_NONE,
    "temperature": NUMBER_OR_NONE,
    "top_p": NUMBER_OR_NONE,
    "random_seed": INTEGER_OR_NONE,
    "stop": STOPS,
    "stream": BOOLEAN_OR_NONE,
    "metadata": OBJECT_OR_NONE,
}
EMBEDDING: Fields = {
    "model": TEXT,
    "input": TEXT_OR_LIST,
    "encoding_format": TEXT,
    "dimensions": (int,),
    "user": TEXT,
}
RERANK: Fields = {
    "model": TEXT,
    "query": TEXT,
    "documents": LIST,
    "top_n": INTEGER_OR_NONE,
    "return_documents": BOOLEAN_OR_NONE,
    "max_tokens_per_doc": INTEGER_OR_NONE,
}
VECTOR = (0.5, -0.25, 0.125)

Document = Callable[[Script, Mapping[str, Any], int], dict[str, Any]]
Chunks = Callable[[Script, Mapping[str, Any], int], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of these protocols; without `chunks` it is never streamed."""

    fields: Fields
    required: tuple[str, ...]
    answer: Document
    chunks: Chunks | None = None

    def check(self, body: Any, extra_fields: Fields) -> None:
        """Refuse what the protocol does not know."""
        check_object(body, {**self.fields, **extra_fields}, at="", required=self.required)
        if isinstance(body.get("prompt"), list):
            check_list(body["prompt"], at="prompt")
        if body.get("stream_options") is not None and not body.get("stream"):
            raise RefusedError("stream_options", "stream_options: only allowed when stream is true")

    def document(self, script: Script, body: Mapping[str, Any], number: int) -> bytes:
        """A whole answer."""
        return _dump(self.answer(script, body, number))

    def events(self, script: Script, body: Mapping[str, Any], number: int) -> list[bytes]:
        """A streamed answer, one element an event, the end marker last."""
        assert self.chunks is not None, "nothing is streamed here"
        stream = [b"data: " + _dump(each) + b"\n\n" for each in self.chunks(script, body, number)]
        return stream if script.omits_end else [*stream, vendor_openai.DONE]

    @staticmethod
    def error(failure: Failure) -> bytes:
        """An error answer's body."""
        return vendor_openai.error(failure)

    @staticmethod
    def error_event(failure: Failure) -> bytes:
        """An error in the middle of a stream."""
        return vendor_openai.error_event(failure)


def _head(kind: str, body: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {
        "id": f"cmpl-standin-{number}",
        "object": kind,
        "created": 1_790_000_000,
        "model": body["model"],
    }


def _answers(body: Mapping[str, Any]) -> range:
    prompts = body["prompt"]
    several = isinstance(prompts, list) and not isinstance(prompts[0], int)
    return range((len(prompts) if several else 1) * (body.get("n") or 1))


def _completion(script: Script, body: Mapping[str, Any], number: int) -> dict[str, Any]:
    said = f"{body['prompt']}{script.text}" if body.get("echo") else script.text
    tokens = {"tokens": [said], "token_logprobs": [-0.5], "top_logprobs": None, "text_offset": [0]}
    answer = {
        "text": said,
        "logprobs": tokens if body.get("logprobs") else None,
        "finish_reason": script.finish or "stop",
    }
    choices = [{"index": at, **answer} for at in _answers(body)]
    return {**_head("text_completion", body, number), "choices": choices, **_usage(script.usage)}


def _completion_chunks(
    script: Script, body: Mapping[str, Any], number: int
) -> list[dict[str, Any]]:
    head = _head("text_completion", body, number)
    wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    pieces = vendor_openai.words(script.text) if script.pieces is None else script.pieces
    said = [(piece, None) for piece in pieces] + [("", script.finish or "stop")]
    chunks: list[dict[str, Any]] = [
        {
            **head,
            "choices": [{"index": at, "text": text, "logprobs": None, "finish_reason": finish}],
        }
        for text, finish in said
        for at in _answers(body)
    ]
    if wants_usage and script.usage is not None:
        chunks = [{**each, "usage": None} for each in chunks]
        chunks.append({**head, "choices": [], **_usage(script.usage)})
    return chunks


def _fim(script: Script, body: Mapping[str, Any], number: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": script.text, "tool_calls": None}
    choice = {"index": 0, "message": message, "finish_reason": script.finish or "stop"}
    return {**_head("chat.completion", body, number), "choices": [choice], **_usage(script.usage)}


def _fim_chunks(script: Script, body: Mapping[str, Any], number: int) -> list[dict[str, Any]]:
    head = _head("chat.completion.chunk", body, number)
    deltas = [{"role": "assistant", "content": ""}]
    deltas += [{"content": each} for each in vendor_openai.words(script.text)]
    finishes = [None] * (len(deltas) - 1) + [script.finish or "stop"]
    chunks = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        for delta, finish in zip(deltas, finishes, strict=True)
    ]
    chunks[-1] |= _usage(script.usage)
    return chunks


def _embeddings(script: Script, body: Mapping[str, Any], number: int) -> dict[str, Any]:
    given = body["input"]
    several = isinstance(given, list) and not isinstance(given[0], int)
    packed = base64.b64encode(struct.pack(f"<{len(VECTOR)}f", *VECTOR)).decode()
    vector = packed if body.get("encoding_format") == "base64" else list(VECTOR)
    data = [
        {"object": "embedding", "index": at, "embedding": vector}
        for at in range(len(given) if several else 1)
    ]
    told = {"object": "list", "data": data, "model": body["model"]}
    return {**told, **_usage(script.usage, written=False)}


def _ranks(script: Script, body: Mapping[str, Any], number: int) -> dict[str, Any]:
    documents = body["documents"]
    order = range(len(documents))[::-1][: body.get("top_n") or len(documents)]
    results = [
        {"index": at, "document": {"text": documents[at]}, "relevance_score": 1 / (place + 2)}
        for place, at in enumerate(order)
    ]
    told = {"id": f"rerank-standin-{number}", "model": body["model"], "results": results}
    return {**told, **_usage(script.usage, written=False)}


def _usage(usage: TokenUsage | None, *, written: bool = True) -> dict[str, Any]:
    if usage is None:
        return {}
    if not written:
        return {"usage": {"prompt_tokens": usage.input, "total_tokens": usage.input}}
    told = {"prompt_tokens": usage.input, "completion_tokens": usage.output}
    return {"usage": {**told, "total_tokens": usage.input + usage.output}}


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


ENDPOINTS = {
    "/completions": Endpoint(COMPLETION, ("model", "prompt"), _completion, _completion_chunks),
    "/fim/completions": Endpoint(FIM, ("model", "prompt"), _fim, _fim_chunks),
    "/embeddings": Endpoint(EMBEDDING, ("model", "input"), _embeddings),
    "/rerank": Endpoint(RERANK, ("model", "query", "documents"), _ranks),
}
