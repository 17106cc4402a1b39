"""Peers are started as their makers mean them to be, from their own environments."""

from pathlib import Path

import pytest

from benchmarks import peers, subject
from benchmarks.peers import CannotInstall, Place, clean_environment


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, tmp_path, 9301, "127.0.0.1:9100")


def test_nginx_relays_to_the_stand_in(place: Place) -> None:
    peers.launch_nginx(place)
    written = (place.folder / "nginx.conf").read_text()
    assert "listen 127.0.0.1:9301" in written
    assert "server 127.0.0.1:9100; keepalive" in written
    assert "@" not in written


def test_litellm_has_an_environment_of_its_own(place: Place) -> None:
    launch = peers.launch_litellm(place)
    assert launch.command[0] == str(place.work / "v-litellm" / "bin" / "litellm")
    assert "api_base: http://127.0.0.1:9100/v1" in (place.folder / "config.yaml").read_text()


def test_portkey_is_told_where_its_model_is(place: Place) -> None:
    launch = peers.launch_portkey(place)
    assert "x-portkey-custom-host: http://127.0.0.1:9100/v1" in launch.headers


def test_portkey_is_mended_once(tmp_path: Path) -> None:
    server = peers.portkey_server(tmp_path)
    server.parent.mkdir(parents=True)
    server.write_text(f"before {peers.PORTKEY_FAULT} after")
    peers.install_portkey(tmp_path)
    peers.install_portkey(tmp_path)
    assert server.read_text() == f"before {peers.PORTKEY_MENDED} after"


def test_another_portkey_is_refused(tmp_path: Path) -> None:
    server = peers.portkey_server(tmp_path)
    server.parent.mkdir(parents=True)
    server.write_text("something else")
    with pytest.raises(CannotInstall):
        peers.install_portkey(tmp_path)


def test_a_failing_installer_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(CannotInstall, match="no-such-program"):
        peers.run("no-such-program", "install")


def test_the_gateway_starts_as_shipped(place: Place) -> None:
    launch = subject.launch(place)
    command = " ".join(launch.command[1:])
    data, ready = place.folder / "data", place.folder / "ready.json"
    assert command == (
        "up --host 127.0.0.1 --port 9301 --admin-port 0 "
        f"--config {place.folder / 'gatehouse.yaml'} --data {data} --ready-file {ready}"
    )
    assert launch.environment == {}


def test_the_gateway_starts_from_nothing(place: Place) -> None:
    (place.folder / "data").mkdir()
    (place.folder / "ready.json").write_text("{}")
    subject.launch(place)
    assert not (place.folder / "data").exists()
    assert not (place.folder / "ready.json").exists()


def test_systems_see_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_DATA", "/somewhere")
    assert "GATEHOUSE_DATA" not in clean_environment({})
    assert clean_environment({"A": "b"})["A"] == "b"
