"""Every example is one that works: the gateway's load, and the clients' ask for what is offered."""

from datetime import date
from pathlib import Path

import yaml

from gateway.configuration.build import load
from gateway.wire import wires
from policy.types import Deny
from providers.base import WireName
from tests.fakes.configurations import ENVIRON, SHIPPED
from tests.fakes.policy_facts import an_identity, some_facts
from tests.fakes.registers import on

EXAMPLES = Path(__file__).parents[4] / "examples"
AUTOCOMPLETE = EXAMPLES / "autocomplete"
REGISTERS = EXAMPLES / "registers"


def test_the_engines_of_the_autocomplete_example_answer_what_an_editor_asks() -> None:
    configuration = load(AUTOCOMPLETE / "gatehouse.yaml", ENVIRON, SHIPPED)
    spoken = {wire for vendor in configuration.vendors.values() for wire in vendor.wires}
    assert spoken == {
        WireName.OPENAI_COMPLETIONS,
        WireName.OPENAI_EMBEDDINGS,
        WireName.JINA_RERANK,
    }
    assert spoken <= {wire.name for wire in wires(lambda model, text_bytes: text_bytes)}


def test_continue_asks_for_models_that_are_offered() -> None:
    offered = load(AUTOCOMPLETE / "gatehouse.yaml", ENVIRON, SHIPPED).models
    models = yaml.safe_load((AUTOCOMPLETE / "continue.yaml").read_text())["models"]
    assert {each["model"] for each in models} <= set(offered)
    assert {each["apiBase"] for each in models} == {"http://127.0.0.1:7070/v1"}


def test_the_registers_of_the_example_hold_on_their_last_day_and_not_after() -> None:
    configuration = load(REGISTERS / "gatehouse.yaml", ENVIRON, SHIPPED)
    assert configuration.notices == ()
    facts = some_facts("deepseek-chat")

    def rule_on(day: date, version: str = "2.1.200") -> str | None:
        asked = on(day, "claude-code", version)
        decision = configuration.policy.decide(an_identity("default"), facts, asked)
        return decision.rule if isinstance(decision, Deny) else None

    assert rule_on(date(2026, 11, 21)) is None
    assert rule_on(date(2026, 11, 21), "2.1.199") == "assistant_register"
    assert rule_on(date(2027, 3, 31)) is None
    assert rule_on(date(2027, 4, 1)) == "assistant_register"
    lasting = configuration.registers.for_policy().vendors
    assert lasting is not None
    assert lasting["deepseek"].has_lapsed(date(2027, 10, 1).toordinal())
