"""A cap without room, put in words: what there is, what is left, when there is more. Pure."""

from dataclasses import dataclass
from datetime import datetime

from policy.types import Cap, Deny, Unit

LONGEST_RETRY_SECONDS = 20
"""Assistants wait this long and come back; a longer `retry-after` makes some of them hang."""

_RULES = {
    Unit.REQUESTS: "rates",
    Unit.TOKENS: "rates",
    Unit.PARALLEL: "parallel",
    Unit.NANO_USD: "budget",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """The cap that has no room: what was needed, what is left, and when there is room again.

    `retry_after_seconds` is None when waiting does not help before `resets_at`, or ever.
    """

    cap: Cap
    needed: int
    left: int
    retry_after_seconds: int | None = None
    resets_at: datetime | None = None


def refusal_of(refused: Refused) -> tuple[Deny, int | None]:
    """The refusal as policy's own value, and the seconds to wait where that is soon enough."""
    reason, alternative = _words(refused)
    code = "budget_exceeded" if refused.cap.unit is Unit.NANO_USD else "rate_limited"
    seconds = refused.retry_after_seconds
    if seconds is not None and seconds > LONGEST_RETRY_SECONDS:
        seconds = None
    deny = Deny(_RULES[refused.cap.unit], reason, alternative, code, lasts=False)
    return deny, seconds


def _words(refused: Refused) -> tuple[str, str]:
    cap = refused.cap
    who = cap.account.replace(":", " ", 1)
    match cap.unit:
        case Unit.REQUESTS:
            return f"{who} has used its {cap.amount:,} requests a minute", _again(refused)
        case Unit.TOKENS:
            return _token_words(refused, who)
        case Unit.PARALLEL:
            reason = f"{who} already has {cap.amount:,} requests running at the same time"
            return reason, "try again when one of them has ended"
        case Unit.NANO_USD:
            return _money_words(refused, who)


def _token_words(refused: Refused, who: str) -> tuple[str, str]:
    amount = refused.cap.amount
    needs = f"this request needs about {refused.needed:,} tokens"
    if refused.retry_after_seconds is None:
        return (
            f"{needs}; {who} may use {amount:,} a minute",
            "start a new session, or ask the gateway's operator for a higher limit",
        )
    return f"{needs}; {who} has {refused.left:,} of {amount:,} left this minute", _again(refused)


def _money_words(refused: Refused, who: str) -> tuple[str, str]:
    reset = f"{refused.resets_at:%Y-%m-%d %H:%M} UTC" if refused.resets_at else "next month"
    return (
        f"{who} has {_usd(refused.left)} of {_usd(refused.cap.amount)} left this month, "
        f"and this request may cost {_usd(refused.needed, up=True)}",
        f"the budget resets on {reset}; the gateway's operator can raise it",
    )


def _again(refused: Refused) -> str:
    return f"try again in {refused.retry_after_seconds} s"


def _usd(nano_usd: int, *, up: bool = False) -> str:
    """Dollars to a hundredth of a cent; what is left is rounded down, what is needed up."""
    tenth_mills = -(-nano_usd // 100_000) if up else nano_usd // 100_000
    return f"${tenth_mills // 10_000:,}.{tenth_mills % 10_000:04d}"
