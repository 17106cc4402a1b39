"""TOML keeps its comments, its order and its blanks."""

import pytest

from gateway.cli.editing import TOML, Unreadable

MINE = """# my Codex
model = "gpt-5"   # the good one

[projects."/home/anna/work"]
trust_level = "trusted"

[mcp_servers.docs]
command = "docs"
"""


def test_a_top_setting_stays_above_the_tables() -> None:
    edited = TOML.put(MINE, ("model_provider",), "gatehouse")
    assert TOML.read(edited)["model_provider"] == "gatehouse"  # type: ignore[index]
    assert TOML.drop(edited, ("model_provider",)) == MINE


def test_a_value_changes_and_the_comment_beside_it_stays() -> None:
    assert TOML.put(MINE, ("model",), "coder") == MINE.replace('"gpt-5"', '"coder"')


def test_a_table_is_made_below_a_table_of_tables() -> None:
    edited = TOML.put(MINE, ("model_providers", "gatehouse", "name"), "Gatehouse")
    assert edited.startswith(MINE)
    assert '[model_providers.gatehouse]\nname = "Gatehouse"\n' in edited
    assert "[model_providers]\n" not in edited


def test_a_table_in_braces_is_added_to_in_braces() -> None:
    text = 'model_providers = { mine = { name = "m" } }\n'
    edited = TOML.put(text, ("model_providers", "gatehouse", "name"), "Gatehouse")
    assert TOML.read(edited) == {
        "model_providers": {"mine": {"name": "m"}, "gatehouse": {"name": "Gatehouse"}}
    }


def test_what_is_not_toml_is_refused_with_its_line() -> None:
    with pytest.raises(Unreadable) as refused:
        TOML.read('a = 1\nb = "x\n')
    assert refused.value.line == 2


def test_a_key_that_is_there_twice_is_refused() -> None:
    with pytest.raises(Unreadable):
        TOML.read("a = 1\na = 2\n")


def test_a_setting_below_something_that_holds_none_is_refused() -> None:
    with pytest.raises(Unreadable, match="not a table"):
        TOML.put("analytics = false\n", ("analytics", "enabled"), False)
