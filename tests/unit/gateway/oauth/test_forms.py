"""A form is read within bounds, and nothing that two readers would see differently is taken."""

import pytest
from starlette.requests import Request

from gateway.oauth.forms import MOST_BYTES, BadForm, read_form

FORM = b"application/x-www-form-urlencoded"


def a_request(body: bytes, kind: bytes = FORM) -> Request:
    pieces = [body[:5], body[5:]]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    return Request({"type": "http", "headers": [(b"content-type", kind)]}, receive)


async def test_a_form_is_its_fields() -> None:
    assert await read_form(a_request(b"a=1&b=x%20y+z")) == {"a": "1", "b": "x y z"}
    assert await read_form(a_request(b"", FORM + b"; charset=utf-8")) == {}


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (b"{}", b"application/json", "send it as"),
        (b"a=1&a=2", FORM, "twice"),
        (b"a=%ff", FORM, "no form"),
        (b"a=\xc3\xa4", FORM, "no form"),
        (b"nothing at all", FORM, "no form"),
        (b"&".join(b"a%d=1" % each for each in range(21)), FORM, "no form"),
        (b"a=" + b"x" * MOST_BYTES, FORM, "longer"),
    ],
)
async def test_what_is_none_is_refused(body: bytes, kind: bytes, why: str) -> None:
    with pytest.raises(BadForm, match=why):
        await read_form(a_request(body, kind))
