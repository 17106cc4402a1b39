"""Each parameter is read in its proper form, and lost only where that is allowed."""

import pytest

from providers.errors import UnsupportedFeature
from providers.translation.hub import Capabilities, Losses
from providers.translation.parameters import NEVER_LOST, PARAMETERS, read_parameters

NOTHING = Capabilities(frozenset())
SAMPLES = {
    "logit_bias": {"1": 2},
    "stop": ["x"],
    "tool_choice": "required",
    "response_format": {"type": "json_object"},
    "parallel_tool_calls": False,
    "logprobs": True,
    "thinking": {"type": "enabled", "budget_tokens": 5},
    "user": "u",
    "reasoning_effort": "low",
    "service_tier": "flex",
    "prompt_cache_key": "k",
}


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_what_the_target_knows_is_carried(name):
    value = SAMPLES.get(name, 2)
    kept = read_parameters({name: value}, Capabilities(frozenset({name})), Losses())
    assert kept == {name: value}


@pytest.mark.parametrize("name", sorted(NEVER_LOST))
def test_what_changes_tools_safety_or_limits_is_never_lost(name):
    with pytest.raises(UnsupportedFeature, match=f"^{name}"):
        read_parameters({name: SAMPLES.get(name, 2)}, NOTHING, Losses())


@pytest.mark.parametrize("name", sorted(PARAMETERS - NEVER_LOST))
def test_anything_else_is_lost_by_name(name):
    losses = Losses()
    assert read_parameters({name: SAMPLES.get(name, 2)}, NOTHING, losses) == {}
    assert losses.names == [name]


@pytest.mark.parametrize("name", sorted(PARAMETERS))
@pytest.mark.parametrize("value", [{"evil": 1}, [{}], "x", 1e400])
def test_an_odd_value_is_carried_in_its_proper_form_or_refused(name, value):
    try:
        kept = read_parameters({name: value}, Capabilities(PARAMETERS), Losses())
    except UnsupportedFeature as error:
        kept = {"refused": error.message}
    assert "evil" not in str(kept)
