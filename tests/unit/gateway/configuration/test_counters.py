"""What a file says of the counters: read with its secret, told without it, held to at a reload."""

from pathlib import Path

import pytest

from gateway.configuration.build import load
from gateway.configuration.counters import SharedCounting, refuse_another_store
from gateway.configuration.counters_document import CountersDocument
from gateway.configuration.problems import ConfigurationError
from providers.base import Secret
from tests.fakes.configurations import ENVIRON, GOOD, SHIPPED, write

URL = "redis://gate:canary@valkey.example:6379/0"
WITH_URL = {**ENVIRON, "COUNTERS": URL}


def read(folder: Path, more: str) -> tuple[SharedCounting | None, tuple[str, ...]]:
    configuration = load(write(folder, f"{GOOD}\ncounters: {more}\n"), WITH_URL, SHIPPED)
    return configuration.counting, configuration.notices


def refusal(folder: Path, more: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        read(folder, more)
    assert "canary" not in str(refused.value)
    return str(refused.value)


def test_without_it_caps_are_counted_in_the_process(tmp_path):
    assert load(write(tmp_path, GOOD), ENVIRON, SHIPPED).counting is None


def test_an_address_is_enough(tmp_path):
    counting, notices = read(tmp_path, '{ url: "${COUNTERS}" }')
    assert counting == SharedCounting(Secret(URL), "gatehouse")
    assert not [each for each in notices if "counters" in each]


def test_everything_can_be_said(tmp_path):
    (tmp_path / "url").write_text("valkeys://h:1\n")
    counting, _ = read(
        tmp_path,
        "{ url: file:url, on_failure: { allow_up_to_usd: 5 }, replicas: 3, timeout_ms: 200, "
        "lease_seconds: 5, namespace: staging }",
    )
    five = 5_000_000_000
    assert counting == SharedCounting(Secret("rediss://h:1"), "staging", 200, 5, 3, five)
    denying, _ = read(tmp_path, "{ url: file:url, on_failure: deny }")
    assert denying is not None
    assert denying.allowed_nano_usd == 0


def test_a_password_in_the_file_itself_is_noticed_and_not_shown(tmp_path):
    _, notices = read(tmp_path, f'{{ url: "{URL}" }}')
    (told,) = [each for each in notices if "counters.url" in each]
    assert "canary" not in told
    _, notices = read(tmp_path, '{ url: "redis://valkey.example" }')
    assert not [each for each in notices if "counters.url" in each]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("{}", "counters.url: is required"),
        ("{ url: 'http://:canary@h' }", "counters.url: an address of Valkey or Redis is"),
        ("{ url: 'redis://:canary@h:port' }", "counters.url: cannot be read as"),
        ("{ url: 'redis://' }", "counters.url: an address of"),
        ("{ url: file:nowhere }", "counters.url: the file it names cannot be read"),
        ("{ url: 'redis://h', on_failure: allow }", "is deny, or { allow_up_to_usd: 5 }"),
        ("{ url: 'redis://h', on_failure: { allow_upto_usd: 5 } }", "did you mean `allow_up_to"),
        ("{ url: 'redis://h', replicas: 0 }", "counters.replicas: must be at least 1"),
        ("{ url: 'redis://h', timeout_ms: 1 }", "counters.timeout_ms: must be at least 5"),
        ("{ url: 'redis://h', namespace: 'A B' }", "counters.namespace: a name is"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, more, told):
    assert told in refusal(tmp_path, more)


def test_nothing_is_spent_without_the_store_unless_somebody_says_so():
    assert CountersDocument.model_validate({"url": URL}).on_failure.allow_up_to_usd == 0


def test_counters_do_not_move_away_under_a_gateway_that_serves(tmp_path):
    running = SharedCounting(Secret(URL), "gatehouse")
    refuse_another_store(running, SharedCounting(Secret(URL), "gatehouse"), tmp_path)
    with pytest.raises(ConfigurationError, match="restart the gateway"):
        refuse_another_store(running, None, tmp_path)
