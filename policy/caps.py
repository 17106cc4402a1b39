"""Make caps of the amounts that people write, and name the accounts they are counted for."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Self

from policy.document import AmountsDocument, nano_usd
from policy.types import Cap, Pace, Period, Unit, Window

LONGEST_NAME = 100
"""Characters kept of what somebody is called; the rest is told apart by a digest."""

MOST_REMEMBERED = 4096
"""Whose caps are kept ready: making them costs more than to look them up."""

PERIODS = (Period.MINUTE, Period.HOUR, Period.DAY, Period.WEEK, Period.MONTH)

_RATES = ((Unit.REQUESTS, "requests_per_"), (Unit.TOKENS, "tokens_per_"))


@dataclass(frozen=True, slots=True)
class Amounts:
    """What may be used of what, over what time: caps that still lack their account."""

    amounts: tuple[tuple[Unit, int, Window], ...]
    is_strict: bool = False

    @classmethod
    def of(cls, written: AmountsDocument, time_zone: str, *units: Unit) -> Self:
        """The amounts of these units; of all when none is named."""
        found = _amounts(written, time_zone)
        wanted = units or tuple(Unit)
        return cls(tuple(each for each in found if each[0] in wanted), written.strict)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.amounts)

    @property
    def has_money(self) -> bool:
        """Whether money is limited, so that only what has a price may be used."""
        return any(unit is Unit.NANO_USD for unit, _, _ in self.amounts)

    def caps(self, account: str, targets: tuple[str, ...] = ()) -> tuple[Cap, ...]:
        """The caps of an account; they count what these targets answer, or all do."""
        return tuple(
            [
                Cap(account, unit, amount, window, targets, self.is_strict)
                for unit, amount, window in self.amounts
            ]
        )


def account(parts: Iterable[tuple[str, str]], within: str = "") -> str:
    """The name of an account: `user:ada`, `user:ada model:coder (rule few)`.

    One line of text that a record keeps whole, whatever somebody is called.
    """
    named = " ".join([f"{kind}:{_line(name)}" if name else kind for kind, name in parts])
    return f"{named} ({within})" if within else named


def _line(name: str) -> str:
    if not name.isprintable():
        name = name.encode("unicode_escape").decode("ascii")
    if len(name) <= LONGEST_NAME:
        return name
    told_apart = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[:LONGEST_NAME]}...{told_apart}"


def _amounts(written: AmountsDocument, time_zone: str) -> Iterator[tuple[Unit, int, Window]]:
    for unit, prefix in _RATES:
        for period in PERIODS:
            amount = getattr(written, prefix + period.value)
            if amount is not None:
                pace = written.window or _usual_pace(period, even=period is Period.MINUTE)
                yield unit, amount, _window(period, Pace(pace), time_zone)
    if written.parallel is not None:
        yield Unit.PARALLEL, written.parallel, Window.NOW
    for period in PERIODS:
        usd = getattr(written, f"usd_per_{period.value}")
        if usd is not None:
            pace = written.window or _usual_pace(period, even=False)
            yield Unit.NANO_USD, nano_usd(usd), _window(period, Pace(pace), time_zone)


def _usual_pace(period: Period, *, even: bool) -> Literal["even", "sliding", "calendar"]:
    if even:
        return "even"
    return "sliding" if period in (Period.MINUTE, Period.HOUR) else "calendar"


def _window(period: Period, pace: Pace, time_zone: str) -> Window:
    return Window(period, pace, time_zone if pace is Pace.CALENDAR else "UTC")
