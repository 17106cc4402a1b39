"""Conversations held by the vendors' own SDKs, each with one tool, as an assistant holds them.

Every question sends all that was said before, the answers as the SDK has read them.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import anthropic
import httpx
import openai
from google import genai
from google.genai import types
from google.genai.models import AsyncModels

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"path": {"type": "string"}}}
TOOL = "read_file"
MODEL = "coder"
MOST_TOKENS = 4096


class Talk(Protocol):
    """One conversation. `denial` is what its SDK raises for a refusal."""

    denial: type[Exception]

    async def ask(self, text: str, *, streaming: bool) -> str:
        """What the answer says, as somebody reads it."""
        ...


class ChatTalk:
    """OpenAI's SDK, chat completions."""

    denial: type[Exception] = openai.APIStatusError

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._client = client
        self._said: list[Any] = []

    async def ask(self, text: str, *, streaming: bool) -> str:
        self._said.append({"role": "user", "content": text})
        tools: Any = [{"type": "function", "function": {"name": TOOL, "parameters": SCHEMA}}]
        asked: dict[str, Any] = {"model": MODEL, "messages": self._said, "tools": tools}
        completions = self._client.chat.completions
        if streaming:
            chunks = [each async for each in await completions.create(**asked, stream=True)]
            words = [each.choices[0].delta.content or "" for each in chunks if each.choices]
            answer = {"role": "assistant", "content": "".join(words)}
        else:
            whole = await completions.create(**asked)
            answer = whole.choices[0].message.model_dump(exclude_none=True)
        self._said.append(answer)
        return str(answer.get("content") or "")


class ResponsesTalk:
    """OpenAI's SDK, responses."""

    denial: type[Exception] = openai.APIStatusError

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._client = client
        self._said: list[Any] = []

    async def ask(self, text: str, *, streaming: bool) -> str:
        self._said.append({"role": "user", "content": text})
        tools: Any = [{"type": "function", "name": TOOL, "parameters": SCHEMA, "strict": False}]
        asked: dict[str, Any] = {"model": MODEL, "input": self._said, "tools": tools}
        asked["store"] = False
        response: Any
        if streaming:
            stream = await self._client.responses.create(**asked, stream=True)
            events = [event async for event in stream]
            response = events[-1].response
            deltas = [e.delta for e in events if e.type == "response.output_text.delta"]
            texts = [e.text for e in events if e.type == "response.output_text.done"]
            assert "".join(deltas) == "".join(texts) == response.output_text
            assert [e.sequence_number for e in events] == sorted(e.sequence_number for e in events)
        else:
            response = await self._client.responses.create(**asked)
        for item in response.output:
            self._said.append(item.model_dump(exclude_none=True, exclude={"parsed", "status"}))
            for part in self._said[-1].get("content", ()):
                part.pop("parsed", None)
        return str(response.output_text)


class MessagesTalk:
    """Anthropic's SDK."""

    denial: type[Exception] = anthropic.APIStatusError

    def __init__(self, client: anthropic.AsyncAnthropic) -> None:
        self._client = client
        self._said: list[Any] = []

    async def ask(self, text: str, *, streaming: bool) -> str:
        self._said.append({"role": "user", "content": text})
        asked: dict[str, Any] = {
            "model": MODEL,
            "max_tokens": MOST_TOKENS,
            "messages": self._said,
            "tools": [{"name": TOOL, "input_schema": SCHEMA}],
        }
        if streaming:
            async with self._client.messages.stream(**asked) as stream:
                read = "".join([text async for text in stream.text_stream])
                message: Any = await stream.get_final_message()
            assert read == "".join(each.text for each in message.content if each.type == "text")
        else:
            message = await self._client.messages.create(**asked)
        blocks = [each.model_dump(exclude_none=True) for each in message.content]
        for each in blocks:
            each.pop("parsed_output", None)
        self._said.append({"role": "assistant", "content": blocks})
        return "".join(each["text"] for each in blocks if each["type"] == "text")


class GeminiTalk:
    """Google's SDK."""

    denial: type[Exception] = genai.errors.APIError

    def __init__(self, models: AsyncModels) -> None:
        self._models = models
        self._said: list[Any] = []

    async def ask(self, text: str, *, streaming: bool) -> str:
        self._said.append(types.Content(role="user", parts=[types.Part(text=text)]))
        declared = types.FunctionDeclaration(name=TOOL, parameters_json_schema=SCHEMA)
        config = types.GenerateContentConfig(
            tools=[types.Tool(function_declarations=[declared])],
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
        asked: dict[str, Any] = {"model": MODEL, "contents": self._said, "config": config}
        if streaming:
            chunks = [e async for e in await self._models.generate_content_stream(**asked)]
        else:
            chunks = [await self._models.generate_content(**asked)]
        contents = [e.candidates[0].content for e in chunks if e.candidates]
        parts = [part for each in contents if each for part in each.parts or () if not part.thought]
        self._said.append(types.Content(role="model", parts=parts))
        return "".join(part.text or "" for part in parts)


@asynccontextmanager
async def chat_talk(root: str, key: str, headers: Mapping[str, str]) -> AsyncGenerator[Talk]:
    """A conversation in chat completions."""
    async with sender(headers) as http:
        own: dict[str, Any] = {"http_client": http, "max_retries": 0}
        yield ChatTalk(openai.AsyncOpenAI(base_url=f"{root}/v1", api_key=key, **own))


@asynccontextmanager
async def responses_talk(root: str, key: str, headers: Mapping[str, str]) -> AsyncGenerator[Talk]:
    """A conversation in responses."""
    async with sender(headers) as http:
        own: dict[str, Any] = {"http_client": http, "max_retries": 0}
        yield ResponsesTalk(openai.AsyncOpenAI(base_url=f"{root}/v1", api_key=key, **own))


@asynccontextmanager
async def messages_talk(root: str, key: str, headers: Mapping[str, str]) -> AsyncGenerator[Talk]:
    """A conversation in Anthropic's messages."""
    hooks: Any = {"request": [saying(headers)]}
    async with anthropic.DefaultAsyncHttpxClient(trust_env=False, event_hooks=hooks) as http:
        own: dict[str, Any] = {"http_client": http, "max_retries": 0}
        yield MessagesTalk(anthropic.AsyncAnthropic(base_url=root, auth_token=key, **own))


@asynccontextmanager
async def gemini_talk(root: str, key: str, headers: Mapping[str, str]) -> AsyncGenerator[Talk]:
    """A conversation in Gemini's protocol."""
    async with sender(headers) as http:
        options = types.HttpOptions(base_url=root, httpx_async_client=http)
        yield GeminiTalk(genai.Client(api_key=key, http_options=options).aio.models)


def sender(headers: Mapping[str, str]) -> httpx.AsyncClient:
    """A client that says these headers."""
    hooks = {"request": [saying(headers)]}
    return httpx.AsyncClient(trust_env=False, event_hooks=hooks, timeout=60.0)


def saying(headers: Mapping[str, str]) -> Callable[[Any], Awaitable[None]]:
    """Each SDK has a user agent of its own: the request is given an assistant's."""

    async def named(request: Any) -> None:  # of whichever client the SDK is built on
        request.headers.update(headers)

    return named


OpenTalk = Callable[[str, str, Mapping[str, str]], AbstractAsyncContextManager[Talk]]
TALKS: dict[str, OpenTalk] = {
    "openai_chat": chat_talk,
    "openai_responses": responses_talk,
    "anthropic_messages": messages_talk,
    "gemini": gemini_talk,
}
