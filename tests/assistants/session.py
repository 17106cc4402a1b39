"""Run the proof in a network that has only this machine in it."""

import fcntl
import socket
import struct
import sys
import tempfile
from pathlib import Path

import pytest

from tests.assistants.lookups import take_over
from tests.assistants.table import Table

HERE = Path(__file__).parent
SET_FLAGS = 0x8914  # SIOCSIFFLAGS in linux/sockios.h
UP_AND_RUNNING = 0x41  # IFF_UP | IFF_RUNNING in linux/if.h


def raise_loopback() -> None:
    """A new network begins with its loopback down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", UP_AND_RUNNING)
        fcntl.ioctl(any_socket, SET_FLAGS, request)


def main(arguments: list[str]) -> int:
    """Run the tests, then write the table when all of them have run."""
    raise_loopback()
    table = Table()
    # A turn that hangs fails by itself, and does not take the whole run with it.
    patience = ["--timeout=300", "--timeout-method=signal"]
    options = ["-o", "python_files=proof_*.py", *patience, "--tb=short", str(HERE)]
    with tempfile.TemporaryDirectory() as folder:
        take_over(Path(folder))
        exit_code = pytest.main([*options, *arguments], plugins=[table])
    print(table.publish())
    return int(exit_code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
