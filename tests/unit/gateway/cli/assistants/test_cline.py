"""Cline is set up by hand, step by step."""

from gateway.cli.assistants.cline import CLINE
from tests.unit.gateway.cli.assistants.conftest import KEY, by_hand


def test_its_steps_name_the_address_and_the_model_and_no_key() -> None:
    told = by_hand(CLINE)
    assert "Base URL: http://127.0.0.1:7070/v1" in told
    assert "Model ID: coder" in told
    assert KEY not in told
