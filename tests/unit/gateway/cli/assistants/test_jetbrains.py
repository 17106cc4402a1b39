"""JetBrains is set up by hand, step by step."""

from gateway.cli.assistants.jetbrains import JETBRAINS
from tests.unit.gateway.cli.assistants.conftest import KEY, by_hand


def test_its_steps_name_the_address_and_the_model_and_no_key() -> None:
    told = by_hand(JETBRAINS)
    assert "URL: http://127.0.0.1:7070/v1" in told
    assert "coder" in told
    assert KEY not in told
