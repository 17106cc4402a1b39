"""Watch the answer of a counting endpoint: one number, in a member that each protocol names."""

from gateway.wire import replies
from gateway.wire.base import Event, NotAReply, ReplyFacts


class CountObserver:
    """Reads a token count, which is never streamed. `member` is where it stands."""

    __slots__ = ("_member", "facts")

    def __init__(self, member: str) -> None:
        self.facts = ReplyFacts()
        self._member = member

    def observe_event(self, event: bytes) -> Event:
        """A count is no stream: whatever comes is passed on."""
        return Event.SUBSTANCE

    def repeats(self, event: bytes) -> bool:
        """Nothing to recognise."""
        return False

    def observe_document(self, body: bytes) -> None:
        """Read a count. Raises `NotAReply` when there is none. Counting uses no tokens."""
        count = replies.figures(replies.decode_loosely(body)).get(self._member)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise NotAReply(f"the body is no token count: it has no '{self._member}'")
        self.facts.is_whole = True
