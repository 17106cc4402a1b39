"""Remember whom and what was denied, so that one who asks again is one denial and not six."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.exchange import Exchange
from policy.types import Deny, Identity, Operation

LIFE_NS: Final = 600 * 10**9
MOST_VERDICTS: Final = 10_000
MOST_TEXT: Final = 4 * 1024 * 1024
"""Characters of reasons and alternatives, of all verdicts together."""

SWEEP_SECONDS: Final = 5.0
PORTION: Final = 200
"""Verdicts that end together: each may write a record, and requests write theirs beside them."""

PORTION_SECONDS: Final = 0.1

TurnMatter = tuple[str, str, Operation, str, str | None, str, frozenset[str]]
"""What was decided on: the turn, the model by the name it was asked for, what it was to do, the
assistant with its version, and for which team and with which roles it was asked: policy may allow
another, so an upgrade, or the same token for another team, is asked anew."""

CallerMatter = tuple[str, str]
"""Who was turned away: the key or token, and why it is no good."""

Matter = TurnMatter | CallerMatter


@dataclass(slots=True)
class Verdict:
    """A turn that was denied, or a caller who was turned away: in which exchange, why, and how
    often it was asked again. A caller has no `turn_id` and no `config_digest`: none makes a key
    good.

    `recorded` is done when the denial is durable; it raises `LedgerUnavailable`. It is awaited by
    several, so always shielded.
    """

    audit_id: str
    matter: Matter
    identity: Identity
    deny: Deny
    recorded: "asyncio.Future[None]"
    ends_ns: int
    turn_id: str | None = None
    config_digest: str | None = None
    times_begun_anew: int = 0
    repeats: int = 0

    @property
    def text_length(self) -> int:
        """How many characters its words have."""
        return len(self.deny.reason) + len(self.deny.alternative or "")


class Verdicts(Protocol):
    """Where verdicts are held. Every request asks, so the answer must stand in memory: one that
    shares them between replicas learns of the others' in the background.
    """

    def find(self, exchange: Exchange) -> Verdict | None:
        """The verdict on this turn under this configuration; None when it is to be decided."""
        ...

    def hold(self, exchange: Exchange, deny: Deny, recorded: "asyncio.Future[None]") -> None:
        """From now on, for ten minutes, this turn is denied; what was held of it before ends."""
        ...

    def find_turned_away(self, identity: Identity, cause: str) -> Verdict | None:
        """The verdict on a caller whose key or token is found no good again, for this cause."""
        ...

    def hold_turned_away(
        self,
        audit_id: str,
        identity: Identity,
        cause: str,
        deny: Deny,
        recorded: "asyncio.Future[None]",
    ) -> None:
        """For ten minutes, what this caller tries is counted: it is on record once."""
        ...

    def count(self, verdict: Verdict) -> None:
        """It is given once more."""
        ...

    def begin_anew(self) -> None:
        """What was held until now is given no more: policy may have become another."""
        ...


Ended = Callable[[Verdict], "asyncio.Future[None]"]
"""Told of each verdict that ends after it was given again; done when that is written."""


class InProcessVerdicts:
    """Verdicts of one process. Beyond the limits the oldest end early: their turns, asked again,
    are decided anew, which costs an event and nothing else.

    `monotonic_ns` never goes back.
    """

    def __init__(
        self,
        monotonic_ns: Callable[[], int],
        ended: Ended,
        *,
        most_verdicts: int = MOST_VERDICTS,
        most_text: int = MOST_TEXT,
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._ended = ended
        self._most_verdicts = most_verdicts
        self._most_text = most_text
        self._held: dict[Matter, Verdict] = {}  # oldest first: all live equally long
        self._text_length = 0
        self._times_begun_anew = 0
        self._sweeping: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._held)

    def find(self, exchange: Exchange) -> Verdict | None:
        """As the port says."""
        verdict = self._find(_matter(exchange)) if self._held else None
        if verdict is None or verdict.config_digest != exchange.config_digest:
            return None
        return verdict if verdict.times_begun_anew == self._times_begun_anew else None

    def hold(self, exchange: Exchange, deny: Deny, recorded: "asyncio.Future[None]") -> None:
        """As the port says."""
        self._hold(
            Verdict(
                audit_id=exchange.id,
                matter=_matter(exchange),
                identity=exchange.identity,
                config_digest=exchange.config_digest,
                deny=deny,
                recorded=recorded,
                ends_ns=self._monotonic_ns() + LIFE_NS,
                turn_id=exchange.turn_id,
                times_begun_anew=self._times_begun_anew,
            )
        )

    def find_turned_away(self, identity: Identity, cause: str) -> Verdict | None:
        """As the port says."""
        return self._find((identity.credential_id, cause))

    def hold_turned_away(
        self,
        audit_id: str,
        identity: Identity,
        cause: str,
        deny: Deny,
        recorded: "asyncio.Future[None]",
    ) -> None:
        """As the port says."""
        self._hold(
            Verdict(
                audit_id=audit_id,
                matter=(identity.credential_id, cause),
                identity=identity,
                deny=deny,
                recorded=recorded,
                ends_ns=self._monotonic_ns() + LIFE_NS,
            )
        )

    def count(self, verdict: Verdict) -> None:
        """As the port says."""
        verdict.repeats += 1

    def begin_anew(self) -> None:
        """As the port says; the counts of what was held are written when its time is over."""
        self._times_begun_anew += 1

    def sweep(self) -> bool:
        """End verdicts whose time is over, a portion of them; True while there are more."""
        now = self._monotonic_ns()
        for _ in range(PORTION):
            oldest = next(iter(self._held.values()), None)
            if oldest is None or now < oldest.ends_ns:
                return False
            self._end(oldest.matter)
        return True

    def start(self) -> None:
        """Sweep from now on."""
        self._sweeping = asyncio.get_running_loop().create_task(
            self._sweep_forever(), name="verdict-sweeping"
        )

    async def stop(self) -> None:
        """Stop sweeping, and end every verdict; a count that cannot be written is let go."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        while self._held:
            written = [self._end(matter) for matter in tuple(self._held)[:PORTION]]
            await asyncio.gather(*[each for each in written if each], return_exceptions=True)

    async def _sweep_forever(self) -> None:
        is_behind = False
        while True:
            await asyncio.sleep(PORTION_SECONDS if is_behind else SWEEP_SECONDS)
            is_behind = self.sweep()

    def _find(self, matter: Matter) -> Verdict | None:
        verdict = self._held.get(matter)
        if verdict is None or self._monotonic_ns() >= verdict.ends_ns:
            return None
        return verdict if _holds(verdict) else None

    def _hold(self, verdict: Verdict) -> None:
        if verdict.matter in self._held:
            self._end(verdict.matter)
        self._held[verdict.matter] = verdict
        self._text_length += verdict.text_length
        while len(self._held) > self._most_verdicts or self._text_length > self._most_text:
            self._end(next(iter(self._held)))

    def _end(self, matter: Matter) -> "asyncio.Future[None] | None":
        verdict = self._held.pop(matter)
        self._text_length -= verdict.text_length
        return self._ended(verdict) if verdict.repeats else None


def _matter(exchange: Exchange) -> TurnMatter:
    facts, assistant, identity = exchange.facts, exchange.assistant, exchange.identity
    return (
        exchange.turn_id,
        facts.asked_model,
        facts.operation,
        assistant.name,
        assistant.version,
        identity.team,
        identity.roles,
    )


def _holds(verdict: Verdict) -> bool:
    """False for a verdict that no device of the ledger took: nobody was told it."""
    recorded = verdict.recorded
    return not recorded.done() or (not recorded.cancelled() and recorded.exception() is None)
