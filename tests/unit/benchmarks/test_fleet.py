"""Systems are started, awaited and stopped; a broken one is named."""

import json
from pathlib import Path

import pytest

from benchmarks import bodies, tools
from benchmarks.fleet import Fleet, NotReady, key_of
from benchmarks.peers import KEY, Launch, Place, System


def nothing(work: Path) -> None:
    """Needs no installation."""


def dies(place: Place) -> Launch:
    return Launch(("false",), place.folder)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("work")
    tools.build(made)
    bodies.write_all(made / "bodies")
    return made


def stand_in(place: Place) -> Launch:
    return Launch((str(place.work / "mock_upstream"), str(place.port)), place.folder)


def test_a_system_is_up_once_it_answers_and_gone_afterwards(work: Path) -> None:
    with Fleet(work) as fleet:
        fleet.add(System("twin", nothing, stand_in), starts=2)
        assert fleet.facts["twin"]["start_seconds"] < 60
        twin = Path(f"/proc/{fleet.endpoints['twin'].pid}")
        assert twin.exists()
    assert not twin.exists()


def with_ready_file(place: Place) -> Launch:
    """Starts as the gateway does: it tells its key only once it serves."""
    ready = place.folder / "ready.json"
    program = f"""echo '{{"developer_key": "gh-1"}}' > {ready}; exec "$0" "$1" """
    twin = stand_in(place)
    return Launch(("sh", "-c", program, *twin.command), place.folder, ready_file=ready)


def test_a_system_that_tells_its_key_is_asked_with_it(work: Path) -> None:
    with Fleet(work) as fleet:
        fleet.add(System("keyed", nothing, with_ready_file), starts=1)
        assert fleet.endpoints["keyed"].key == "gh-1"


def test_a_system_that_dies_is_named_with_its_log(work: Path) -> None:
    with Fleet(work) as fleet, pytest.raises(NotReady, match=r"broken did not answer.*broken\.log"):
        fleet.add(System("broken", nothing, dies), starts=1)


def test_the_gateway_tells_its_own_key(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    ready.write_text(json.dumps({"developer_key": "gh-1"}))
    assert key_of(Launch((), tmp_path, ready_file=ready)) == "gh-1"
    assert key_of(Launch((), tmp_path)) == KEY
