"""Without a file the gateway offers what it finds, else the rehearsal model."""

from dataclasses import replace

from gateway.configuration.defaults import default_configuration
from policy.types import Allow, DataClass
from providers.base import Secret, Via, WireName
from providers.discovery import FoundEngine
from tests.fakes.configurations import SHIPPED
from tests.fakes.policy_facts import NOON, an_identity, some_facts

OLLAMA = FoundEngine(
    "ollama",
    "http://127.0.0.1:11434",
    frozenset({WireName.OPENAI_CHAT, WireName.ANTHROPIC_MESSAGES}),
    ("qwen3-coder:30b", "llama4"),
)
VLLM = FoundEngine(
    "vllm", "http://127.0.0.1:8000", frozenset({WireName.OPENAI_CHAT}), ("llama4", "Qwen/Qwen3")
)


def test_nothing_found_means_the_rehearsal_model():
    built = default_configuration((), SHIPPED)
    assert built.vendors["rehearsal"].via is Via.BUILT_IN
    assert built.policy.models_for("default") == ("rehearsal",)


def test_every_model_found_is_offered_to_team_default_for_internal_code():
    built = default_configuration((OLLAMA, VLLM), SHIPPED)
    assert built.policy.models_for("default") == ("qwen3-coder:30b", "llama4", "Qwen/Qwen3")
    decision = built.policy.decide(an_identity("default"), some_facts("Qwen/Qwen3"), NOON)
    assert decision == Allow(("vllm/Qwen/Qwen3",), DataClass.INTERNAL)


def test_a_model_that_two_engines_serve_has_two_targets():
    models = default_configuration((OLLAMA, VLLM), SHIPPED).models
    assert [each.name for each in models["llama4"]] == ["ollama/llama4", "vllm/llama4"]


def test_the_window_of_the_engine_that_answers_first_is_told():
    ollama = replace(OLLAMA, context_windows={"llama4": 8_192})
    vllm = replace(VLLM, context_windows={"llama4": 65_536, "Qwen/Qwen3": 32_768})
    built = default_configuration((ollama, vllm), SHIPPED)
    told = {name: built.offered(name).context_window for name in built.models}
    assert told == {"qwen3-coder:30b": None, "llama4": 8_192, "Qwen/Qwen3": 32_768}


def test_an_engine_keeps_its_address_and_its_wires():
    vendor = default_configuration((OLLAMA,), SHIPPED).vendors["ollama"]
    assert vendor.base_url == "http://127.0.0.1:11434"
    assert vendor.wires == OLLAMA.wires


def test_an_engine_of_our_own_is_asked_with_its_key():
    local = replace(VLLM, name="local", api_key=Secret("only-we-know"))
    vendors = default_configuration((OLLAMA, local), SHIPPED).vendors
    assert vendors["local"].api_key == Secret("only-we-know")
    assert vendors["ollama"].api_key is None


def test_a_model_with_a_hostile_name_is_left_out_and_named_escaped():
    hostile = FoundEngine("vllm", VLLM.base_url, VLLM.wires, ("a\n\u202eb", "good"))
    built = default_configuration((hostile,), SHIPPED)
    assert tuple(built.models) == ("good",)
    assert built.notices[0].isprintable()


def test_only_hostile_names_mean_the_rehearsal_model():
    hostile = FoundEngine("vllm", VLLM.base_url, VLLM.wires, ("",))
    assert tuple(default_configuration((hostile,), SHIPPED).models) == ("rehearsal",)


def test_of_names_that_differ_in_case_the_first_is_kept():
    twins = FoundEngine("vllm", VLLM.base_url, VLLM.wires, ("Qwen", "qwen"))
    assert tuple(default_configuration((twins,), SHIPPED).models) == ("Qwen",)


def test_the_digest_names_what_was_found():
    one, same, other = (default_configuration(each, SHIPPED) for each in ((OLLAMA,), (OLLAMA,), ()))
    assert one.digest == same.digest != other.digest
    assert (one.source, one.watched, one.developer_team) == (None, (), "default")
