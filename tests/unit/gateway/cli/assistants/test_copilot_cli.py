"""Copilot CLI is set up by lines for a shell, which take the key from a variable."""

from gateway.cli.assistants.copilot_cli import COPILOT_CLI
from gateway.cli.offered import Sizes
from tests.unit.gateway.cli.assistants.conftest import KEY, Desk, by_hand


def test_its_lines_point_it_at_the_gateway_and_keep_it_at_home() -> None:
    told = by_hand(COPILOT_CLI)
    assert "export COPILOT_PROVIDER_BASE_URL=http://127.0.0.1:7070/v1" in told
    assert "export COPILOT_MODEL=coder" in told
    assert "export COPILOT_OFFLINE=true" in told
    assert 'export COPILOT_PROVIDER_API_KEY="$GATEHOUSE_KEY"' in told


def test_no_key_is_told_and_no_file_is_written(desk: Desk) -> None:
    assert KEY not in by_hand(COPILOT_CLI)
    desk.connect(COPILOT_CLI)
    assert desk.files() == {}


def test_the_window_is_told_where_the_gateway_knows_it() -> None:
    assert "TOKENS" not in by_hand(COPILOT_CLI)
    told = by_hand(COPILOT_CLI, Sizes(200_000, 16_000))
    assert "export COPILOT_PROVIDER_MAX_PROMPT_TOKENS=184000" in told
    assert "export COPILOT_PROVIDER_MAX_OUTPUT_TOKENS=16000" in told
