"""Which prefix a vendor takes, and the path below its address."""

from dataclasses import replace

import msgspec
import pytest

from providers.base import Target, Via, WireName
from providers.errors import UnsupportedFeature
from providers.translation.roads import (
    RESPONSES,
    ROADS,
    call_to_nowhere,
    path_for,
    prefix_for,
    refuse_without_road,
    road_for,
)
from providers.vendors import VENDORS
from tests.fakes.translation import target


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [
        ("qwen", "dashscope"),
        ("deepseek", "deepseek"),
        ("moonshot", "moonshot"),
        ("zhipu", "zai"),
        ("in_house:openai_chat", "hosted_vllm"),
        ("in_house:anthropic_messages", "anthropic"),
        ("in_house:gemini", "gemini"),
    ],
)
def test_a_vendor_takes_its_prefix(kind, prefix):
    assert prefix_for(target(kind, "http://x").vendor) == prefix


def test_an_engine_told_to_go_by_litellm_is_asked_on_chat():
    engine = replace(target("in_house", "http://x").vendor, via=Via.LITELLM)
    assert prefix_for(engine) == "hosted_vllm"


@pytest.mark.parametrize(
    "kind", ["deepseek", "qwen", "openai:openai_completions", "in_house:openai_completions"]
)
@pytest.mark.parametrize("wire", [WireName.OPENAI_COMPLETIONS, WireName.MISTRAL_FIM])
def test_completions_take_the_one_prefix_that_never_asks_chat_instead(kind, wire):
    prefix, road = road_for(target(kind, "http://x").vendor, wire)
    assert prefix == "text-completion-openai"
    assert (road.speaks, road.function) == (WireName.OPENAI_COMPLETIONS, "atext_completion")


def test_embeddings_take_the_vendors_own_prefix():
    prefix, road = road_for(target("qwen", "http://x").vendor, WireName.OPENAI_EMBEDDINGS)
    assert (prefix, road.function, road.uses_openai_sdk) == ("dashscope", "aembedding", False)


def test_what_a_configuration_left_out_is_not_asked_for():
    narrowed = target("openai:openai_chat", "http://x").vendor
    with pytest.raises(UnsupportedFeature, match="nothing that answers mistral_fim"):
        road_for(narrowed, WireName.MISTRAL_FIM)


def test_other_wires_take_the_road_of_chat():
    prefix, road = road_for(target("qwen", "http://x").vendor, WireName.ANTHROPIC_MESSAGES)
    assert (prefix, road) == ("dashscope", ROADS["dashscope"])


def test_a_call_without_a_road_is_refused_naming_its_target():
    call = msgspec.structs.replace(call_to_nowhere("openai"), wire=WireName.JINA_RERANK)
    with pytest.raises(UnsupportedFeature, match="nothing that answers jina_rerank") as refused:
        refuse_without_road(call)
    assert refused.value.target == "nowhere/none"


def test_every_prefix_of_a_record_is_a_road():
    prefixes = {each.litellm_prefix for each in VENDORS if each.litellm_prefix}
    assert prefixes <= ROADS.keys()


@pytest.mark.parametrize("kind", ["in_house:openai_responses", "openai:openai_responses"])
@pytest.mark.parametrize(
    "wire", [WireName.OPENAI_CHAT, WireName.ANTHROPIC_MESSAGES, WireName.GEMINI]
)
def test_who_speaks_only_responses_is_asked_on_them_without_litellm(kind, wire):
    found = target(kind, "http://x")
    assert road_for(found.vendor, wire) == ("", RESPONSES)
    assert RESPONSES.function is None
    assert path_for(found, RESPONSES, streaming=True).endswith("/responses")


@pytest.mark.parametrize(
    ("spoken", "prefix"),
    [
        (WireName.OPENAI_CHAT, "hosted_vllm"),
        (WireName.ANTHROPIC_MESSAGES, "anthropic"),
        (WireName.GEMINI, "gemini"),
    ],
)
def test_who_speaks_responses_too_is_asked_on_the_other(spoken, prefix):
    vendor = target("in_house:openai_responses", "http://x").vendor
    vendor = replace(vendor, wires=frozenset({WireName.OPENAI_RESPONSES, spoken}))
    assert road_for(vendor, WireName.ANTHROPIC_MESSAGES) == (prefix, ROADS[prefix])


def test_completions_are_not_made_of_responses():
    vendor = target("in_house:openai_responses", "http://x").vendor
    with pytest.raises(UnsupportedFeature, match="nothing that answers openai_completions"):
        road_for(vendor, WireName.OPENAI_COMPLETIONS)


@pytest.mark.parametrize("kind", ["in_house:openai_responses", "rehearsal"])
def test_where_no_road_leads_is_refused(kind):
    with pytest.raises(UnsupportedFeature, match="cannot be reached"):
        prefix_for(target(kind, "http://x").vendor)


def test_a_prefix_nobody_can_watch_is_refused():
    vendor = target("qwen", "http://x").vendor
    strange = replace(vendor, record=replace(vendor.record, litellm_prefix="bedrock"))
    with pytest.raises(UnsupportedFeature):
        prefix_for(strange)


@pytest.mark.parametrize(
    ("kind", "streaming", "path"),
    [
        ("qwen", True, "/chat/completions"),
        ("in_house:openai_chat", False, "/v1/chat/completions"),
        ("anthropic", False, "/messages"),
        ("gemini", False, "/models/m%3F1:generateContent"),
        ("gemini", True, "/models/m%3F1:streamGenerateContent?alt=sse"),
    ],
)
def test_the_path_comes_from_the_record(kind, streaming, path):
    found = target(kind, "http://x", model="m?1")
    road = ROADS[prefix_for(found.vendor)]
    assert path_for(found, road, streaming=streaming) == path


def test_a_record_without_the_path_is_refused():
    found: Target = target("gemini", "http://x")
    with pytest.raises(UnsupportedFeature, match="no path"):
        path_for(found, ROADS["openai"], streaming=False)


def test_a_call_to_nowhere_names_no_host():
    assert call_to_nowhere("openai").target.vendor.base_url.startswith("unix:")
    assert WireName.OPENAI_CHAT is call_to_nowhere("gemini").wire
