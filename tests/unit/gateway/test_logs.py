"""Log lines: ours from `info`, the libraries' from `warning`, one line an event."""

import logging
from collections.abc import Iterator

import pytest

from gateway.logs import EventFormatter, set_up_logging
from providers.base import Secret


@pytest.fixture
def logging_set_up() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    set_up_logging()
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.mark.usefixtures("logging_set_up")
@pytest.mark.parametrize(
    "name", ["gatehouse.front", "gateway.configuration.watch", "providers.translator_client"]
)
def test_a_word_of_ours_is_heard_whatever_the_logger_is_called(name: str) -> None:
    assert logging.getLogger(name).isEnabledFor(logging.INFO)


@pytest.mark.usefixtures("logging_set_up")
def test_libraries_are_heard_when_they_warn() -> None:
    assert not logging.getLogger("uvicorn.error").isEnabledFor(logging.INFO)
    assert logging.getLogger("uvicorn.error").isEnabledFor(logging.WARNING)


def test_no_text_of_a_caller_begins_a_line_of_its_own() -> None:
    record = logging.makeLogRecord(
        {"name": "gatehouse.front", "msg": "denied\nforged", "levelname": "INFO", "created": 0.0}
    )
    record.model = "x\n1970-01-01 forged"
    assert EventFormatter().format(record) == (
        "1970-01-01T00:00:00.000+00:00 info gatehouse.front "
        'denied\\nforged model="x\\n1970-01-01 forged"'
    )


def line_of(message: str, *args: object, **extra: object) -> str:
    record = logging.makeLogRecord(
        {"name": "gatehouse.front", "msg": message, "args": args, "levelname": "INFO"}
    )
    vars(record).update(extra)
    return EventFormatter().format(record)


HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\n\x00\x7f\x9b31m\u2028\u202e\ud800"


@pytest.mark.parametrize(
    "line",
    [line_of(HOSTILE), line_of("denied %s", HOSTILE), line_of("denied", model=HOSTILE)],
    ids=["message", "argument", "value"],
)
def test_no_text_of_a_caller_moves_a_terminal_or_breaks_the_line(line: str) -> None:
    assert line.isascii()
    assert line.isprintable()
    assert "\\u001b[2J" in line


def test_a_value_cannot_pretend_to_be_another_field() -> None:
    assert line_of("denied", model='x" team="web').endswith('model="x\\" team=\\"web"')


def test_a_secret_that_is_logged_by_mistake_is_not_shown() -> None:
    line = line_of("target_failed", key=Secret("canary-9d2e"), headers={"k": Secret("canary-9d2e")})
    assert "canary" not in line
    assert line.count("Secret(***)") == 2


def test_an_exception_that_is_its_own_cause_ends_like_any_other() -> None:
    error = ValueError("canary-77aa")
    error.__cause__ = error
    line = line_of("unexpected", exc_info=(ValueError, error, None))
    assert line.endswith('unexpected exception=["ValueError at "]')


@pytest.mark.usefixtures("logging_set_up")
def test_setting_up_twice_says_each_line_once() -> None:
    set_up_logging()
    assert len(logging.root.handlers) == 1
