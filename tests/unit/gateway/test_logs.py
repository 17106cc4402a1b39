"""Log lines: ours from `info`, the libraries' from `warning`, one line an event."""

import logging
from collections.abc import Iterator

import pytest

from gateway.logs import EventFormatter, set_up_logging


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
