"""Log lines: one event a line on stderr, `time level logger event key=value`, never forged."""

import json
import logging
import sys
from datetime import UTC, datetime

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

OURS = ("gatehouse", "gateway", "providers")


class EventFormatter(logging.Formatter):
    """Values are JSON, so that no caller's text can begin a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback, if there is one, is folded into it."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {key: value for key, value in vars(record).items() if key not in STANDARD}
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
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
