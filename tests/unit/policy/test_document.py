"""What people may write about teams, and what is refused."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from policy.document import LimitsDocument, TeamDocument, nano_usd


def test_a_request_may_have_32_mebibytes_unless_said_otherwise():
    team = TeamDocument.model_validate({"models": ("m",), "data_class": "public"})
    assert team.limits.max_request_bytes == 33_554_432


@pytest.mark.parametrize("left_out", ["models", "data_class"])
def test_models_and_data_class_are_required(left_out):
    written = {"models": ("m",), "data_class": "public"}
    del written[left_out]
    with pytest.raises(ValidationError, match=left_out):
        TeamDocument.model_validate(written)


@pytest.mark.parametrize(
    "wrong",
    [True, "5", 1.0, 0, -1, None.__class__, 10**12],
)
def test_a_limit_is_a_whole_number_from_one(wrong):
    with pytest.raises(ValidationError):
        LimitsDocument.model_validate({"requests_per_minute": wrong})


@pytest.mark.parametrize("label", ["secret", "Internal", "", 1])
def test_an_unknown_data_class_is_refused(label):
    with pytest.raises(ValidationError):
        TeamDocument.model_validate({"models": ("m",), "data_class": label})


@pytest.mark.parametrize(
    "name",
    ["gpt\u20114", "\uff43laude", "a\u200bb", "", "a b", "a\n", "-a", "x" * 129, "é", "e\u0301"],
)
def test_a_model_name_that_looks_like_another_is_refused(name):
    with pytest.raises(ValidationError):
        TeamDocument.model_validate({"models": (name,), "data_class": "public"})


def test_a_model_named_twice_is_refused():
    with pytest.raises(ValidationError, match="twice"):
        TeamDocument.model_validate({"models": ("m", "m"), "data_class": "public"})


def test_an_unknown_field_is_refused():
    with pytest.raises(ValidationError):
        LimitsDocument.model_validate({"rpm": 5})


def test_money_is_exact():
    limits = LimitsDocument.model_validate({"usd_per_month": Decimal("0.1")})
    assert limits.usd_per_month is not None
    assert nano_usd(limits.usd_per_month) == 100_000_000


@pytest.mark.parametrize("wrong", [True, "5", Decimal("NaN"), Decimal(-1), Decimal("9000000.01")])
def test_a_budget_is_a_plain_amount(wrong):
    with pytest.raises(ValidationError):
        LimitsDocument.model_validate({"usd_per_month": wrong})


def test_an_error_does_not_repeat_what_was_written():
    with pytest.raises(ValidationError) as caught:
        LimitsDocument.model_validate({"parallel": "sk-canary"})
    assert "sk-canary" not in str(caught.value)
