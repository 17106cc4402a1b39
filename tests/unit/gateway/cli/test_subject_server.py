"""People are blocked and granted roles over the admin API as in a folder, by whose key asks."""

import pytest

from gateway.cli.exits import Exit
from gateway.cli.server import KEY_VARIABLE
from tests.fakes.ledger_file import durable_records
from tests.fakes.serving import Serving
from tests.unit.gateway.cli.conftest import CommandLine


def both(remote: CommandLine, serving: Serving, *words: str) -> list[str]:
    """What a command prints over the admin API, and on the folder."""
    folder = ("--data", str(serving.data))
    return [remote.run_bare(*words).out, remote.run_bare(*words, *folder).out]


def test_a_block_is_told_as_in_the_folder_and_ended(remote: CommandLine, serving: Serving) -> None:
    assert "person ada is blocked" in remote.run_bare("user", "block", "ada").err
    there, here = both(remote, serving, "user", "list", "--json")
    assert there == here
    assert '"user": "ada"' in there
    (free,) = remote.run_bare("user", "unblock", "ada", "--json").objects
    assert (free["user"], free["blocked"]) == ("ada", None)
    (ci,) = remote.run_bare("user", "block", "ci", "--service", "--json").objects
    assert ci["kind"] == "service"


def test_a_role_is_granted_and_taken_back(remote: CommandLine, serving: Serving) -> None:
    made = remote.run_bare("key", "create", "--user", "bob", "--role", "finance", "--json").objects
    assert "bob has, by grants: finance" in remote.run_bare("role", "grant", "bob", "finance").err
    there, here = both(remote, serving, "role", "list", "--json")
    assert there == here
    ran = remote.run_bare("role", "revoke", "bob", "finance")
    assert f"gatehouse key revoke {made[0]['id']}" in ran.err


def test_the_ledger_names_whose_key_it_was(remote: CommandLine, serving: Serving) -> None:
    remote.run_bare("user", "block", "eve")
    (record,) = [each for each in durable_records(serving.data) if each.get("subject") == "eve"]
    assert record["actor"]["kind"] == "key"
    assert record["actor"]["key_id"].startswith("key_")


def test_everybody_is_told_as_in_the_folder(remote: CommandLine, serving: Serving) -> None:
    remote.run_bare("key", "create", "--user", "zoe", "--team", "default")
    for words in (["--json"], ["--team", "default"]):
        there, here = both(remote, serving, "user", "list", "--all", *words)
        assert there == here
        assert "zoe" in there


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["role", "grant", "ada", "root"], Exit.NOT_FOUND, "there is no role 'root'"),
        (["role", "revoke", "ada", "finance"], Exit.NOT_FOUND, "finance"),
        (["user", "block", ""], Exit.USAGE, "body.user"),
        (["user", "list", "--team", "x"], Exit.USAGE, "--team goes with --all"),
    ],
)
def test_what_cannot_be_done_ends_as_in_a_folder(
    remote: CommandLine, words: list[str], code: Exit, told: str
) -> None:
    ran = remote.run_bare(*words)
    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err


def test_a_key_without_the_permission_is_told_which(
    remote: CommandLine, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, serving.developer_key)
    ran = remote.run_bare("user", "block", "ada")
    assert ran.code == Exit.FAILED
    assert "manage_keys" in ran.err
