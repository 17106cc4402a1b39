"""Finance gets one header for ever, exact money, and cells that carry nothing out."""

import csv
import io

import pytest

from gateway.cli.usage_csv import HEADER, decimal_usd, harmless, write_csv
from gateway.usage import Asked, UsageRow, Used
from tests.fakes.used import HOUR, NOON

ASKED = Asked(NOON, NOON + HOUR)


def written(*rows: UsageRow) -> str:
    to = io.StringIO(newline="")
    write_csv(rows, ASKED, to)
    return to.getvalue()


def test_the_header_is_the_one_that_was_promised() -> None:
    assert written() == (
        "since,until,day,team,user,kind,model,assistant,vendor,target,requests,denied,failed,"
        "unpriced,input_tokens,cache_read_tokens,cache_write_tokens,output_tokens,cost_nano_usd,"
        "total_tokens,cost_usd\r\n"
    )


def test_what_is_not_grouped_by_stays_empty() -> None:
    row = UsageRow({"team": "web"}, Used(requests=3, denied=1, output_tokens=7, cost_nano_usd=5))
    (_, cells) = csv.reader(io.StringIO(written(row)))
    found = dict(zip(HEADER, cells, strict=True))
    assert (found["team"], found["user"], found["day"]) == ("web", "", "")
    assert (found["since"], found["until"]) == ("2026-09-22T12:00:00Z", "2026-09-22T13:00:00Z")
    assert (found["requests"], found["total_tokens"]) == ("3", "7")
    assert (found["cost_nano_usd"], found["cost_usd"]) == ("5", "0.000000005")


@pytest.mark.parametrize("name", ['a, "b"', "ü", "x\ny"])
def test_a_name_comes_back_as_it_was(name: str) -> None:
    (_, cells) = csv.reader(io.StringIO(written(UsageRow({"user": name}, Used())), newline=""))
    assert cells[HEADER.index("user")] == name


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1"])
def test_a_formula_is_a_text(name: str) -> None:
    assert harmless(name) == "'" + name
    assert f"'{name}" in written(UsageRow({"user": name}, Used()))


def test_money_is_exact() -> None:
    assert decimal_usd(12_345_678_901_234_567) == "12345678.901234567"
    assert decimal_usd(0) == "0.000000000"
