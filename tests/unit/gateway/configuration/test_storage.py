"""What a file says of the state: read with its secrets, told without them, held to at a reload."""

from pathlib import Path

import pytest

from gateway.configuration.build import load
from gateway.configuration.choice import shipped_with
from gateway.configuration.problems import ConfigurationError
from gateway.configuration.storage import NO_STORAGE, Storage, refuse_a_move
from gateway.database_address import DatabaseAddress
from providers.base import Secret
from providers.catalogue import load_price_book
from tests.fakes.configurations import GOOD, write

URL = "postgresql://gate:canary@db.example/gatehouse"
ENVIRON = {"DEEPSEEK_API_KEY": "sk-test", "DATABASE": URL, "PEPPER": "5e" * 32}


def read(folder: Path, more: str) -> tuple[Storage, tuple[str, ...]]:
    file = write(folder, f"{GOOD}\n{more}\n")
    configuration = load(file, ENVIRON, shipped_with(load_price_book()))
    return configuration.storage, configuration.notices


def refusal(folder: Path, more: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        read(folder, more)
    assert "canary" not in str(refused.value)
    return str(refused.value)


def test_a_file_that_says_nothing_leaves_all_to_its_defaults(tmp_path):
    assert read(tmp_path, "")[0] == NO_STORAGE == Storage(None, None, None)


def test_secrets_come_from_the_environment_or_a_file(tmp_path):
    (tmp_path / "url").write_text(URL + "\n")
    by_name, notices = read(tmp_path, 'storage: { url: "${DATABASE}", durable_in: journal }')
    by_file, _ = read(tmp_path, "storage: { url: file:url, durable_in: journal }")
    assert by_name == by_file == Storage(DatabaseAddress.read(URL), "journal", None)
    assert not [each for each in notices if "stands in the file" in each]
    storage, _ = read(tmp_path, 'keys: { pepper: "${PEPPER}" }')
    assert storage.pepper == Secret("5e" * 32)


def test_a_secret_in_the_file_itself_is_noticed_and_not_shown(tmp_path):
    _, notices = read(tmp_path, f"storage: {{ url: '{URL}' }}\nkeys: {{ pepper: canary }}")
    told = [each for each in notices if "stands in the file" in each]
    assert [each.split()[0] for each in told] == ["storage.url", "keys.pepper"]
    assert "canary" not in " ".join(notices)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("storage: { url: 'mysql://gate:canary@db/x' }", "storage.url: an address of PostgreSQL"),
        ("storage: { url: 'postgresql://gate:can#canary@db/x' }", "storage.url: cannot be read"),
        ("storage: { url: file:nowhere }", "storage.url: the file it names cannot be read"),
        ("storage: { url: '' }", "storage.url: is empty"),
        ("storage: { durable_in: memory }", "storage.durable_in: must be one of"),
        ("storage: { uri: x }", "unknown field `uri`; did you mean `url`"),
        ("keys: { pepper: 7 }", "keys.pepper: is empty or not text"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, more, told):
    assert told in refusal(tmp_path, more)


def test_the_state_does_not_move_away_under_a_gateway_that_serves(tmp_path):
    running = Storage(DatabaseAddress.read(URL))
    refuse_a_move(running, Storage(DatabaseAddress.read(URL)), tmp_path)
    with pytest.raises(ConfigurationError, match="restart the gateway"):
        refuse_a_move(running, NO_STORAGE, tmp_path)
