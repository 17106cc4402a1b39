"""The configurations that were in force, listed and shown; never a key."""

import asyncio
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from gateway.cli.stored_versions import is_digest
from gateway.configuration.build import Configuration
from gateway.store.changes import Actor
from gateway.store.database import open_database
from gateway.store.versions import Versions
from tests.fakes.configurations import CANARIES, GOOD, configured, write
from tests.unit.gateway.cli.conftest import CommandLine

OTHER = GOOD.replace("parallel: 40", "parallel: 41")


def in_force(command_line: CommandLine, *texts: str, pinned: int | None = None) -> list[str]:
    """Let a gateway have run by these, one after another; their digests."""
    built = [configured(command_line.working, each) for each in texts]
    asyncio.run(_enter(command_line.data, built, pinned))
    return [each.digest for each in built]


async def _enter(data: Path, built: list[Configuration], pinned: int | None) -> None:
    database = open_database(data)
    versions = Versions(database)
    for each in built:
        await versions.enter(each)
    if pinned is not None:
        await versions.order_at_once(built[pinned].digest, "hold this", Actor.os_user("anna"))
    await database.close()


def test_versions_are_listed_newest_first_with_what_they_changed(
    command_line: CommandLine,
) -> None:
    first, second = in_force(command_line, GOOD, OTHER, pinned=0)
    ran = command_line.run("policy", "versions")
    assert ran.code == Exit.OK
    newest, oldest = ran.out.splitlines()[1:]
    assert newest.split()[:2] == [second[:12], "yes"]
    assert "teams.web.limits.parallel" in newest
    assert oldest.split()[:2] == [first[:12], "pinned"]
    assert f"version {first[:12]} is pinned since 2" in ran.err
    assert "by anna: hold this" in ran.err


def test_as_json_each_is_one_object(command_line: CommandLine) -> None:
    first, second = in_force(command_line, GOOD, OTHER)
    newest, oldest = command_line.run("policy", "versions", "--json").objects
    assert (newest["digest"], newest["in_force"], newest["pinned"]) == (second, True, False)
    assert (oldest["digest"], oldest["in_force"], oldest["files"]) == (first, False, 1)
    assert newest["changes"] == [{"path": "teams.web.limits.parallel", "old": "40", "new": "41"}]


def test_a_version_is_shown_as_it_was_written_without_its_keys(command_line: CommandLine) -> None:
    literal = GOOD.replace("${DEEPSEEK_API_KEY}", "sk-canary-literal")
    (digest,) = in_force(command_line, literal)
    ran = command_line.run("policy", "show", digest[:8])
    assert ran.out.startswith("# gatehouse.yaml\nvendors:\n")
    assert 'api_key: "not-kept:vendors/deepseek/api_key"' in ran.out
    (file,) = command_line.run("policy", "show", digest, "--json").objects
    assert (file["digest"], file["name"], file["role"]) == (
        digest,
        "gatehouse.yaml",
        "configuration",
    )
    assert not [each for each in CANARIES if each in ran.out + str(file)]


def test_one_file_alone_is_printed_as_it_is(command_line: CommandLine) -> None:
    in_force(command_line, GOOD, OTHER)
    ran = command_line.run("policy", "show", "previous", "--file", "gatehouse.yaml")
    assert ran.out == GOOD
    missing = command_line.run("policy", "show", "previous", "--file", "other.yaml")
    assert (missing.code, "gatehouse.yaml" in missing.err) == (Exit.NOT_FOUND, True)


@pytest.mark.parametrize("digest", ["ffff", "previous", "not-a-digest"])
def test_a_version_that_there_is_none_of_is_not_found(
    command_line: CommandLine, digest: str
) -> None:
    in_force(command_line, GOOD)
    assert command_line.run("policy", "show", digest).code == Exit.NOT_FOUND


def test_two_versions_are_compared_by_their_digests(command_line: CommandLine) -> None:
    first, second = in_force(command_line, GOOD, OTHER)
    ran = command_line.run("policy", "diff", first[:8], second[:8])
    assert ran.out.splitlines() == [
        "changed teams.web.limits.parallel: 40 before, 41 after",
    ]
    as_json = command_line.run("policy", "diff", "previous", "gatehouse.yaml", "--json")
    assert as_json.objects == [{"path": "teams.web.limits.parallel", "old": "40", "new": "41"}]


def test_what_may_name_a_version_is_told_from_a_path() -> None:
    assert is_digest("previous")
    assert is_digest("3FA9c2")
    assert not is_digest("gatehouse.yaml")


def test_a_check_goes_on_where_the_pin_cannot_be_read(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-canary-5e1f")
    write(command_line.working, GOOD)
    command_line.data.mkdir()
    (command_line.data / "gatehouse.db").write_text("no database")
    ran = command_line.run("check", "gatehouse.yaml")
    assert (ran.code, "whether a version is pinned is not known" in ran.err) == (Exit.OK, True)


def test_a_check_tells_of_a_pin_on_the_data_folder(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-canary-5e1f")
    first, _ = in_force(command_line, GOOD, OTHER, pinned=0)
    ran = command_line.run("check", "gatehouse.yaml")
    assert ran.code == Exit.OK
    assert f"note: version {first[:12]} is pinned" in ran.err
    assert "gatehouse policy resume" in ran.err
    (told,) = command_line.run("check", "gatehouse.yaml", "--json").objects
    assert len(told["pins"]) == 1
