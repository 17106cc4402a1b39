"""Where the state is that a command works on: the environment says it, or the configuration."""

import json
from pathlib import Path

import pytest

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.storage import Said, said_of
from gateway.database_address import DatabaseAddress
from gateway.settings import RunningGateway, write_running
from providers.base import Secret
from tests.fakes.postgres import state_at
from tests.unit.gateway.cli.conftest import CommandLine

ONE = "postgresql://gate:canary@db/one"
OTHER = "postgresql://gate:canary@db/other"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and nothing said in the environment."""
    working = tmp_path / "work"
    working.mkdir()
    monkeypatch.chdir(working)
    monkeypatch.delenv("GATEHOUSE_DATABASE_URL", raising=False)
    return working


def write(folder: Path, text: str) -> Path:
    file = folder / "gatehouse.yaml"
    file.write_text(text)
    return file


def test_where_nothing_is_said_it_is_the_data_folders(here, tmp_path):
    assert said_of(tmp_path / "data") == Said()
    write(here, "models: {}")
    assert said_of(tmp_path / "data") == Said()


def test_the_environment_says_it_before_the_configuration(here, tmp_path, monkeypatch):
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", ONE)
    write(here, f"storage: {{ url: '{OTHER}' }}\nkeys: {{ pepper: canary }}")
    assert said_of(tmp_path / "data") == Said(DatabaseAddress.read(ONE), Secret("canary"))


def test_the_configuration_says_it_with_its_variables(here, tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE", ONE)
    write(here, 'vendors: { x: { api_key: "${NOT_SET_HERE}" } }\nstorage: { url: "${DATABASE}" }')
    assert said_of(tmp_path / "data") == Said(DatabaseAddress.read(ONE))


def test_a_variable_that_is_not_set_here_is_told(here, tmp_path):
    write(here, 'storage: { url: "${DATABASE_OF_THE_POD}" }')
    with pytest.raises(CommandFailed, match="a variable of that address is not set") as refused:
        said_of(tmp_path / "data")
    assert refused.value.code == Exit.CONFIGURATION


def test_what_the_folders_own_gateway_was_started_with_comes_before_what_lies_here(here, tmp_path):
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    data.mkdir()
    elsewhere.mkdir()
    write(here, f"storage: {{ url: '{ONE}' }}")
    theirs = write(elsewhere, f"storage: {{ url: '{OTHER}' }}")
    write_running(data, RunningGateway(1, "http://127.0.0.1:1", theirs))
    assert said_of(data).address == DatabaseAddress.read(OTHER)
    write_running(data, RunningGateway(1, "http://127.0.0.1:1", None))
    assert said_of(data).address is None


@pytest.mark.parametrize("text", ["{", "- a list", "storage: 7", "storage: { url: 7 }", "\0"])
def test_a_configuration_that_is_not_right_says_nothing(here, tmp_path, text):
    write(here, text)
    assert said_of(tmp_path / "data") == Said()


@pytest.mark.parametrize(
    "text", ["storage: { url: 'mysql://gate:canary@db/x' }", "storage: { url: file:nowhere }"]
)
def test_an_address_that_cannot_be_used_is_told_without_being_shown(here, tmp_path, text):
    write(here, text)
    with pytest.raises(CommandFailed, match=r"storage\.url of .*gatehouse\.yaml") as refused:
        said_of(tmp_path / "data")
    assert "canary" not in refused.value.message


def at(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch, url: str) -> CommandLine:
    for name, value in state_at(url).items():
        monkeypatch.setenv(name, value)
    return command_line


CREATE = ("key", "create", "--team", "default", "--user", "anna", "--json")


def test_commands_work_on_a_database_without_any_data_folder(
    command_line, monkeypatch, postgres_url
):
    typed = at(command_line, monkeypatch, postgres_url)
    made = typed.run(*CREATE)
    assert made.code == 0, made.err
    assert [each["id"] for each in typed.run("key", "list", "--json").objects] == [
        made.objects[0]["id"]
    ]
    told = typed.run("audit", "tail", "--json").objects
    assert [each["kind"] for each in told] == ["key_created"]
    assert not command_line.data.exists()


def test_a_database_that_nobody_used_is_told(command_line, monkeypatch, empty_postgres_url):
    ran = at(command_line, monkeypatch, empty_postgres_url).run("audit", "tail")
    assert (ran.code, ran.out) == (Exit.DATA, "")
    assert "no gateway has kept anything in gatehouse@127.0.0.1" in ran.err


def test_a_database_that_is_away_is_told_without_its_password(command_line, monkeypatch):
    url = "postgresql://gate:canary@127.0.0.1:1/ledger"
    ran = at(command_line, monkeypatch, url).run("key", "list")
    assert (ran.code, ran.out) == (Exit.DATA, "")
    assert "cannot use PostgreSQL at gate@127.0.0.1:1/ledger" in ran.err
    assert "canary" not in ran.err


def test_another_pepper_makes_no_key_that_no_gateway_knows(command_line, monkeypatch, postgres_url):
    typed = at(command_line, monkeypatch, postgres_url)
    typed.run(*CREATE)
    monkeypatch.setenv("GATEHOUSE_PEPPER", "6f" * 32)
    ran = typed.run(*CREATE)
    assert (ran.code, ran.out) == (Exit.DATA, "")
    assert "another pepper" in ran.err
    assert len(typed.run("key", "list", "--json").out.splitlines()) == 1


def test_nothing_a_command_prints_holds_the_password(command_line, monkeypatch, postgres_url):
    typed = at(command_line, monkeypatch, postgres_url)
    ran = [typed.run(*each) for each in (CREATE, ("key", "list"), ("audit", "tail"))]
    told = json.dumps([[each.out, each.err] for each in ran])
    assert "a-secret-of-the-tests" not in told
    assert postgres_url not in told
