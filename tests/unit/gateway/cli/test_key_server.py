"""Keys are looked after over the admin API as in a data folder: same words, same facts."""

import pytest

from gateway.cli.exits import Exit
from gateway.cli.server import KEY_VARIABLE
from gateway.virtual_key import is_well_formed
from tests.fakes.ledger_file import key_records
from tests.fakes.serving import Serving
from tests.unit.gateway.cli.conftest import CommandLine

WHOSE = ("--team", "default", "--user", "anna")


def test_a_key_is_made_and_told_as_in_a_folder(remote: CommandLine, serving: Serving) -> None:
    (there,) = remote.run_bare("key", "create", *WHOSE, "--expires", "9d", "--json").objects
    folder = ("--data", str(serving.data))
    listed = remote.run_bare("key", "list", "--json", *folder).objects
    here = next(each for each in listed if each["id"] == there["id"])
    assert is_well_formed(there.pop("key"))
    assert there == here


def test_the_key_alone_is_printed_to_stdout(remote: CommandLine) -> None:
    ran = remote.run_bare("key", "create", *WHOSE)
    assert is_well_formed(ran.out.strip())
    assert "anna in team default" in ran.err


def test_it_is_rotated_listed_and_revoked(remote: CommandLine, serving: Serving) -> None:
    (made,) = remote.run_bare("key", "create", *WHOSE, "--json").objects
    new, old = remote.run_bare("key", "rotate", made["id"], "--overlap", "1h", "--json").objects
    assert (new["predecessor"], old["successor"]) == (made["id"], new["id"])
    (ended,) = remote.run_bare("key", "revoke", new["id"], "--json").objects
    assert ended["state"] == "revoked"
    all_of_hers = remote.run_bare("key", "revoke", "--user", "anna", "--json").objects
    assert {each["state"] for each in all_of_hers} == {"revoked"}
    states = {
        each["id"]: each["state"] for each in remote.run_bare("key", "list", "--json").objects
    }
    assert states[made["id"]] == "revoked"
    actors = [each["actor"]["kind"] for each in key_records(serving.data)]
    assert actors.count("key") >= 5


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["create", "--team", "nope", "--user", "a"], Exit.NOT_FOUND, "names: default"),
        (["create", "--team", "default", "--user", ""], Exit.USAGE, "body.user"),
        (["create", *WHOSE, "--config", "x.yaml"], Exit.USAGE, "--config does not go with"),
        (["rotate", "key_none"], Exit.NOT_FOUND, "there is no key"),
        (["revoke", "../status"], Exit.NOT_FOUND, "there is no"),
        (["revoke", "--service", "nobody"], Exit.NOT_FOUND, "no key was ever made"),
        (["list", "--server", "x", "--data", "y"], Exit.USAGE, "one of --server and --data"),
    ],
)
def test_what_cannot_be_done_ends_as_in_a_folder(
    remote: CommandLine, words: list[str], code: Exit, told: str
) -> None:
    ran = remote.run_bare("key", *words)
    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err


def test_a_key_without_the_permission_is_told_which(
    remote: CommandLine, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, serving.developer_key)
    ran = remote.run_bare("key", "create", *WHOSE)
    assert ran.code == Exit.FAILED
    assert "manage_keys" in ran.err
    assert serving.developer_key not in ran.err


def test_usage_is_told_as_in_the_folder(remote: CommandLine, serving: Serving) -> None:
    for words in (["--by", "day,user,vendor", "--json"], ["--csv", "-"], []):
        there = remote.run_bare("usage", *words)
        here = remote.run_bare("usage", *words, "--data", str(serving.data))
        assert (there.code, there.out) == (here.code, here.out)
    refused = remote.run_bare("usage", "--rebuild")
    assert (refused.code, refused.out) == (Exit.USAGE, "")
