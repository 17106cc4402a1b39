"""What people write becomes caps: unit, amount and window of each, in one vocabulary."""

from decimal import Decimal

import pytest

from policy.caps import Amounts, account
from policy.document import AmountsDocument
from policy.types import Cap, Pace, Period, Unit, Window


def amounts(*units: Unit, zone: str = "UTC", **written: object) -> Amounts:
    return Amounts.of(AmountsDocument.model_validate(written), zone, *units)


@pytest.mark.parametrize(
    ("name", "unit", "window"),
    [
        ("requests_per_minute", Unit.REQUESTS, "minute"),
        ("requests_per_hour", Unit.REQUESTS, "sliding_hour"),
        ("requests_per_day", Unit.REQUESTS, "calendar_day_utc"),
        ("requests_per_week", Unit.REQUESTS, "calendar_week_utc"),
        ("requests_per_month", Unit.REQUESTS, "calendar_month_utc"),
        ("tokens_per_minute", Unit.TOKENS, "minute"),
        ("tokens_per_hour", Unit.TOKENS, "sliding_hour"),
        ("tokens_per_day", Unit.TOKENS, "calendar_day_utc"),
        ("tokens_per_week", Unit.TOKENS, "calendar_week_utc"),
        ("tokens_per_month", Unit.TOKENS, "calendar_month_utc"),
        ("usd_per_minute", Unit.NANO_USD, "sliding_minute"),
        ("usd_per_hour", Unit.NANO_USD, "sliding_hour"),
        ("usd_per_day", Unit.NANO_USD, "calendar_day_utc"),
        ("usd_per_week", Unit.NANO_USD, "calendar_week_utc"),
        ("usd_per_month", Unit.NANO_USD, "calendar_month_utc"),
        ("parallel", Unit.PARALLEL, "now"),
    ],
)
def test_every_word_means_a_unit_and_a_window(name, unit, window):
    ((found_unit, amount, found_window),) = amounts(**{name: 7}).amounts
    assert (found_unit, found_window.label) == (unit, window)
    assert amount == (7_000_000_000 if unit is Unit.NANO_USD else 7)


def test_every_word_there_is_limits_something():
    words = set(AmountsDocument.model_fields) - {"window", "strict"}
    assert len(amounts(**dict.fromkeys(words, 1)).amounts) == len(words) == 16


@pytest.mark.parametrize("pace", list(Pace)[1:])
def test_a_window_that_is_named_holds_for_every_amount(pace):
    found = amounts(requests_per_minute=1, tokens_per_day=1, usd_per_hour=1, window=pace.value)
    assert {window.pace for _, _, window in found.amounts} == {pace}


def test_a_time_zone_is_that_of_calendars_only():
    found = amounts(tokens_per_day=1, tokens_per_hour=1, zone="Europe/Berlin")
    assert [window.label for _, _, window in found.amounts] == [
        "sliding_hour",
        "calendar_day Europe/Berlin",
    ]


def test_some_units_can_be_picked_out():
    written = {"requests_per_day": 3, "parallel": 2, "usd_per_day": Decimal("0.5")}
    assert amounts(Unit.PARALLEL, **written).amounts == ((Unit.PARALLEL, 2, Window.NOW),)
    assert not amounts(Unit.TOKENS, **written)
    assert amounts(Unit.NANO_USD, **written).has_money
    assert not amounts(Unit.REQUESTS, **written).has_money


def test_caps_have_their_account_their_targets_and_their_strictness():
    found = amounts(usd_per_day=1, strict=True).caps("user:ada", ("a/x",))
    day = Window(Period.DAY)
    assert found == (Cap("user:ada", Unit.NANO_USD, 1_000_000_000, day, ("a/x",), True),)


def test_an_account_is_named_by_its_parts_and_where_it_belongs():
    assert account([("user", "ada")]) == "user:ada"
    assert account([("user", "ada"), ("model", "m")], "rule r") == "user:ada model:m (rule r)"
    assert account([("together", "")], "rule r") == "together (rule r)"


def test_whatever_somebody_is_called_an_account_is_one_line_of_text():
    assert account([("user", "a\nb\0")]) == "user:a\\nb\\x00"
    one, other = (account([("user", "x" * 500 + end)]) for end in "ab")
    assert one != other
    assert len(one) < 150
    assert account([("user", "ü" * 100)]) == "user:" + "ü" * 100
