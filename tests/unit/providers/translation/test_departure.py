"""What LiteLLM made of a request is compared with what it was given."""

from typing import Any

import orjson
import pytest

from providers.base import WireName
from providers.errors import UnsupportedFeature
from providers.translation.departure import Cargo, compare
from providers.translation.hub import Losses

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "QUJD" * 40}}


def lost(
    given: dict[str, Any], sent: dict[str, Any], speaks: WireName = WireName.OPENAI_CHAT
) -> Any:
    fields = {"messages": [{"role": "user", "content": "Hi"}], **given}
    losses = Losses()
    body = orjson.dumps({"model": "m", "messages": fields["messages"], **sent})
    compare(Cargo.copy(fields, speaks), body, losses)
    return losses.names


def tools(name: str, **more: Any) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": name, **more}}]}


def test_what_left_as_it_was_is_no_loss():
    assert lost({"temperature": 0.5, **tools("f")}, {"temperature": 0.5, **tools("f")}) == []


def test_what_was_changed_or_left_out_is_named():
    assert lost({"temperature": 2, "seed": 3}, {"temperature": 1}) == ["temperature", "seed"]


def test_a_trimmed_schema_is_named():
    assert lost(tools("f", strict=True), tools("f")) == ["tools"]


def test_a_limit_under_its_other_name_is_no_loss():
    assert lost({"max_completion_tokens": 5}, {"max_tokens": 5}) == []


@pytest.mark.parametrize("field", ["max_tokens", "stop", "response_format", "logit_bias"])
def test_what_must_not_be_lost_does_not_leave(field):
    with pytest.raises(UnsupportedFeature, match=f"^{field}"):
        lost({field: "x"}, {})


@pytest.mark.parametrize("speaks", [WireName.OPENAI_CHAT, WireName.GEMINI])
def test_a_tool_that_vanished_does_not_leave(speaks):
    with pytest.raises(UnsupportedFeature, match="tool"):
        lost(tools("read_file"), {}, speaks)


def test_an_image_that_vanished_does_not_leave():
    with pytest.raises(UnsupportedFeature, match="image"):
        lost({"messages": [{"role": "user", "content": [IMAGE]}]}, {"messages": []})


def test_what_litellm_does_to_its_own_copy_is_seen():
    fields = {"messages": [], **tools("f", strict=True)}
    cargo = Cargo.copy(fields, WireName.OPENAI_CHAT)
    fields["tools"][0]["function"].pop("strict")
    losses = Losses()
    compare(cargo, orjson.dumps(fields), losses)
    assert losses.names == ["tools"]
