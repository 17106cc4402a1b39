"""A gateway is put together whole or not at all, and leaves nothing behind but its data folder."""

import asyncio
import stat
from pathlib import Path

import httpx
import pytest

from gateway.assembly import assembled
from gateway.audit.lock import DataFolderInUse, LedgerLock
from gateway.configuration.choice import ConflictingOptions
from gateway.configuration.problems import ConfigurationError
from gateway.identity import KeyRing
from gateway.settings import ServeOptions
from gateway.store.database import StoreError, open_database
from gateway.store.keys import Keys
from gateway.virtual_key import Hasher
from policy.types import Allow, Deny
from tests.fakes.configurations import write
from tests.fakes.ledger import LedgerFolder, a_ledger_in, a_story
from tests.fakes.policy_facts import NOON, an_identity, some_facts

HOUSE = """
vendors:
  house: { kind: in_house, base_url: "http://127.0.0.1:9", wires: [openai_chat] }
models:
  coder: { targets: [house/qwen3-coder] }
teams:
  default: { models: [coder], data_class: internal }
"""


def options(folder: Path, text: str = HOUSE) -> ServeOptions:
    return ServeOptions(config=write(folder, text), data=folder / "data", port=0)


async def subject_of(data: Path, key: str) -> str:
    """Whose key this is, as a gateway on this data folder would find it."""
    database = open_database(data)
    hasher = Hasher((data / "pepper").read_bytes())
    ring = KeyRing(Keys(database), hasher, unix_us=lambda: 0)
    await ring.refresh()
    identity = ring.identify(key)
    await database.close()
    return f"{identity.team}/{identity.subject}"


def is_locked(data: Path) -> bool:
    lock = LedgerLock(data)
    try:
        lock.acquire()
    except DataFolderInUse:
        return True
    lock.release()
    return False


async def all_kinds(folder: LedgerFolder) -> list[str]:
    """The kinds of all records, oldest first."""
    return [row.body["kind"] for row in await folder.ledger.newest(100)]


async def test_a_gateway_is_ready_to_serve_what_its_file_says(tmp_path):
    async with assembled(options(tmp_path), {}) as gatehouse:
        assert gatehouse.status.report()["ready"] is True
        policy = gatehouse.in_force.configuration.policy
        assert isinstance(policy.decide(an_identity("default"), some_facts("coder"), NOON), Allow)
        assert isinstance(policy.decide(an_identity("web"), some_facts("coder"), NOON), Deny)


async def test_the_first_keys_are_made_once_and_hold_after_a_restart(tmp_path):
    async with assembled(options(tmp_path), {}) as first:
        keys = first.first_keys
    assert keys is not None
    async with assembled(options(tmp_path), {}) as second:
        assert second.first_keys is None
    data = tmp_path / "data"
    assert await subject_of(data, keys.developer) == "default/first-user"
    assert await subject_of(data, keys.admin) == "administrators/first-user"


async def test_the_first_keys_work_in_the_very_process_that_made_them(tmp_path):
    async with assembled(options(tmp_path), {}) as gatehouse:
        assert gatehouse.first_keys is not None
        key = {"x-api-key": gatehouse.first_keys.developer}
        transport = httpx.ASGITransport(gatehouse.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://gate") as client:
            answer = await client.get("/v1/models", headers=key)
        assert [each["id"] for each in answer.json()["data"]] == ["coder"]


async def test_a_start_that_fails_uses_up_no_first_keys_and_frees_the_folder(tmp_path):
    with pytest.raises(ConfigurationError):
        async with assembled(options(tmp_path, "vendors: {}\n"), {}):
            pass
    assert not is_locked(tmp_path / "data")
    async with assembled(options(tmp_path), {}) as gatehouse:
        assert gatehouse.first_keys is not None


@pytest.mark.parametrize("broken", ["a database", "a pepper"])
async def test_a_data_folder_that_is_damaged_is_said_and_not_kept(tmp_path, broken):
    data = tmp_path / "data"
    data.mkdir()
    (data / {"a database": "gatehouse.db", "a pepper": "pepper"}[broken]).write_bytes(b"x" * 9_000)
    (data / "pepper").touch(mode=0o600)
    with pytest.raises(StoreError):
        async with assembled(options(tmp_path), {}):
            pass
    assert not is_locked(data)


async def test_options_that_conflict_are_said_and_the_folder_is_free_again(tmp_path):
    both = ServeOptions(
        config=write(tmp_path, HOUSE), data=tmp_path / "data", model=tmp_path / "tiny.gguf"
    )
    with pytest.raises(ConflictingOptions):
        async with assembled(both, {}):
            pass
    assert not is_locked(tmp_path / "data")


async def test_a_folder_in_use_is_refused_and_its_gateway_goes_on(tmp_path):
    async with assembled(options(tmp_path), {}) as first:
        with pytest.raises(DataFolderInUse):
            async with assembled(options(tmp_path), {}):
                pass
        assert is_locked(tmp_path / "data")
        assert first.status.report()["ready"] is True


async def test_what_breaks_while_it_serves_passes_on_and_everything_is_taken_down(tmp_path):
    with pytest.raises(ZeroDivisionError):
        async with assembled(options(tmp_path), {}):
            raise ZeroDivisionError
    assert not is_locked(tmp_path / "data")
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_nothing_runs_on_when_it_is_taken_down(tmp_path):
    async with assembled(options(tmp_path), {}):
        running = {task.get_name() for task in asyncio.all_tasks()}
    assert "ledger-committer" in running
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_exchange_that_a_dead_process_left_open_gets_its_end(tmp_path):
    async with a_ledger_in(tmp_path / "data") as folder:
        story = a_story(folder.records)
        await folder.write(story.admitted(), story.attempted())
    async with assembled(options(tmp_path), {}):
        pass
    async with a_ledger_in(tmp_path / "data") as folder:
        ended = ["admitted", "attempted", "unknown"]
        assert await all_kinds(folder) == [*ended, "key_created", "key_created"]


async def test_what_is_kept_is_for_its_owner_only(tmp_path):
    async with assembled(options(tmp_path), {}):
        found = {each: each.stat().st_mode for each in (tmp_path / "data").rglob("*")}
    files = {each.name: stat.S_IMODE(mode) for each, mode in found.items() if stat.S_ISREG(mode)}
    folders = [stat.S_IMODE(mode) for mode in found.values() if stat.S_ISDIR(mode)]
    assert {"gatehouse.db", "pepper", "ledger.lock", "segment-001"} <= set(files)
    assert set(files.values()) == {0o600}
    assert folders == [0o700]
