"""A vendor is data, and the data is whole."""

from importlib.metadata import distribution

import pytest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

from providers.base import Auth, Via
from providers.http.origin import parse_base_url
from providers.vendors import RECORDS, VENDORS, UnknownVendorKindError, record

TRANSLATED = [each for each in VENDORS if each.via is Via.LITELLM]


def test_every_kind_is_known_by_its_name():
    assert [record(each.kind) for each in VENDORS] == list(VENDORS)
    assert len(RECORDS) == len(VENDORS)


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(UnknownVendorKindError) as caught:
        record("gpt")
    assert str(caught.value).startswith("unknown vendor kind 'gpt'; one of: in_house, ")


@pytest.mark.parametrize("each", VENDORS, ids=lambda each: each.kind)
def test_every_wire_a_vendor_speaks_says_how_its_key_is_shown(each):
    assert set(each.auth) == set(each.paths)
    assert each.paths


@pytest.mark.parametrize("each", [e for e in VENDORS if not e.in_house], ids=lambda each: each.kind)
def test_every_public_vendor_has_a_safe_address_and_wants_a_key(each):
    origin, _ = parse_base_url(each.base_url)
    assert origin.scheme == "https"
    assert Auth.NONE not in each.auth.values()


def test_what_runs_in_the_house_has_no_address_of_its_own():
    assert [each.kind for each in VENDORS if each.base_url is None] == ["in_house", "rehearsal"]
    assert all(each.in_house == (each.base_url is None) for each in VENDORS)


def test_the_four_vendors_with_dialects_go_through_litellm():
    assert {each.kind: each.litellm_prefix for each in TRANSLATED} == {
        "qwen": "dashscope",
        "deepseek": "deepseek",
        "moonshot": "moonshot",
        "zhipu": "zai",
    }


@pytest.mark.parametrize("each", TRANSLATED, ids=lambda each: each.kind)
def test_the_installed_litellm_knows_every_prefix_and_address_we_give_it(each):
    folder = distribution("litellm").locate_file(f"litellm/llms/{each.litellm_prefix}/chat")
    source = folder.joinpath("transformation.py").read_text(encoding="utf-8")
    assert f'"{each.base_url}"' in source


def test_only_vendors_that_own_the_messages_protocol_get_its_headers():
    getting = {each.kind for each in VENDORS if each.forwarded_headers}
    assert getting == {"in_house", "anthropic"}


def test_vendors_bear_opentelemetrys_names_where_it_has_one():
    named = {each.kind: each.otel_provider for each in VENDORS if each.otel_provider}
    assert named == {
        "openai": "openai",
        "anthropic": "anthropic",
        "gemini": "gcp.gemini",
        "deepseek": "deepseek",
    }
    registry = vars(gen_ai_attributes)["GenAiProviderNameValues"]  # marked as moved, not gone
    assert set(named.values()) <= {each.value for each in registry}
    assert {each.kind for each in VENDORS} & {each.value for each in registry} <= set(named)
