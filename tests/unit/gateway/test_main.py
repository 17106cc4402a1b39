"""A gateway from its start to its drained stop, as the command line runs it."""

import gc
import json
import logging
import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.audit.lock import LedgerLock
from gateway.configuration.problems import ConfigurationError
from gateway.main import CannotListen, rest_the_collector, serve
from gateway.settings import OfferedModel, Ready, ServeOptions, read_running
from tests.fakes.collector import collector_put_back
from tests.fakes.configurations import write

HOUSE = """
vendors:
  house: { kind: in_house, base_url: "http://127.0.0.1:9", wires: [openai_chat] }
models:
  coder: { targets: [house/qwen3-coder] }
  hidden: { targets: [house/other] }
teams:
  web: { models: [coder], data_class: internal }
"""


@pytest.fixture(scope="module", autouse=True)
def collector_as_before() -> Iterator[None]:
    with collector_put_back():
        yield


@pytest.fixture(autouse=True)
def process_as_before() -> Iterator[None]:
    """What serving changes in a process of its own is put back in this one."""
    handlers, level = logging.root.handlers[:], logging.root.level
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def options(folder: Path, text: str = HOUSE, **changes: object) -> ServeOptions:
    values = {"config": write(folder, text), "data": folder / "data", "port": 0, **changes}
    return ServeOptions(**values)  # type: ignore[arg-type]  # what a test changes


def served(asked: ServeOptions, look: Callable[[Ready], None] = lambda ready: None) -> Ready:
    """Serve until ready, look, and stop as an operator does; what the starter was told."""
    told: list[Ready] = []

    def on_ready(ready: Ready) -> None:
        told.append(ready)
        look(ready)
        os.kill(os.getpid(), signal.SIGTERM)

    assert serve(asked, on_ready) == 0
    (ready,) = told
    return ready


def test_a_first_start_tells_what_is_needed_to_use_it(tmp_path):
    ready = served(options(tmp_path))
    assert ready.first_start
    assert ready.admin_key != ready.developer_key is not None
    assert ready.developer_team == "web"
    assert ready.models == (OfferedModel("coder", ("house/qwen3-coder",), "coder"),)
    assert (ready.config_path, ready.data) == (tmp_path / "gatehouse.yaml", tmp_path / "data")
    assert "the developer key belongs to team web" in ready.notes[0]


def test_a_later_start_shows_no_keys(tmp_path):
    served(options(tmp_path))
    ready = served(options(tmp_path))
    assert (ready.first_start, ready.admin_key, ready.developer_key) == (False, None, None)


def test_its_repr_shows_no_key(tmp_path):
    ready = served(options(tmp_path))
    assert ready.developer_key is not None
    assert ready.developer_key not in repr(ready)


def test_connections_are_taken_when_it_says_that_it_is_ready(tmp_path):
    def look(ready: Ready) -> None:
        host, _, port = ready.base_url.removeprefix("http://").rpartition(":")
        socket.create_connection((host, int(port)), timeout=5).close()

    assert served(options(tmp_path), look).base_url.startswith("http://127.0.0.1:")


def test_one_that_listens_everywhere_says_how_this_machine_reaches_it(tmp_path):
    assert served(options(tmp_path, host="0.0.0.0")).base_url.startswith("http://127.0.0.1:")


def test_commands_beside_it_and_scripts_are_told_how_to_reach_it(tmp_path):
    file = tmp_path / "ready.json"
    left: dict[str, object] = {}

    def look(ready: Ready) -> None:
        left["running"] = read_running(ready.data)

    ready = served(options(tmp_path, ready_file=file), look)
    running = left["running"]
    assert (running.base_url, running.pid) == (ready.base_url, os.getpid())  # type: ignore[attr-defined]
    assert json.loads(file.read_text()) == {
        "base_url": ready.base_url,
        "pid": os.getpid(),
        "admin_url": ready.admin_url,
        "admin_key": ready.admin_key,
        "developer_key": ready.developer_key,
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_later_start_leaves_no_keys_for_scripts(tmp_path):
    served(options(tmp_path))
    file = tmp_path / "ready.json"
    served(options(tmp_path, ready_file=file))
    assert set(json.loads(file.read_text())) == {"base_url", "pid", "admin_url"}


def test_a_stopped_gateway_leaves_its_folder_to_the_next_one(tmp_path):
    served(options(tmp_path))
    lock = LedgerLock(tmp_path / "data")
    lock.acquire()
    lock.release()


def test_a_taken_port_is_said_before_anything_is_touched(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        asked = options(tmp_path, port=taken.getsockname()[1])
        with pytest.raises(CannotListen, match=r"choose another with --port"):
            served(asked)
    assert not (tmp_path / "data").exists()


def test_the_admin_api_has_an_address_of_its_own_which_others_are_told(tmp_path):
    def look(ready: Ready) -> None:
        running = read_running(ready.data)
        assert running is not None
        assert running.admin_url == ready.admin_url
        host, _, port = str(ready.admin_url).removeprefix("http://").rpartition(":")
        socket.create_connection((host, int(port)), timeout=5).close()

    ready = served(options(tmp_path), look)
    assert ready.admin_url != ready.base_url


def test_it_has_none_where_that_is_switched_off(tmp_path):
    ready = served(options(tmp_path, HOUSE + "admin: { listen: 'off' }\n"))
    assert ready.admin_url is None


def test_a_taken_port_of_the_admin_api_is_said_before_keys_are_made(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        asked_for = options(tmp_path, admin_port=taken.getsockname()[1])
        with pytest.raises(CannotListen, match=r"admin\.listen"):
            served(asked_for)
    assert served(options(tmp_path)).first_start


def test_an_address_of_another_machine_is_said(tmp_path):
    with pytest.raises(CannotListen, match=r"cannot listen on 203\.0\.113\.1:0"):
        served(options(tmp_path, host="203.0.113.1"))


def test_a_refused_configuration_passes_on_and_nobody_is_told_ready(tmp_path):
    with pytest.raises(ConfigurationError):
        served(options(tmp_path, "vendors: {}\n"))


def test_what_stands_at_start_is_left_out_of_later_searches():
    before = gc.get_freeze_count()
    built = [[] for _ in range(1000)]
    rest_the_collector()
    assert gc.get_freeze_count() >= before + len(built)
    assert gc.get_threshold()[0] > 700
