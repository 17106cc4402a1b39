"""Every example is one that works: the gateway's load, and the clients' ask for what is offered."""

from pathlib import Path

import yaml

from gateway.configuration.build import load
from gateway.wire import wires
from providers.base import WireName
from tests.fakes.configurations import ENVIRON, SHIPPED

AUTOCOMPLETE = Path(__file__).parents[4] / "examples" / "autocomplete"


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
