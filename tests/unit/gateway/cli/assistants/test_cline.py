"""Cline is set up by hand, step by step."""

from gateway.cli.assistants.cline import CLINE
from gateway.cli.offered import Sizes
from tests.unit.gateway.cli.assistants.conftest import KEY, by_hand


def test_its_steps_name_the_address_and_the_model_and_no_key() -> None:
    told = by_hand(CLINE)
    assert "Base URL: http://127.0.0.1:7070/v1" in told
    assert "Model ID: coder" in told
    assert KEY not in told


def test_the_sizes_are_told_where_the_gateway_knows_them() -> None:
    assert "Model Configuration" not in by_hand(CLINE)
    told = by_hand(CLINE, Sizes(200_000, 16_000))
    assert "Model Configuration, Context Window Size: 200000" in told
    assert "Model Configuration, Max Output Tokens: 16000" in told
