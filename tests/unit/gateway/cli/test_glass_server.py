"""Exceptions of a gateway elsewhere are opened, told, and closed as those of a folder."""

from collections.abc import Iterator

import pytest

from gateway.cli.exits import Exit
from gateway.cli.server import KEY_VARIABLE
from tests.fakes.serving import Serving, serving_gateway
from tests.unit.gateway.cli.conftest import CommandLine

CONFIGURATION = """\
vendors: { house: { kind: in_house, base_url: "http://127.0.0.1:9", wires: [openai_chat] } }
models: { coder: { targets: [house/qwen] } }
teams:
  default: { models: [coder], data_class: internal, limits: { usd_per_month: 5 } }
policy: [rules.yaml]
break_glass: { max_hours: 8, approvers: 2 }
"""
RULES = "rules: [{ id: no-codex, effect: deny, match: { assistants: [codex] }, reason: x }]\n"
WISH = ("break-glass", "open", "--for", "2h", "--reason", "the model is down")
OPEN = (*WISH, "--rule", "no-codex")


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A gateway where an exception takes two people."""
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "rules.yaml").write_text(RULES)
    with serving_gateway(folder, CONFIGURATION) as serving:
        yield serving


@pytest.fixture
def ben(remote: CommandLine) -> str:
    """The key of a second person."""
    return remote.run_bare("key", "create", "--role", "security", "--user", "ben").out.strip()


def test_it_is_proposed_approved_and_closed_by_keys(
    remote: CommandLine, serving: Serving, ben: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = ("--team", "default", "--user", "ann", "--extra-usd", "49.90")
    (proposed,) = remote.run_bare(*OPEN, *scope, "--json").objects
    glass = str(proposed["id"])
    assert (proposed["state"], proposed["lifts"]["extra_usd"]) == ("proposed", "49.9")
    assert remote.run_bare("break-glass", "approve", glass).code == Exit.FAILED
    monkeypatch.setenv(KEY_VARIABLE, ben)
    assert "(open) lifts rule no-codex" in remote.run_bare("break-glass", "approve", glass).err
    for words in (["list", "--json"], ["list"], ["show", glass], ["show", glass, "--json"]):
        there = remote.run_bare("break-glass", *words)
        here = remote.run_bare("break-glass", *words, "--data", str(serving.data))
        assert (there.code, there.out) == (here.code, here.out)
        assert glass in there.out
    (closed,) = remote.run_bare("break-glass", "close", glass, "--json").objects
    assert (closed["state"], closed["approved_by"]["name"]) == ("closed", "ben")
    again = remote.run_bare("break-glass", "close", glass)
    assert (again.code, "is closed already" in again.err) == (Exit.FAILED, True)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([*WISH, "--rule", "no-code"], Exit.NOT_FOUND, "did you mean `no-codex`?"),
        ([*WISH], Exit.USAGE, "say what to lift"),
        ([*OPEN, "--for", "9h"], Exit.FAILED, "open 8 hours at most"),
        ([*OPEN, "--key", "gth_x"], Exit.USAGE, "--key does not go with --server"),
        (["break-glass", "close", "bg_nothing"], Exit.NOT_FOUND, "no break-glass has the id"),
        (["break-glass", "show", "../keys"], Exit.NOT_FOUND, "there is no break-glass '../keys'"),
    ],
)
def test_what_cannot_be_done_ends_as_in_a_folder(
    remote: CommandLine, words: list[str], code: Exit, told: str
) -> None:
    ran = remote.run_bare(*words)
    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err


def test_who_may_not_is_told(
    remote: CommandLine, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, serving.developer_key)
    ran = remote.run_bare(*OPEN)
    assert ran.code == Exit.FAILED
    assert "this takes one of: admin, platform, security" in ran.err
