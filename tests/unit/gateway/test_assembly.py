"""A gateway is put together whole or not at all, and leaves nothing behind but its data folder."""

import asyncio
import stat
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from gateway.assembly import assembled
from gateway.audit.lock import DataFolderInUse, LedgerLock
from gateway.configuration.choice import ConflictingOptions
from gateway.configuration.problems import ConfigurationError
from gateway.identity import KeyRing
from gateway.settings import ServeOptions
from gateway.store.changes import Actor
from gateway.store.database import StoreError, open_database
from gateway.store.keys import Keys
from gateway.store.versions import Versions
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


async def ordered(data: Path, digest: str) -> None:
    """Somebody has pinned this version."""
    database = open_database(data)
    await Versions(database).order_at_once(digest, "hold this", Actor.os_user("anna"))
    await database.close()


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
        changes = ["config_changed", "key_created", "key_created"]
        assert await all_kinds(folder) == [*ended, *changes]


async def test_what_is_kept_is_for_its_owner_only(tmp_path):
    async with assembled(options(tmp_path), {}):
        found = {each: each.stat().st_mode for each in (tmp_path / "data").rglob("*")}
    files = {each.name: stat.S_IMODE(mode) for each, mode in found.items() if stat.S_ISREG(mode)}
    folders = [stat.S_IMODE(mode) for mode in found.values() if stat.S_ISDIR(mode)]
    assert {"gatehouse.db", "pepper", "ledger.lock", "segment-001"} <= set(files)
    assert set(files.values()) == {0o600}
    assert folders == [0o700]


async def test_a_pin_holds_across_a_restart_and_is_told_at_the_start(tmp_path):
    data = tmp_path / "data"
    async with assembled(options(tmp_path), {}) as gatehouse:
        first = gatehouse.in_force.configuration.digest
    await ordered(data, first)
    write(tmp_path, HOUSE.replace("internal", "public"))
    async with assembled(
        ServeOptions(config=tmp_path / "gatehouse.yaml", data=data, port=0), {}
    ) as pinned:
        assert pinned.in_force.configuration.digest == first
        assert pinned.status.report()["configuration"] == "pinned"
        assert "by anna: hold this." in pinned.notes[0]
    async with assembled(ServeOptions(config=None, data=data, port=0), {}) as without_a_file:
        assert without_a_file.in_force.configuration.digest == first


async def test_a_pin_that_cannot_be_held_is_refused_with_how_to_end_it(tmp_path):
    data = tmp_path / "data"
    keyed = HOUSE.replace("[openai_chat]", '[openai_chat], api_key: "${KEY}"')
    async with assembled(options(tmp_path, keyed), {"KEY": "sk-1"}) as gatehouse:
        first = gatehouse.in_force.configuration.digest
    await ordered(data, first)
    with pytest.raises(ConfigurationError, match="KEY is not set") as refused:
        async with assembled(options(tmp_path), {}):
            pass
    assert "gatehouse policy resume" in str(refused.value.hint)
    await ordered(data, "f" * 64)
    with pytest.raises(ConfigurationError, match="no version is") as refused:
        async with assembled(options(tmp_path), {}):
            pass
    assert "gatehouse policy resume" in str(refused.value.hint)


async def test_a_bad_file_is_refused_at_start_and_the_last_good_one_is_offered(tmp_path):
    async with assembled(options(tmp_path), {}) as gatehouse:
        first = gatehouse.in_force.configuration.digest
    bad = options(tmp_path, HOUSE.replace("[coder]", "[codr]"))
    for _ in range(2):
        with pytest.raises(ConfigurationError) as refused:
            async with assembled(bad, {}):
                pass
    assert "`gatehouse up --last-good` starts with it" in str(refused.value.hint)
    async with assembled(replace(bad, last_good=True), {}) as gatehouse:
        assert gatehouse.in_force.configuration.digest == first
        assert gatehouse.status.report()["configuration"] == "last_good"
        assert any("codr" in note for note in gatehouse.notes)
    async with a_ledger_in(bad.data) as folder:
        told = [row.body for row in await folder.ledger.newest(100)]
    assert [(each["kind"], each["origin"]) for each in told if "origin" in each] == [
        ("config_changed", "files"),
        ("config_refused", "files"),
        ("config_changed", "last_good"),
    ]


async def test_a_file_that_has_gone_is_no_reason_to_serve_something_else(tmp_path):
    async with assembled(options(tmp_path), {}) as gatehouse:
        first = gatehouse.in_force.configuration.digest
    (tmp_path / "gatehouse.yaml").unlink()
    gone = ServeOptions(config=None, data=tmp_path / "data", port=0, last_good=True)
    async with assembled(gone, {}) as gatehouse:
        assert gatehouse.in_force.configuration.digest == first


async def test_the_last_good_one_is_not_taken_where_the_files_are_right_or_there_is_none(tmp_path):
    never = replace(options(tmp_path, "vendors: {}\n"), last_good=True)
    with pytest.raises(ConfigurationError) as refused:
        async with assembled(never, {}):
            pass
    assert refused.value.hint is None
    right = replace(options(tmp_path), last_good=True)
    async with assembled(right, {}) as gatehouse:
        assert gatehouse.status.report()["configuration"] == "in_force"
