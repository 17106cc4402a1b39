"""Remember which warnings a session has been told inside its answers: once, and again after a day.

A session is the assistant's own, where it sends an id. Where it sends none, it is all that one key
asks with one assistant, until that has rested for half an hour.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import msgspec

AGAIN_SECONDS: Final = 24 * 3600
REST_SECONDS: Final = 30 * 60
CLAIM_SECONDS: Final = 15 * 60
"""How long an answer may take before its warning is somebody else's: its process may have died."""

MOST_REMEMBERED: Final = 16_384  # warnings of sessions: what is forgotten is told once more


class Session(msgspec.Struct, frozen=True):
    """Whose session it is. `session_id` is the assistant's own; None where it sends none."""

    credential_id: str
    assistant: str
    session_id: str | None


class ToldSessions(Protocol):
    """What sessions have been told. One process keeps it for itself, or replicas share it."""

    @property
    def is_in_use(self) -> bool:
        """Whether any session may have been told something since this process began."""
        ...

    async def claim(
        self, session: Session, rules: Sequence[str], unix_seconds: int
    ) -> frozenset[str]:
        """Which of these rules' warnings this answer is to tell: no other one will, meanwhile."""
        ...

    def settle(self, session: Session, rules: Iterable[str], *, told: bool) -> None:
        """The answer has ended; what it has not told, another may."""
        ...


class _Mark(msgspec.Struct):
    claimed: int  # UTC seconds, as all here
    seen: int
    is_told: bool = False


class InProcessToldSessions:
    """`ToldSessions` of one process, the least used forgotten first."""

    __slots__ = ("_marks", "_most", "is_in_use")

    def __init__(self, most_remembered: int = MOST_REMEMBERED) -> None:
        self.is_in_use = False
        self._marks: dict[tuple[Session, str], _Mark] = {}  # oldest use first
        self._most = most_remembered

    def __len__(self) -> int:
        return len(self._marks)

    async def claim(
        self, session: Session, rules: Sequence[str], unix_seconds: int
    ) -> frozenset[str]:
        """As the port says."""
        self.is_in_use = True
        claimed = [rule for rule in rules if self._claim(session, rule, unix_seconds)]
        while len(self._marks) > self._most:
            del self._marks[next(iter(self._marks))]
        return frozenset(claimed)

    def settle(self, session: Session, rules: Iterable[str], *, told: bool) -> None:
        """As the port says."""
        for rule in rules:
            mark = self._marks.get((session, rule))
            if mark is not None and told:
                mark.is_told = True
            elif mark is not None:
                del self._marks[session, rule]

    def _claim(self, session: Session, rule: str, now: int) -> bool:
        mark = self._marks.pop((session, rule), None)
        if mark is None or not _holds(mark, session, now):
            self._marks[session, rule] = _Mark(now, now)
            return True
        mark.seen = now
        self._marks[session, rule] = mark
        return False


def _holds(mark: _Mark, session: Session, now: int) -> bool:
    if now >= mark.claimed + (AGAIN_SECONDS if mark.is_told else CLAIM_SECONDS):
        return False
    return session.session_id is not None or now < mark.seen + REST_SECONDS
