"""Log lines: one event a line on stderr, `time level logger event key=value`, never forged."""

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime

FRAMES_SHOWN = 12
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

OURS = ("gatehouse", "gateway", "providers")


class EventFormatter(logging.Formatter):
    """Values are JSON, so that no caller's text can begin a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """One line. Of an exception its type and where it happened: its text may hold a prompt."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {key: value for key, value in vars(record).items() if key not in STANDARD}
        if record.exc_info and record.exc_info[1] is not None:
            fields["exception"] = list(_chain(record.exc_info[1]))
        told = "".join(f" {key}={json.dumps(value, default=str)}" for key, value in fields.items())
        event = json.dumps(record.getMessage())[1:-1]
        return f"{time} {record.levelname.lower()} {record.name} {event}{told}"


def set_up_logging(level: int = logging.WARNING) -> None:
    """Send every log line to stderr in this form; ours from `info`, the libraries' from `level`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(EventFormatter())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for ours in OURS:
        logging.getLogger(ours).setLevel(logging.INFO)


def _chain(error: BaseException) -> Iterator[str]:
    """The exception and what caused it: type, then innermost frames first."""
    told: list[BaseException] = []
    seen: BaseException | None = error
    while seen is not None and seen not in told:  # `raise error from error` is its own cause
        told.append(seen)
        frames = reversed(traceback.extract_tb(seen.__traceback__)[-FRAMES_SHOWN:])
        where = " < ".join(f"{each.filename}:{each.lineno} {each.name}" for each in frames)
        yield f"{type(seen).__name__} at {where}"
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
