"""A stream as one JSON array, its items sent as they come: Gemini's streams without `alt=sse`."""

from gateway.wire.sse import Splitter, data_of


class JsonArray:
    """Frames the events of one stream as the items of an array (`gateway.wire.base.Framing`)."""

    content_type = b"application/json; charset=utf-8"

    __slots__ = ("_lead", "_splitter")

    def __init__(self) -> None:
        self._splitter = Splitter()
        self._lead = b"["

    def frame(self, events: bytes) -> bytes:
        """The data of whole events as further items; `b""` when they have none."""
        items: list[bytes] = []
        for event in self._splitter.feed(events):
            _, data = data_of(event)
            if data is not None:
                items += (self._lead, data)
                self._lead = b",\r\n"
        return b"".join(items)

    def finish(self) -> bytes:
        """The end of the array, and its beginning where no item came."""
        return b"]" if self._lead != b"[" else b"[]"
