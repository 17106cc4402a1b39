"""The file's own types: what each option takes, and what it makes of it."""

from datetime import date

import pytest
from pydantic import ValidationError

from gateway.configuration.document import (
    GatehouseDocument,
    ModelDocument,
    PriceDocument,
    ServerDocument,
    TelemetryDocument,
    VendorDocument,
)


def vendor(**fields: object) -> VendorDocument:
    return VendorDocument.model_validate({"kind": "in_house", **fields})


@pytest.mark.parametrize("target", ["house/m", "house/Qwen/Qwen3", "a/b:c@d"])
def test_a_target_is_a_vendor_and_its_model(target):
    assert ModelDocument.model_validate({"targets": (target,)}).targets == (target,)


@pytest.mark.parametrize("target", ["house", "/m", "house/", "", "house/a\nb", "h/" + "x" * 255])
def test_what_is_no_target_is_refused(target):
    with pytest.raises(ValidationError, match="a target is vendor/model"):
        ModelDocument.model_validate({"targets": (target,)})


@pytest.mark.parametrize("day", ["2027-02-30", "2027-2-3", "tomorrow", "20270203x", 20270203])
def test_a_day_that_is_none_is_refused(day):
    with pytest.raises(ValidationError):
        vendor(review_date=day)


def test_a_day_is_a_day():
    assert vendor(review_date="2027-02-03").review_date == date(2027, 2, 3)


@pytest.mark.parametrize("network", ["10.0.0.7/8", "ingress", "10.0.0.0/33", "", "10.0.0.0-9"])
def test_a_trusted_proxy_that_is_no_network_is_refused(network):
    with pytest.raises(ValidationError, match=r"is a network such as 10\.0\.0\.0/8"):
        ServerDocument.model_validate({"trusted_proxies": (network,)})


@pytest.mark.parametrize("section", ["vendors", "models", "teams"])
def test_without_vendors_models_or_teams_there_is_nothing_to_serve(section):
    whole = {
        "vendors": {"h": {"kind": "in_house"}},
        "models": {"m": {"targets": ("h/m",)}},
        "teams": {"t": {"models": (), "data_class": "public"}},
    }
    GatehouseDocument.model_validate(whole)
    with pytest.raises(ValidationError, match="at least one entry"):
        GatehouseDocument.model_validate({**whole, section: {}})


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (VendorDocument, {"kind": "in_house", "keyy": 1}),
        (ModelDocument, {"targets": ("h/m",), "weight": 1}),
        (TelemetryDocument, {"endpoint": "http://h"}),
        (PriceDocument, {"input": 1, "output": 1, "per": "token"}),
        (ServerDocument, {"trusted_proxy": ()}),
    ],
)
def test_an_unknown_option_is_refused_everywhere(model, fields):
    with pytest.raises(ValidationError, match="Extra inputs"):
        model.model_validate(fields)


def test_a_document_cannot_be_changed_once_it_was_checked():
    with pytest.raises(ValidationError, match="frozen"):
        vendor().kind = "openai"
