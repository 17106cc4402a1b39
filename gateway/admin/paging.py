"""Lists come in pages: where one ends is told as a cursor that only this API can read."""

import base64
import binascii
import json
from typing import Annotated, Final

from pydantic import Field

from gateway.admin.problems import Flaw, Problem

MOST_ON_A_PAGE: Final = 1000

Position = tuple[str | int, ...]
"""What the last row of a page is sorted by."""

Limit = Annotated[int, Field(ge=1, le=MOST_ON_A_PAGE, description="Rows of a page at most.")]
Cursor = Annotated[
    str,
    Field(max_length=2000, description="Where the page before this one ended: its next_cursor."),
]
NextCursor = Annotated[
    str | None, Field(description="Give it as cursor for the page after this one; null: none.")
]


def cursor_of(position: Position) -> str:
    """A position as text that has no meaning to others."""
    raw = json.dumps(position, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def position_of(cursor: str | None, like: tuple[type, ...]) -> Position | None:
    """The position that a cursor stands for, of these types. Raises a problem (422)."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        values = None
    if not isinstance(values, list) or [type(each) for each in values] != list(like):
        told = "is no cursor of this list: leave it out, or give the next_cursor of a page"
        flaw = Flaw(where="query.cursor", message=told)
        raise Problem(422, "invalid_cursor", f"query.cursor: {told}", [flaw])
    return tuple(values)
