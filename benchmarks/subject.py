"""The gateway as a user starts it: `gatehouse up`, its own defaults, one in-house vendor."""

import shutil
import sys
from pathlib import Path

from benchmarks.bars import SUBJECT
from benchmarks.peers import CannotInstall, Launch, Place, System

# Spans are built for every request; only their delivery to a collector is switched off.
CONFIGURATION = """\
vendors:
  bench:
    kind: in_house
    base_url: http://@UPSTREAM@
    wires: [openai_chat, anthropic_messages, openai_completions]
    clearance: restricted
models:
  mock-model: {targets: [bench/mock-model]}
teams:
  default: {models: [mock-model], data_class: internal}
telemetry: {exporter: none}
"""


def program() -> Path:
    """The command beside the Python that runs the benchmark."""
    return Path(sys.executable).parent / "gatehouse"


def install(work: Path) -> None:
    """It is here already, or `make` has not run."""
    if not program().exists():
        raise CannotInstall(f"{program()} is missing: run `make` first")


def launch(place: Place) -> Launch:
    """A first start: empty data folder, new keys, ledger on the work folder's disk."""
    data, ready = place.folder / "data", place.folder / "ready.json"
    shutil.rmtree(data, ignore_errors=True)
    ready.unlink(missing_ok=True)
    configuration = place.folder / "gatehouse.yaml"
    configuration.write_text(place.fill(CONFIGURATION))
    files = ("--config", str(configuration), "--data", str(data), "--ready-file", str(ready))
    where = ("--host", "127.0.0.1", "--port", str(place.port), "--admin-port", "0")
    command = (str(program()), "up", *where, *files)
    return Launch(command, place.folder, ready_file=ready)


GATEHOUSE = System(SUBJECT, install, launch)
