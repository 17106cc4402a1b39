"""The sums of a folder are those of its whole ledger; a long first time is announced."""

from pathlib import Path

import pytest

from gateway.cli import usage_source
from gateway.cli.usage_source import sums_of_folder
from gateway.usage import Asked, Dimension
from tests.fakes.used import DAY, NOON, file_uses, some_uses

ASKED = Asked(NOON, NOON + 20 * DAY, (Dimension.TEAM,))


def test_each_question_has_its_groups(tmp_path: Path) -> None:
    file_uses(tmp_path, some_uses(30))
    by_user = Asked(NOON, NOON + 20 * DAY, (Dimension.USER,))
    teams, users = sums_of_folder(tmp_path, [ASKED, by_user])
    for rows in (teams, users):
        assert sum(row.used.requests for row in rows) == 30


def test_a_long_first_time_is_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file_uses(tmp_path, some_uses(5))
    monkeypatch.setattr(usage_source, "_WORTH_A_WORD", 4)
    sums_of_folder(tmp_path, [ASKED])
    assert "records of the ledger; next time only what is new" in capsys.readouterr().err
    sums_of_folder(tmp_path, [ASKED])
    assert capsys.readouterr().err == ""
