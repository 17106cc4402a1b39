"""What the ledger remembers of an exchange whose end nobody wrote, and how records tell it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.audit.bounds import counted
from gateway.exchange import Expected


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """An attempt as the ledger remembers it: its number, `vendor/model`, and what it was expected
    to use where caps count that."""

    attempt: int
    target: str
    expected: Expected | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "PastAttempt":
        """That of an `attempted` record."""
        numbers = body.get("expected")
        if numbers is None:
            return cls(body["attempt"], str(body["target"]))
        expected = Expected(
            numbers["input_tokens"],
            numbers["output_tokens"],
            numbers["cost_nano_usd"],
            tuple(body.get("charged", ())),
        )
        return cls(body["attempt"], str(body["target"]), expected)


@dataclass(frozen=True, slots=True)
class LostExchange:
    """An exchange that was admitted and whose end nobody wrote."""

    exchange_id: str
    team: str | None
    model: str | None
    attempts: tuple[PastAttempt, ...]


def expected_in(expected: Expected) -> dict[str, object]:
    """How an `attempted` record tells it."""
    numbers = {
        "input_tokens": counted(expected.input_tokens),
        "output_tokens": counted(expected.output_tokens),
        "cost_nano_usd": counted(expected.cost_nano_usd),
    }
    return {"expected": numbers, **charged_in(expected)}


def charged_in(expected: Expected) -> dict[str, object]:
    """How records name the accounts that an answer is charged to, beside its team's."""
    return {"charged": list(expected.accounts)} if expected.accounts else {}
