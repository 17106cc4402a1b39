"""The sums of a folder are those of its whole ledger; a long first time is announced."""

from pathlib import Path

import pytest

from gateway.cli import usage_source
from gateway.cli.server import AdminServer
from gateway.cli.usage_source import FolderUsage, ServerUsage
from gateway.usage import Asked, Dimension
from tests.fakes.serving import serving_gateway
from tests.fakes.used import DAY, NOON, file_uses, some_uses

ASKED = Asked(NOON, NOON + 20 * DAY, (Dimension.TEAM,))


def test_each_question_has_its_groups(tmp_path: Path) -> None:
    file_uses(tmp_path, some_uses(30))
    by_user = Asked(NOON, NOON + 20 * DAY, (Dimension.USER,))
    teams, users = FolderUsage(tmp_path).sums([ASKED, by_user])
    for rows in (teams, users):
        assert sum(row.used.requests for row in rows) == 30


def test_a_long_first_time_is_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file_uses(tmp_path, some_uses(5))
    monkeypatch.setattr(usage_source, "_WORTH_A_WORD", 4)
    FolderUsage(tmp_path).sums([ASKED])
    assert "records of the ledger; next time only what is new" in capsys.readouterr().err
    FolderUsage(tmp_path).sums([ASKED])
    assert capsys.readouterr().err == ""


def test_a_server_tells_the_same_sums(tmp_path: Path) -> None:
    file_uses(tmp_path / "data", some_uses(30))
    by_all = Asked(NOON, NOON + 20 * DAY, tuple(Dimension))
    of_team = Asked(NOON, NOON + 20 * DAY, (Dimension.USER,), "web", None, "coder")
    with serving_gateway(tmp_path) as serving:
        server = AdminServer(serving.admin_url, serving.admin_key)
        there = ServerUsage(server).sums([by_all, of_team])
        here = FolderUsage(serving.data).sums([by_all, of_team])
    for ours, theirs in zip(here, there, strict=True):
        assert [(row.group, row.used) for row in ours] == [(row.group, row.used) for row in theirs]
        assert ours
