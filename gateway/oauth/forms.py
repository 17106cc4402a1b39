"""Read a form that a browser or a command sends, within bounds; each field counts once."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

MOST_BYTES: Final = 16_384
_MOST_FIELDS: Final = 20
_KIND: Final = "application/x-www-form-urlencoded"


class BadForm(Exception):
    """What came is no form that can be read; the message says why."""


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form. Raises `BadForm`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _KIND:
        raise BadForm(f"send it as {_KIND}")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise BadForm(f"it is longer than {MOST_BYTES} bytes")
    try:
        text = bytes(body).decode("ascii")
        found = parse_qsl(
            text, strict_parsing=bool(text), max_num_fields=_MOST_FIELDS, errors="strict"
        )
    except ValueError:
        raise BadForm("it is no form") from None
    fields = dict(found)
    if len(fields) != len(found):
        raise BadForm("a field came twice")
    return fields
