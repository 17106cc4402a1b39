"""Tools lose their namespaces and plain forms on the way out, and have them again afterwards."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.errors import UnsupportedFeature
from providers.translation.hub import Capabilities, Losses, ToolName
from providers.translation.responses_tools import Tools, flat_name, plain_input

CAN = Capabilities(frozenset({"tools"}))
RUN = {"type": "function", "name": "run", "description": "Runs.", "parameters": {"type": "object"}}
PATCH = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Edits.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: line"},
}
DOCS = {"type": "namespace", "name": "mcp__docs", "description": "Pages.", "tools": [RUN]}


def read(*given_tools: object, can: Capabilities = CAN) -> tuple[Tools, Losses]:
    losses = Losses()
    tools = Tools(can, losses)
    tools.read(list(given_tools))
    return tools, losses


def test_a_function_is_the_same_function() -> None:
    tools, losses = read({**RUN, "strict": True})
    function = {"name": "run", "description": "Runs.", "parameters": {"type": "object"}}
    assert tools.offered == [{"type": "function", "function": {**function, "strict": True}}]
    assert tools.names == {"run": ToolName("run")}
    assert losses.names == []


def test_a_plain_tool_becomes_a_function_of_one_text_and_says_its_form() -> None:
    tools, losses = read(PATCH)
    (function,) = [each["function"] for each in tools.offered]
    assert function["name"] == "apply_patch"
    assert function["parameters"]["required"] == ["input"]
    assert function["description"].startswith("Edits.\n\nThe input must follow this lark grammar:")
    assert tools.names == {"apply_patch": ToolName("apply_patch", is_plain=True)}
    assert losses.names == ["tools.format"]


def test_a_tool_in_a_namespace_gets_one_name_of_both() -> None:
    tools, losses = read(RUN, DOCS)
    assert [each["function"]["name"] for each in tools.offered] == ["run", "mcp__docs__run"]
    assert tools.names["mcp__docs__run"] == ToolName("run", "mcp__docs")
    assert losses.names == ["tools.description"]


@pytest.mark.parametrize(
    ("tool", "path"),
    [
        ({"type": "web_search"}, "tools.0.type: web_search is"),
        ({"type": "mcp", "server_label": "x"}, "tools.0.type: mcp is"),
        ({"type": "local_shell"}, "tools.0.type"),
        ({**DOCS, "tools": [DOCS]}, r"tools\.0\.tools\.0\.type"),
        ({"type": "function"}, "tools.0.name"),
        ({**RUN, "parameters": []}, "tools.0.parameters"),
        ("web_search", "tools.0: an object"),
    ],
)
def test_a_tool_that_cannot_be_given_is_refused_by_its_place(tool: object, path: str) -> None:
    with pytest.raises(UnsupportedFeature, match=path):
        read(tool)


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(UnsupportedFeature, match=r"tools\.1\.name: two tools"):
        read(DOCS, {**RUN, "name": "mcp__docs__run"})


def test_a_target_without_tools_is_the_wrong_target() -> None:
    with pytest.raises(UnsupportedFeature, match="tools"):
        read(RUN, can=Capabilities(frozenset()))


def test_what_may_be_dropped_is_dropped_and_named() -> None:
    can = Capabilities(frozenset({"tools"}), droppable_tools=frozenset({"web_search"}))
    tools, losses = read(RUN, {"type": "web_search"}, can=can)
    assert len(tools.offered) == 1
    assert losses.names == ["tools.web_search"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ("auto", "auto"),
        ("required", "required"),
        ({"type": "function", "name": "run"}, "run"),
        ({"type": "function", "name": "run", "namespace": "mcp__docs"}, "mcp__docs__run"),
        ({"type": "custom", "name": "apply_patch"}, "apply_patch"),
    ],
)
def test_a_choice_keeps_its_meaning(choice: object, expected: str | None) -> None:
    tools, _ = read(RUN, PATCH, DOCS)
    chosen = tools.choose(choice)
    assert (chosen["function"]["name"] if isinstance(chosen, dict) else chosen) == expected


def test_a_choice_of_allowed_tools_offers_no_other() -> None:
    tools, _ = read(RUN, PATCH)
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [RUN]}
    assert tools.choose(allowed) == "required"
    assert [each["function"]["name"] for each in tools.offered] == ["run"]


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "web_search"},
        {"type": "function", "name": "other"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp"}]},
        5,
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(choice: object) -> None:
    tools, _ = read(RUN)
    with pytest.raises(UnsupportedFeature, match="tool_choice"):
        tools.choose(choice)


def test_without_tools_there_is_nothing_to_choose_unless_one_is_required() -> None:
    tools, _ = read()
    assert (tools.choose("auto"), tools.choose("none")) == (None, None)
    assert tools.choose("required") == "required"


@given(name=st.text(min_size=1, max_size=80), namespace=st.text(min_size=1, max_size=80))
def test_a_flat_name_is_always_one_that_vendors_take(name: str, namespace: str) -> None:
    flat = flat_name(name, namespace)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", flat)
    assert flat == flat_name(name, namespace)


def test_long_names_that_begin_alike_stay_apart() -> None:
    assert flat_name("a" * 70, "n") != flat_name("a" * 71, "n")
    assert flat_name("a.b", "n") != flat_name("a_b", "n")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"input":"*** Begin"}', "*** Begin"),
        ('{"input":""}', ""),
        ('{"patch":"x"}', '{"patch":"x"}'),
        ("*** Begin", "*** Begin"),
        ("[1]", "[1]"),
        ('{"input":5}', '{"input":5}'),
        ("", ""),
    ],
)
def test_a_plain_tool_gets_its_text_or_what_the_model_wrote(arguments: str, text: str) -> None:
    assert plain_input(arguments) == text


def test_a_tool_that_says_nothing_says_nothing() -> None:
    bare: dict[str, Any] = {"type": "custom", "name": "note"}
    tools, _ = read(bare)
    assert "description" not in tools.offered[0]["function"]
