"""A span of time is read as people write it, and every exchange in it is handed over."""

import pytest

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.traffic import Span, count_exchanges, span_of
from tests.fakes.recorded_traffic import a_request, bodies_of, moment
from tests.unit.gateway.cli.conftest import CommandLine


def test_a_span_is_from_a_day_to_another_or_until_now() -> None:
    span = span_of("2026-06-01", "2026-07-01T12:00:00Z")
    assert span == Span(moment("2026-06-01T00:00") * 10**6, moment("2026-07-01T12:00") * 10**6)
    lately = span_of("2h", None)
    assert lately.until_unix_us - lately.since_unix_us == 7_200_000_000
    with pytest.raises(CommandFailed):
        span_of("lately", None)


def test_every_exchange_of_the_span_is_handed_over(
    command_line: CommandLine, capsys: pytest.CaptureFixture[str]
) -> None:
    command_line.make_folder()
    for number, day in enumerate(("01", "02", "03")):
        request = a_request(f"2026-06-{day}T12:00", subject=f"user{day}")
        command_line.record(*bodies_of(request, number))
    found: list[str | None] = []
    count_exchanges(
        command_line.data,
        span_of("2026-06-02", "2026-06-03"),
        lambda each: found.append(each.request.subject),
    )
    assert found == ["user02"]
    assert "1 exchanges in " in capsys.readouterr().err


def test_a_folder_that_no_gateway_has_used_is_refused(command_line: CommandLine) -> None:
    with pytest.raises(CommandFailed) as refused:
        count_exchanges(command_line.data, span_of("30d", None), lambda each: None)
    assert refused.value.code == Exit.DATA
