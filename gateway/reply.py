"""A reply as it arrives: bytes in, classified events out."""

import msgspec

from gateway.wire.base import Event, NotAReply, Observer
from gateway.wire.sse import EventTooLarge, Splitter
from providers.base import ByteStream
from providers.errors import ProviderError, ProviderRejected, ProviderUnavailable, ReplyCut

DOCUMENT_LIMIT_BYTES = 64 * 1024 * 1024
PREAMBLE_LIMIT_BYTES = 1024 * 1024

Events = list[tuple[Event, bytes]]
"""Whole events in order, each with what it is to the relay."""


class Reply(msgspec.Struct):
    """What a target answered, once it is known to be an answer."""

    target_name: str
    dropped: tuple[str, ...]
    body: ByteStream
    observer: Observer


class WholeReply(Reply):
    """A non-streamed answer, read to its end."""

    document: bytes = b""

    async def read(self) -> None:
        """Read it all. Raises `ProviderUnavailable` when it is no reply of this protocol."""
        pieces: list[bytes] = []
        size = 0
        try:
            while piece := await self.body.read():
                pieces.append(piece)
                size += len(piece)
                if size > DOCUMENT_LIMIT_BYTES:
                    raise ProviderUnavailable("the answer is too large", target=self.target_name)
        finally:
            await self.body.aclose()
        self.document = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        try:
            self.observer.observe_document(self.document)
        except NotAReply as error:
            raise ProviderUnavailable(str(error), target=self.target_name) from error


class StreamedReply(Reply):
    """A streamed answer. `opening` are its first events, up to the first that says something."""

    splitter: Splitter = msgspec.field(default_factory=Splitter)
    opening: Events = []

    async def open(self) -> None:
        """Read up to the first real event, so that another target can still be tried.

        Raises `ProviderUnavailable` when the stream opens with an error, ends empty or says
        nothing at length, `ProviderRejected` when it opens with a refusal of the request.
        """
        left = PREAMBLE_LIMIT_BYTES
        while left > 0:
            events = await self.next_events()
            if events is None:
                raise ProviderUnavailable("the answer ended empty", target=self.target_name)
            self.opening.extend(events)
            for kind, event in events:
                left -= len(event)
                if kind is Event.FAILURE or kind is Event.REFUSAL:
                    raise self._opening_failure(kind)
                if kind is not Event.PREAMBLE and kind is not Event.WITHHELD:
                    return
        raise ProviderUnavailable("the answer does not begin", target=self.target_name)

    def _opening_failure(self, kind: Event) -> ProviderError:
        told = self.observer.facts.failure or "no reason given"
        if kind is Event.REFUSAL:
            body = msgspec.json.encode({"message": told})
            return ProviderRejected(400, (), body, same_protocol=False, target=self.target_name)
        message = f"it answered with an error: {told}"
        return ProviderUnavailable(message, target=self.target_name)

    async def next_events(self) -> Events | None:
        """The events that arrived next, each classified; None at the proper end.

        Raises `ReplyCut` or `ProviderTimeout` (from the sender).
        """
        data = await self.body.read()
        if not data:  # what is left is the event that a lone CR kept waiting, or half an event
            last, _ = self.splitter.finish()
            return self._observe(last) or None
        return self.events_in(data)

    def events_in(self, data: bytes) -> Events:
        """The events that a read completes, each classified. Raises `ReplyCut`."""
        try:
            return self._observe(self.splitter.feed(data))
        except EventTooLarge as error:
            raise ReplyCut(str(error), target=self.target_name) from error

    def _observe(self, events: list[bytes]) -> Events:
        """Classify each; what follows an end or a failure in one read is no part of the reply."""
        seen: Events = []
        for event in events:
            kind = self.observer.observe_event(event)
            seen.append((kind, event))
            if kind is Event.END or kind is Event.FAILURE:
                break
        return seen
