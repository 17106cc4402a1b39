"""What the observers of every protocol share: odd figures, odd errors, text counted in bytes."""

from typing import Final

import msgspec

from gateway.exchange import Usage

MOST_FAILURE_CHARACTERS: Final = 300
MOST_TOKENS: Final = 2**53
_NUMBER: Final = (int, float)

Figures = dict[str, object]
"""An object of a vendor's, such as its usage, of which nothing is taken on trust."""


def figures(value: object) -> Figures:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Figures]:
    """The objects in `value` if it is a list, else none."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def decode_figures(raw: msgspec.Raw) -> Figures:
    """A usage object still in JSON, which may be absent."""
    return figures(decode_loosely(bytes(raw))) if raw else {}


def tokens(figures: Figures, *names: str) -> int:
    """The first of these figures that is a sensible count, else 0."""
    if figures:
        for name in names:
            value = figures.get(name)
            if isinstance(value, _NUMBER) and 0 < value < MOST_TOKENS:
                return int(value)
    return 0


def writes_for_an_hour(details: Figures, written: int) -> int:
    """Of the tokens `written` to a cache, those kept for an hour: some tell them apart.

    `cache_creation` is Anthropic's name for it, the longer one LiteLLM's in chat's form.
    """
    by_age = figures(details.get("cache_creation_token_details")) or figures(
        details.get("cache_creation")
    )
    return min(tokens(by_age, "ephemeral_1h_input_tokens"), written)


def usage_or_none(usage: Usage) -> Usage | None:
    """None for a usage of nothing at all: some servers send zeros where they do not count."""
    return usage if usage.total_tokens else None


def text_bytes(*texts: str | None) -> int:
    """How long these texts are in UTF-8."""
    total = 0
    for text in texts:
        if text:
            total += len(text) if text.isascii() else len(text.encode())
    return total


def decode_loosely(data: bytes) -> object:
    """Any JSON value; None for what is no JSON."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def text_or_none(value: object) -> str | None:
    """`value` if it is a string."""
    return value if isinstance(value, str) else None


def number_or_none(value: object) -> int | None:
    """`value` if it is a whole number."""
    return value if isinstance(value, int) else None


def encode(value: object) -> msgspec.Raw:
    """A value as JSON text; absent for None."""
    return msgspec.Raw() if value is None else msgspec.Raw(msgspec.json.encode(value))


def failure_text(error: object) -> str:
    """An upstream's error in one short printable line, whatever its shape."""
    if isinstance(error, dict):
        for name in ("message", "detail", "type", "code"):
            if isinstance(error.get(name), str | int):
                return failure_text(str(error[name]))
        return "an error without a message"
    line = str(error)[: 4 * MOST_FAILURE_CHARACTERS]
    printable = "".join(letter if letter.isprintable() else " " for letter in line)
    return " ".join(printable.split())[:MOST_FAILURE_CHARACTERS]
