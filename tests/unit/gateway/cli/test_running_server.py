"""Teams, caps and registers are told as the gateway that runs has them, wherever it is asked."""

from collections.abc import Iterator

import pytest

from gateway.cli.exits import Exit
from gateway.cli.server import KEY_VARIABLE, URL_VARIABLE
from tests.fakes.configurations import ASSISTANTS, VENDORS
from tests.fakes.serving import Serving, serving_gateway
from tests.unit.gateway.cli.conftest import CommandLine

CONFIGURATION = """\
vendors:
  house: { kind: in_house, base_url: "http://127.0.0.1:9", wires: [openai_chat] }
models:
  coder: { targets: [house/qwen3-coder] }
teams:
  default:
    models: [coder]
    data_class: internal
    limits: { requests_per_minute: 600, usd_per_month: 12.5, per_user: { parallel: 2 } }
  data: { models: [coder], data_class: confidential }
registers: { vendors: vendors.yaml, assistants: assistants.yaml }
"""


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A gateway with two teams, caps, and registers of which one has lapsed."""
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "vendors.yaml").write_text(VENDORS)
    (folder / "assistants.yaml").write_text(ASSISTANTS)
    with serving_gateway(folder, CONFIGURATION) as serving:
        yield serving


def test_teams_are_told_with_their_limits_and_use(remote: CommandLine) -> None:
    ran = remote.run_bare("teams")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines[1].startswith("data confidential coder max_request_bytes 33554432 0 0 $0")
    assert lines[2].startswith("default internal coder ")
    assert "usd_per_month $12.50" in lines[2]
    assert "per_user.parallel 2" in lines[2]
    found = remote.run_bare("teams", "--json").objects
    assert [each["name"] for each in found] == ["data", "default"]
    assert found[1]["limits"]["nano_usd_per_month"] == 12_500_000_000


def test_caps_are_told_with_what_is_left(remote: CommandLine) -> None:
    ran = remote.run_bare("caps", "--team", "default")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert any(line.startswith("team:default USD ") and "$12.50 $0" in line for line in lines)
    (money,) = remote.run_bare("caps", "--unit", "nano_usd", "--json").objects
    assert (money["account"], money["limit"], money["used"]) == ("team:default", 12_500_000_000, 0)
    assert "Nothing is capped" in remote.run_bare("caps", "--team", "data").err
    assert remote.run_bare("caps", "--unit", "cheese").code == Exit.USAGE


def test_registers_are_told_as_beside_their_files(remote: CommandLine, serving: Serving) -> None:
    for words in (["registers"], ["registers", "--json"]):
        there = remote.run_bare(*words)
        here = remote.run_bare(*words, str(serving.data.parent / "gatehouse.yaml"))
        assert (there.code, there.out, there.err) == (here.code, here.out, here.err)
        assert there.code == Exit.FAILED
    both = remote.run_bare("registers", "gatehouse.yaml", "--server", serving.admin_url)
    assert both.code == Exit.USAGE


def test_beside_a_data_folder_its_running_gateway_is_asked(
    remote: CommandLine, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = remote.run_bare("caps", "--json")
    monkeypatch.delenv(URL_VARIABLE)
    assert remote.run_bare("caps", "--json", "--data", str(serving.data)).out == there.out
    assert remote.run_bare("teams", "--data", str(serving.data)).code == Exit.OK
    monkeypatch.delenv(KEY_VARIABLE)
    ran = remote.run_bare("teams", "--data", str(serving.data))
    assert (ran.code, "no key to ask" in ran.err) == (Exit.USAGE, True)
