"""What people may write as a rule, and what is refused."""

import pytest
from pydantic import ValidationError

from policy.rulebook.document import RulebookDocument, RuleDocument


def refused(**written: object) -> str:
    with pytest.raises(ValidationError) as caught:
        RuleDocument.model_validate({"id": "r", "effect": "deny", **written})
    return str(caught.value)


@pytest.mark.parametrize(
    ("match", "words"),
    [
        ({"teams": ()}, "leave the field out"),
        ({"assistants": ("claude-code < soon",)}, "is no bound"),
        ({"networks": ("10.0.0.1/8",)}, "no bit set"),
        ({"hours": ("9-17",)}, "in quotes"),
        ({"hours": ("09:00-09:00",)}, "in quotes"),
        ({"hours": ("24:00-06:00",)}, "in quotes"),
        ({"tools": ("a b",)}, "pattern"),
        ({"in_house": "yes"}, "bool"),
        ({"request_bytes_over": -1}, "greater"),
        ({"team": ("web",)}, "Extra"),
    ],
)
def test_a_condition_that_cannot_be_meant_is_refused(match, words):
    assert words in refused(match=match)


@pytest.mark.parametrize("zone", ["Mars/Base", "../../etc/passwd", "", "/etc/localtime"])
def test_a_time_zone_is_one_that_exists(zone):
    assert "time zone" in refused(time_zone=zone)


def test_mask_is_refused_with_what_to_use():
    assert "mask is no effect yet" in refused(effect="mask")


@pytest.mark.parametrize("reason", ["", "  ", "x" * 401, "a\x1b[31m"])
def test_a_reason_is_text_for_a_person(reason):
    assert "for a person to read" in refused(reason=reason)


def test_a_folded_reason_is_one_line():
    rule = RuleDocument.model_validate({"id": "r", "effect": "deny", "reason": "It\n  left.\n"})
    assert rule.reason == "It left"


def test_a_moment_without_a_zone_is_utc():
    request = {"team": "web", "model": "coder", "at": "2026-07-10"}
    case = {"name": "n", "request": request, "expect": {"effect": "deny"}}
    (read,) = RulebookDocument.model_validate({"tests": (case,)}).tests
    assert str(read.request.at) == "2026-07-10 00:00:00+00:00"
