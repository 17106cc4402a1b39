"""A stand-in that speaks just enough of Google's Gemini protocol to be translated to."""

import asyncio
import json
from types import TracebackType
from typing import Any, Self

from tests.fakes.vendor_server import Call, read_request


def _piece(parts: list[dict[str, Any]], usage: dict[str, int], **more: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": parts}, "index": 0, **more}
    return {
        "candidates": [candidate],
        "usageMetadata": {"promptTokenCount": 10, **usage},
        "modelVersion": "g-1",
        "responseId": "r1",
    }


def _called(path: str) -> dict[str, Any]:
    return {"functionCall": {"name": "read_file", "args": {"path": path}}}


PIECES = [
    _piece([{"text": "Which file?", "thought": True}], {"totalTokenCount": 12}),
    _piece([{"text": "Let me look."}], {"totalTokenCount": 12}),
    _piece(
        [_called("a.py"), _called("b.py")],
        {
            "candidatesTokenCount": 5,
            "thoughtsTokenCount": 2,
            "cachedContentTokenCount": 4,
            "totalTokenCount": 17,
        },
        finishReason="STOP",
    ),
]


class FakeGemini:
    """Answers each request with the same thinking, text and two calls. `cut` leaves the end off."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.cut = False
        self._server: asyncio.Server | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = await read_request(reader, b"", 1)
        assert call is not None
        self.calls.append(call)
        if "stream" in call.path:
            kind, pieces = "text/event-stream", PIECES[:-1] if self.cut else PIECES
            body = b"".join(b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in pieces)
        else:
            kind, whole = "application/json", json.loads(json.dumps(PIECES[-1]))
            candidates = [each["candidates"][0] for each in PIECES]
            parts = [part for each in candidates for part in each["content"]["parts"]]
            whole["candidates"][0]["content"]["parts"] = parts
            body = json.dumps(whole).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n"
        writer.write(head.encode() + b"connection: close\r\n\r\n" + body)
        await writer.drain()
        writer.close()
