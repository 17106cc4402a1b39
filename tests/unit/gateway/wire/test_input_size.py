"""Text counts by its bytes; images and documents by their kind."""

import json

import pytest

from gateway.errors import MalformedRequest
from gateway.wire import splice
from gateway.wire.input_size import DOCUMENT_BYTES_PER_TOKEN, IMAGE_TOKENS, estimate_input

DATA = "iVBORw0KGgo" * 1_000
IMAGE_URL = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}}
IMAGE = {
    "type": "image",
    "source": {"data": DATA, "media_type": "image/png", "type": "base64"},
}
PDF = {
    "type": "document",
    "source": {"type": "base64", "media_type": "application/pdf", "data": DATA},
}
FILE = {
    "type": "file",
    "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{DATA}"},
}


def estimate(*contents: object, **members: object) -> int:
    messages = [{"role": "user", "content": content} for content in contents]
    body = json.dumps({"messages": messages, **members}, separators=(",", ":")).encode()
    values, _ = splice.parse(body)
    return estimate_input(lambda model, size: size, "m", values, ("messages", "system"))


def test_text_counts_by_the_bytes_of_the_members_that_hold_it() -> None:
    assert estimate("hi") == len('[{"role":"user","content":"hi"}]')
    assert estimate("hi", system="be brief", other="x" * 99) == estimate("hi") + len('"be brief"')


@pytest.mark.parametrize("part", [IMAGE_URL, IMAGE])
@pytest.mark.parametrize("times", [1, 3])
def test_an_image_counts_the_same_whatever_its_bytes(part: object, times: int) -> None:
    size = estimate([part] * times)
    assert IMAGE_TOKENS * times < size < (IMAGE_TOKENS + 150) * times + 100


@pytest.mark.parametrize("part", [PDF, FILE])
def test_a_document_counts_by_its_size(part: object) -> None:
    expected = len(DATA) // DOCUMENT_BYTES_PER_TOKEN
    assert expected < estimate([part]) < expected + 200


def test_an_image_in_a_tool_result_counts_as_one() -> None:
    size = estimate("text", [{"type": "tool_result", "tool_use_id": "1", "content": [IMAGE]}])
    assert IMAGE_TOKENS < size < IMAGE_TOKENS + 300


@pytest.mark.parametrize(
    "content",
    [
        f"url(data:image/png;base64,{DATA})",
        [{"type": "text", "text": f"data:image/png;base64,{DATA}"}],
        [{"type": "tool_result", "content": f"base64 {DATA}"}],
        [{"type": "image_url", "image_url": {"url": f"https://x/base64/{DATA}"}}],
        [{"type": "image", "source": {"type": "text", "data": f"base64{DATA}"}}],
        [{"type": "image", "source": f"base64{DATA}"}],
        [{"type": "image", "source": [f"base64{DATA}"]}],
        [{"type": "image", "x": f"base64{DATA}"}],
        [{"type": 7, "text": f"base64{DATA}"}],
        [[f"base64{DATA}"]],
        {"type": "image", "x": f"base64{DATA}"},
    ],
)
def test_base64_that_is_no_attachment_counts_as_text(content: object) -> None:
    assert estimate(content) > len(DATA)


@pytest.mark.parametrize("messages", [{}, "hi", None, 5])
def test_messages_that_are_no_array_are_refused(messages: object) -> None:
    body = json.dumps({"messages": messages}).encode()
    values, _ = splice.parse(body)
    with pytest.raises(MalformedRequest, match="'messages' must be an array"):
        estimate_input(lambda model, size: size, "m", values, ("messages",))
