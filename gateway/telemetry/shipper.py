"""The process that ships telemetry: `python -m gateway.telemetry --data D --endpoint URL`.

It holds nothing that the ledger does not: killed at any moment, it goes on where its cursor stands.
With `--supervised` its standard input carries one JSON line of secrets and then stays open; when it
ends, the gateway is gone and so is this process.
"""

import argparse
import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from gateway.database_address import DatabaseAddress
from gateway.logs import set_up_logging
from gateway.settings import database_url, environment
from gateway.telemetry.encode import Encoder
from gateway.telemetry.endpoint import BadEndpoint, Endpoint, OtlpProtocol, read_endpoint
from gateway.telemetry.handover import Secrets
from gateway.telemetry.otlp import make_exporter
from gateway.telemetry.pseudonym import KEY_BYTES, pseudonyms
from gateway.telemetry.shiploop import Pace, ShipLoop, Source
from gateway.telemetry.source import LedgerSource

EXPORT_TIMEOUT_SECONDS = 10.0
LAST_WORDS_SECONDS = 3  # from being asked to stop to being stopped by the kernel
POLITE = 10  # where a system knows nothing better: a tenth of the core beside a busy gateway
_BAD_USAGE = 2


class StopSignal:
    """Waits that end at once when the process is asked to stop.

    From that moment the process has `LAST_WORDS_SECONDS` to live: SIGALRM, left to the kernel,
    ends it even if a library does not come back.
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self._asked = False
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, self._ask)

    def _ask(self, _number: int, _frame: object) -> None:
        if not self._asked:
            self._asked = True
            signal.alarm(LAST_WORDS_SECONDS)
            os.write(self._write, b".")

    def wait(self, seconds: float) -> bool:
        """True once asked to stop, at the latest after `seconds`."""
        if not self._asked:
            select.select([self._read], [], [], seconds)
        return self._asked

    def follow(self, descriptor: int) -> None:
        """Ask to stop when this pipe ends: whoever held its other end is gone.

        A terminal's interrupt is then left to that one, who may have more to write.
        """
        signal.signal(signal.SIGINT, signal.SIG_IGN)

        def watch() -> None:
            while os.read(descriptor, 4096):
                pass
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    pace = Pace()
    parser = argparse.ArgumentParser(prog="gateway.telemetry", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the data folder of the gateway")
    parser.add_argument("--endpoint", default="", help="OTLP endpoint: http://127.0.0.1:4317")
    parser.add_argument("--protocol", type=OtlpProtocol, choices=tuple(OtlpProtocol))
    parser.add_argument("--ca-file", type=Path, help="certificate authorities for https")
    parser.add_argument("--lane", default="", help="the lane that the gateway beside us writes")
    parser.add_argument("--key-file", type=Path, help="key for pseudonyms, 32 bytes or more")
    parser.add_argument("--supervised", action="store_true", help="secrets come on standard input")
    parser.add_argument("--background", action="store_true", help="work where a core is idle only")
    parser.add_argument("--idle-seconds", type=float, default=pace.idle_seconds)
    parser.add_argument("--backoff-seconds", type=float, default=pace.longest_backoff_seconds)
    parser.add_argument("--timeout-seconds", type=float, default=EXPORT_TIMEOUT_SECONDS)
    return parser.parse_args(argv)


def _secrets(arguments: argparse.Namespace, protocol: OtlpProtocol | None) -> Secrets:
    """Raises `ValueError`, `KeyError`, `TypeError` or `OSError` when there is no usable key."""
    if arguments.supervised:
        return Secrets.from_line(sys.stdin.buffer.readline())
    if arguments.key_file is not None:
        return Secrets(arguments.key_file.read_bytes().strip())
    if protocol is OtlpProtocol.NONE:
        return Secrets(os.urandom(KEY_BYTES))
    raise ValueError("--key-file is needed, so that users leave under pseudonyms")


def _endpoint(arguments: argparse.Namespace, secrets: Secrets) -> Endpoint:
    return read_endpoint(
        arguments.endpoint,
        protocol=arguments.protocol,
        headers=secrets.headers,
        ca_file=arguments.ca_file,
    )


def _source(arguments: argparse.Namespace, secrets: Secrets, endpoint: Endpoint) -> Source:
    """The database that was handed over, or that the environment names; else the folder's file.

    Raises `ValueError` for an address that is none.
    """
    sink = "none" if endpoint.protocol is OtlpProtocol.NONE else "otlp"
    database = secrets.database if arguments.supervised else database_url(environment())
    if database is None:
        return LedgerSource(arguments.data, sink)
    from gateway.telemetry.postgres_source import PostgresSource  # 5 MB, where it is used only

    return PostgresSource(DatabaseAddress.read(database), sink, arguments.lane)


def stand_apart() -> None:
    """Be a process group: what a shell or `timeout` sends to the gateway's is the gateway's to
    handle. Not a session: those the kernel weighs apart (docs/decisions/0032).
    """
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)


def step_back() -> None:
    """Leave the core to the gateway: work where it would be idle, and give way at once.

    Spans can wait, the ledger has what they tell. It counts only among processes that the kernel
    weighs together, as those of one session are (docs/decisions/0032). A sandbox that forbids it
    has its reasons, and the spans go out all the same.
    """
    os.nice(POLITE)
    if hasattr(os, "SCHED_IDLE"):  # Linux
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def main(argv: Sequence[str]) -> int:
    """Ship until asked to stop. Returns the exit code: 0, or 2 when the arguments cannot work."""
    stop = StopSignal()
    set_up_logging()
    arguments = _arguments(argv)
    try:
        secrets = _secrets(arguments, arguments.protocol)
        endpoint = _endpoint(arguments, secrets)
        pseudonym = pseudonyms(secrets.pseudonym_key)
        source = _source(arguments, secrets, endpoint)
    except (BadEndpoint, ValueError, KeyError, TypeError, OSError) as error:
        logging.getLogger(__name__).error("shipper_refused", extra={"error": str(error)})
        return _BAD_USAGE
    if arguments.supervised:
        stop.follow(sys.stdin.fileno())
        stand_apart()
    if arguments.background:
        step_back()
    loop = ShipLoop(
        source,
        make_exporter(endpoint, timeout_seconds=arguments.timeout_seconds),
        Encoder(version("gatehouse")),
        pseudonym,
        stop.wait,
        Pace(arguments.idle_seconds, longest_backoff_seconds=arguments.backoff_seconds),
    )
    loop.run()
    return 0
