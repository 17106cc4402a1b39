"""The page about assistants tells of those that are proven, in the releases that are pinned."""

import json
import re

from tests.assistants.installed import NPM_LOCK, PYPI_LOCK, manifest, pins, version_of
from tests.assistants.roster import ASSISTANTS
from tests.house.reading import ROOT, listing

PAGE = (ROOT / "docs" / "assistants.md").read_text()


def test_the_page_tells_of_every_assistant_in_its_pinned_release() -> None:
    silent = [
        assistant.title
        for assistant in ASSISTANTS
        if f"| {assistant.title} | {version_of(assistant.package)} |" not in PAGE
    ]
    assert not silent, listing(silent, "Run `make e2e-assistants` and commit the page it writes.")


def test_the_page_tells_of_no_other_assistant() -> None:
    rows = re.findall(r"^\| ([^|]+) \| \d", PAGE, re.MULTILINE)
    assert rows == [assistant.title for assistant in ASSISTANTS]


def test_every_pin_is_used() -> None:
    used = {assistant.package for assistant in ASSISTANTS}
    idle = {*pins()["npm"], *pins()["pypi"]} - {"node"} - used
    assert not idle, listing(idle, "An assistant that nobody proves is not installed either.")


def test_the_locks_are_those_of_the_pins() -> None:
    locked = json.loads(NPM_LOCK.read_text())["packages"][""]
    wanted = json.loads(manifest())
    assert locked["dependencies"] == wanted["dependencies"]
    assert set(locked["optionalDependencies"]) == set(wanted["optionalDependencies"])
    for name, version in pins()["pypi"].items():
        assert f"{name}=={version} \\" in PYPI_LOCK.read_text().splitlines()


def test_every_download_is_checked_by_hash() -> None:
    packages = json.loads(NPM_LOCK.read_text())["packages"]
    unchecked = [path for path, entry in packages.items() if path and not entry.get("integrity")]
    bundled = [path for path in unchecked if packages[path].get("inBundle")]
    assert unchecked == bundled, listing(unchecked, "`npm ci` checks what the lock has a hash of.")
