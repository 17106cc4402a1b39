"""Versions of a gateway elsewhere are listed, shown, compared and put in force as of a folder."""

import time
from collections.abc import Iterator

import pytest

from gateway.cli.exits import Exit
from gateway.cli.server import KEY_VARIABLE, AdminServer
from tests.fakes.ledger_file import durable_records
from tests.fakes.serving import Serving, serving_gateway
from tests.unit.gateway.cli.conftest import CommandLine

FIRST = """\
vendors:
  house: { kind: in_house, base_url: "http://127.0.0.1:9", wires: [openai_chat] }
models:
  coder: { targets: [house/qwen3-coder] }
teams:
  default: { models: [coder], data_class: internal, limits: { parallel: 40 } }
"""
SECOND = FIRST.replace("parallel: 40", "parallel: 41")


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A gateway whose configuration has changed once since its start."""
    folder = tmp_path_factory.mktemp("gateway")
    with serving_gateway(folder, FIRST) as serving:
        server = AdminServer(serving.admin_url, serving.admin_key)
        (folder / "gatehouse.yaml").write_text(SECOND)
        deadline = time.monotonic() + 30
        while len(server.get("/policy/versions")["versions"]) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield serving


def digests(remote: CommandLine) -> list[str]:
    return [each["digest"] for each in remote.run_bare("policy", "versions", "--json").objects]


@pytest.mark.parametrize(
    "words",
    [
        ["versions"],
        ["versions", "--json"],
        ["show", "previous", "--json"],
        ["show", "previous", "--file", "gatehouse.yaml"],
        ["show", "previous", "--file", "none.yaml"],
        ["show", "00000"],
        ["show", "nonsense"],
    ],
)
def test_what_is_told_is_what_a_folder_tells(
    remote: CommandLine, serving: Serving, words: list[str]
) -> None:
    there = remote.run_bare("policy", *words)
    here = remote.run_bare("policy", *words, "--data", str(serving.data))
    assert (there.code, there.out) == (here.code, here.out)


def test_a_file_here_is_compared_with_a_version_there(remote: CommandLine) -> None:
    (remote.working / "new.yaml").write_text(FIRST.replace("parallel: 40", "parallel: 42"))
    ran = remote.run_bare("policy", "diff", digests(remote)[0][:12], "new.yaml")
    assert ran.code == Exit.OK
    assert "teams.default.limits.parallel" in ran.out
    assert "41" in ran.out
    assert "42" in ran.out


def test_a_rollback_is_carried_out_and_ended(remote: CommandLine, serving: Serving) -> None:
    second, first = digests(remote)
    ran = remote.run_bare("policy", "rollback", "--reason", "the limit was wrong")
    assert (ran.code, ran.out) == (Exit.OK, f"in force: version {first[:12]}\n")
    assert "by first-user: the limit was wrong" in remote.run_bare("policy", "versions").err
    ended = remote.run_bare("policy", "resume", "--reason", "mended")
    assert ended.out == f"in force: version {second[:12]}, from the files\n"
    again = remote.run_bare("policy", "resume")
    assert (again.code, again.out) == (Exit.NOT_FOUND, "")
    kinds = ("config_pinned", "config_resumed")
    actors = [each["actor"] for each in durable_records(serving.data) if each["kind"] in kinds]
    assert [each["kind"] for each in actors] == ["key", "key"]
    assert all(each["key_id"].startswith("key_") for each in actors)


def test_who_may_not_order_is_told(
    remote: CommandLine, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, serving.developer_key)
    ran = remote.run_bare("policy", "rollback", "--reason", "x")
    assert ran.code == Exit.FAILED
    assert "change_policy" in ran.err
