"""A gateway as a process of its own, for tests without an event loop."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

GATEHOUSE = str(Path(sys.executable).with_name("gatehouse"))


@dataclass(frozen=True, slots=True)
class Serving:
    """How to reach it, with the keys of its first start."""

    base_url: str
    admin_url: str
    admin_key: str
    developer_key: str
    data: Path


@contextmanager
def serving_gateway(folder: Path, configuration: str | None = None) -> Iterator[Serving]:
    """`gatehouse up` in a folder, on free ports; told to end, and waited for.

    With a configuration it stands there as `gatehouse.yaml`.
    """
    if configuration is not None:
        (folder / "gatehouse.yaml").write_text(configuration)
    ready, data = folder / "ready.json", folder / "data"
    where = ["--port", "0", "--data", str(data), "--ready-file", str(ready)]
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        [GATEHOUSE, "up", *where], cwd=folder, env=environ, stdout=quiet, stderr=quiet
    )
    try:
        deadline = time.monotonic() + 60
        while not ready.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        told = json.loads(ready.read_text())
        yield Serving(
            told["base_url"], told["admin_url"], told["admin_key"], told["developer_key"], data
        )
    finally:
        process.terminate()
        process.wait(30)
