"""A cap without room, put in words: what there is, what is left, when there is more. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime

from policy.types import Cap, Deny, Pace, Period, Unit, Window

LONGEST_RETRY_SECONDS = 20
"""Assistants wait this long and come back; a longer `retry-after` makes some of them hang."""

_RULES = {
    Unit.REQUESTS: "rates",
    Unit.TOKENS: "rates",
    Unit.PARALLEL: "parallel",
    Unit.NANO_USD: "budget",
}
UNKNOWN_RETRY_SECONDS = 5
"""When to ask again where nobody can say what has been used."""

_SLIDING = {
    Period.MINUTE: "60 seconds",
    Period.HOUR: "60 minutes",
    Period.DAY: "24 hours",
    Period.WEEK: "7 days",
    Period.MONTH: "30 days",
}
_WHO = re.compile(r"(?:^| )(team|user|key|assistant|model|vendor|target):")


@dataclass(frozen=True, slots=True)
class Refused:
    """The cap that has no room: what was needed, what is left, and when there is room again.

    `retry_after_seconds` is None when waiting does not help, or nobody knows how long. `is_unknown`
    when nobody can say now what has been used: then nothing more may be.
    """

    cap: Cap
    needed: int
    left: int
    retry_after_seconds: int | None = None
    resets_at: datetime | None = None
    is_unknown: bool = False


def unknown(cap: Cap, needed: int) -> Refused:
    """The refusal where nobody can say what has been used."""
    return Refused(cap, needed, 0, UNKNOWN_RETRY_SECONDS, is_unknown=True)


def refusal_of(refused: Refused) -> tuple[Deny, int | None]:
    """The refusal as policy's own value, and the seconds to wait where that is soon enough."""
    seconds = refused.retry_after_seconds
    if seconds is not None and seconds > LONGEST_RETRY_SECONDS:
        seconds = None
    reason, alternative = _words(refused, seconds)
    return Deny(_RULES[refused.cap.unit], reason, alternative, _code(refused), lasts=False), seconds


def warning_left_out(refused: Refused) -> str:
    """What is said beside an answer when a cap took some targets out."""
    cap = refused.cap
    if refused.is_unknown:
        told = f"what {who(cap.account)} has used cannot be looked up at the moment"
        return f"{', '.join(cap.targets)} left out: {told}"
    return (
        f"{', '.join(cap.targets)} left out: {who(cap.account)} has used up its "
        f"{_amount(cap, cap.amount)} {_over(cap.window)}{_reset_on(refused.resets_at, '; ')}"
    )


def warning_nearly_used_up(cap: Cap, resets_at: datetime | None) -> str:
    """What is said beside an answer when little is left. The same until the window ends."""
    return (
        f"{who(cap.account)} has used more than 80 % of its {_amount(cap, cap.amount)} "
        f"{_over(cap.window)}{_reset_on(resets_at, '; ')}"
    )


def who(account: str) -> str:
    """An account for people: `user ada, model coder (rule few)`."""
    told = _WHO.sub(lambda found: f", {found[1]} ", account).removeprefix(", ")
    return f"everybody{told.removeprefix('together')}" if told.startswith("together") else told


def _code(refused: Refused) -> str:
    if refused.is_unknown:
        return "caps_unavailable"
    return "budget_exceeded" if refused.cap.unit is Unit.NANO_USD else "rate_limited"


def _words(refused: Refused, seconds: int | None) -> tuple[str, str]:
    cap, name = refused.cap, who(refused.cap.account)
    if refused.is_unknown:
        capped = f"{name} may use {_amount(cap, cap.amount)} {_each(cap.window)}"
        reason = f"{capped}, and what it has used cannot be looked up at the moment"
        return reason, f"try again in {seconds} s, or tell the gateway's operator"
    if cap.unit is Unit.PARALLEL:
        reason = f"{name} already has {cap.amount:,} requests running at the same time"
        if cap.amount == 1:
            reason = f"{name} already has a request running; only one at a time may"
        return reason, "try again when one of them has ended"
    if refused.needed > cap.amount:
        return (
            f"{_needs(refused)}; {name} may use {_amount(cap, cap.amount)} {_each(cap.window)}",
            "start a new session, or ask the gateway's operator for a higher limit",
        )
    if cap.unit is Unit.REQUESTS:
        is_even = cap.window.pace is Pace.EVEN
        over = _each(cap.window) if is_even else _over(cap.window)
        reason = f"{name} has used its {_amount(cap, cap.amount)} {over}"
    elif cap.unit is Unit.TOKENS:
        left = f"{refused.left:,} of {cap.amount:,} left {_over(cap.window)}"
        reason = f"{_needs(refused)}; {name} has {left}"
    else:
        left = f"{_usd(refused.left)} of {_usd(cap.amount)} left {_over(cap.window)}"
        reason = f"{name} has {left}, and {_needs(refused)}"
    return reason, _later(refused, seconds)


def _needs(refused: Refused) -> str:
    if refused.cap.unit is Unit.NANO_USD:
        return f"this request may cost {_usd(refused.needed, up=True)}"
    return f"this request needs about {refused.needed:,} tokens"


def _later(refused: Refused, seconds: int | None) -> str:
    """When there is room again. A budget can be raised, too; a rate comes back by itself."""
    if seconds is not None:
        return f"try again in {seconds} s"
    if refused.resets_at is None:
        wait = refused.retry_after_seconds
        return "try again later" if wait is None else f"try again in {wait} s"
    slides = refused.cap.window.pace is Pace.SLIDING
    when = f"{refused.resets_at:%Y-%m-%d %H:%M} UTC"
    back = f"there is room again at {when}" if slides else f"it resets on {when}"
    return f"{back}; the gateway's operator can raise it"


def _amount(cap: Cap, amount: int) -> str:
    return _usd(amount) if cap.unit is Unit.NANO_USD else f"{amount:,} {cap.unit.value}"


def _each(window: Window) -> str:
    if window.pace is Pace.SLIDING:
        return f"in {_SLIDING[window.period]}"
    return f"{'an' if window.period is Period.HOUR else 'a'} {window.period.value}"


def _over(window: Window) -> str:
    if window.pace is Pace.SLIDING:
        return f"in the last {_SLIDING[window.period]}"
    return "today" if window.period is Period.DAY else f"this {window.period.value}"


def _reset_on(resets_at: datetime | None, joined: str) -> str:
    return f"{joined}it resets on {resets_at:%Y-%m-%d %H:%M} UTC" if resets_at else ""


def _usd(nano_usd: int, *, up: bool = False) -> str:
    """Dollars to a hundredth of a cent; what is left is rounded down, what is needed up."""
    tenth_mills = -(-nano_usd // 100_000) if up else nano_usd // 100_000
    whole, part = divmod(tenth_mills, 10_000)
    return f"${whole:,}.{part // 100:02d}" if part % 100 == 0 else f"${whole:,}.{part:04d}"
