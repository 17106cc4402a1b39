"""Tell which assistant sent a request, by its headers. What cannot be told is `unrecognised`."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from gateway.exchange import Assistant

MOST_USER_AGENT_CHARACTERS: Final = 200
MOST_SESSION_CHARACTERS: Final = 128
_MOST_TITLE_CHARACTERS: Final = 32

_PRODUCT: Final = re.compile(r"([A-Za-z][A-Za-z _-]{0,39}+)(?:/v?(\d[0-9A-Za-z.+-]{0,31}))?").match
_PRODUCTS: Final = {
    "aider": "aider",
    "claude-cli": "claude-code",
    "claude-code": "claude-code",
    "cline": "cline",
    "codex": "codex",
    "continue": "continue",
    "copilot": "copilot-cli",
    "copilot-cli": "copilot-cli",
    "cursor": "cursor",
    "geminicli": "gemini-cli",
    "githubcopilotchat": "copilot-chat",
    "kilo-code": "kilo-code",
    "kilocode": "kilo-code",
    "kimi-cli": "kimi-code",
    "kimi-code-cli": "kimi-code",
    "litellm": "litellm",
    "opencode": "opencode",
    "qwencode": "qwen-code",
    "roo-code": "roo-code",
    "roocode": "roo-code",
    "zed": "zed",
}
"""The product a user agent begins with, in lower case, as the tools themselves send it."""

_FAMILIES: Final = (("codex_", "codex"), ("geminicli-", "gemini-cli"), ("jetbrains", "jetbrains"))
"""Products whose name goes on with the way they run: `codex_exec`, `GeminiCLI-tui`."""

_SESSION_HEADERS: Final = (
    b"x-claude-code-session-id",
    b"session-id",
    b"session_id",
    b"thread-id",
    b"x-session-id",
)
_TELLING: Final = frozenset(
    (
        b"user-agent",
        b"x-initiator",
        b"x-interaction-type",
        b"x-codex-turn-metadata",
        b"x-codex-window-id",
        b"x-msh-device-id",
        b"originator",
        b"x-title",
        *_SESSION_HEADERS,
    )
)
_MOST_HEADER_BYTES: Final = 4 * MOST_USER_AGENT_CHARACTERS
"""No more of a header is looked at."""

_APPS: Final = {
    # OpenRouter's convention. These editors' extensions keep it for every endpoint; aider and
    # Continue, whose agents are an SDK's, send it where their settings say so.
    "aider": "aider",
    "cline": "cline",
    "continue": "continue",
    "roo code": "roo-code",
    "kilo code": "kilo-code",
}

ASSISTANTS: Final = frozenset(
    {*_PRODUCTS.values(), *(name for _, name in _FAMILIES), *_APPS.values(), "unrecognised"}
)
"""Every name that `recognise` gives."""

Headers = Mapping[bytes, bytes]


def recognise(headers: Iterable[tuple[bytes, bytes]]) -> Assistant:
    """The sender of a request with these raw headers (lower-case names, as ASGI gives them)."""
    telling: dict[bytes, bytes] = {}
    for header, value in headers:
        if header in _TELLING:
            telling.setdefault(header, value[:_MOST_HEADER_BYTES])
    return _recognise(tuple(telling.items()))


@lru_cache(maxsize=512)
def _recognise(headers: tuple[tuple[bytes, bytes], ...]) -> Assistant:
    """A conversation's requests all have the same of these headers."""
    known = dict(headers)
    user_agent = _printable(known.get(b"user-agent", b""), MOST_USER_AGENT_CHARACTERS)
    name, version = _by_user_agent(user_agent) or (_by_other_headers(known), None)
    return Assistant(name, version, _session_id(known), user_agent)


def _by_user_agent(user_agent: str) -> tuple[str, str | None] | None:
    match = _PRODUCT(user_agent)
    if match is None:
        return None
    product = match[1].strip().lower()
    name = _PRODUCTS.get(product)
    if name is None:
        families = (name for prefix, name in _FAMILIES if product.startswith(prefix))
        name = next(families, None)
    return None if name is None else (name, match[2])


def _by_other_headers(headers: Headers) -> str:
    """Assistants behind an anonymous SDK agent, told by the headers that only they send."""
    if _is_copilot(headers):
        return "copilot-cli"
    if b"x-claude-code-session-id" in headers:
        return "claude-code"
    if b"x-codex-turn-metadata" in headers or b"x-codex-window-id" in headers:
        return "codex"
    if b"x-msh-device-id" in headers:
        return "kimi-code"
    if headers.get(b"originator", b"").startswith(b"codex"):
        return "codex"
    title = _printable(headers.get(b"x-title", b""), _MOST_TITLE_CHARACTERS).lower()
    return _APPS.get(title, "unrecognised")


def _is_copilot(headers: Headers) -> bool:
    """Copilot CLI says who asks, `user` or `agent`; the requests after a turn's first say no more.

    It comes with the agent of a vendor's JavaScript SDK. Others that say it have a name.
    """
    if b"x-initiator" not in headers:
        return False
    is_plain_sdk = headers.get(b"user-agent", b"").startswith((b"OpenAI/JS ", b"Anthropic/JS "))
    return is_plain_sdk or b"x-interaction-type" in headers


def _session_id(headers: Headers) -> str | None:
    for name in _SESSION_HEADERS:
        if name in headers:
            session_id = _printable(headers[name], MOST_SESSION_CHARACTERS)
            if session_id:
                return session_id
    return None


def _printable(value: bytes, most: int) -> str:
    """At most `most` printable ASCII characters: it will stand in logs and tables."""
    text = value[: 4 * most].decode("latin-1")
    if text.isascii() and text.isprintable():
        return text[:most].strip()
    return "".join(letter for letter in text if " " <= letter <= "~")[:most].strip()
