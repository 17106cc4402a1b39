"""YAML becomes plain values, each with its place; what is hostile ends as one line."""

import pytest

from gateway.configuration.problems import Place, Problem
from gateway.configuration.tree import MAX_FILE_BYTES, Tree, Unreadable, read_tree

ENVIRON = {"KEY": "sk-canary", "TINY": "abc", "LONGER": "sk-canary-and-more"}


def refused(text: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(Unreadable) as caught:
        read_tree(text.encode() if isinstance(text, str) else text, ENVIRON)
    return caught.value.problems


def tree_of(text: str) -> Tree:
    return read_tree(text.encode(), ENVIRON)


def test_maps_lists_and_scalars_become_plain_values():
    tree = tree_of("a: { b: [1, two, ~, true] }\nc: 'x'\n")
    assert tree.value == {"a": {"b": (1, "two", None, True)}, "c": "x"}


def test_every_value_has_its_place_and_every_name_too():
    tree = tree_of("a:\n  b: [1, two]\n")
    assert tree.place(("a", "b", 1)) == Place(2, 10)
    assert tree.keys["a", "b"] == Place(2, 3)


def test_what_is_missing_stands_where_its_parent_does():
    tree = tree_of("a:\n  b: {}\n")
    assert tree.place(("a", "b", "c", "d")) == tree.place(("a", "b"))
    assert tree.place(("nowhere",)) == Place(1, 1)


def test_an_anchor_is_its_value_again():
    assert tree_of("a: &x { b: 1 }\nc: *x\n").value == {"a": {"b": 1}, "c": {"b": 1}}


def test_where_a_variable_was_filled_in_is_known():
    tree = tree_of("a: x-${KEY}\nb: plain\n")
    assert tree.value == {"a": "x-sk-canary", "b": "plain"}
    assert tree.filled == {("a",): ("KEY",)}


def test_no_value_of_the_environment_is_shown_the_longest_first():
    tree = tree_of("a: ${KEY}\nb: ${LONGER}\nc: ${TINY}\n")
    assert tree.scrubbed("sk-canary-and-more sk-canary abc") == "${LONGER} ${KEY} abc"


def test_a_name_twice_is_refused_with_both_lines():
    (problem,) = refused("a: 1\nb: 2\na: 3\n")
    assert (problem.place, problem.message) == (
        Place(3, 1),
        "is here twice (first in line 1); keep one",
    )


@pytest.mark.parametrize("text", ["1: a\n", "? [x]\n: a\n", "<<: {}\n", "on: a\n", "~: a\n"])
def test_a_name_that_is_not_text_is_refused(text):
    (problem,) = refused(text)
    assert "put it in quotes" in problem.message


def test_all_problems_are_found_in_one_go_up_to_a_readable_number():
    assert len(refused("a: !x y\nb: no\nc: ${NONE}\n")) == 3
    assert len(refused("".join(f"a{n}: !x y\n" for n in range(99)))) == 50


@pytest.mark.parametrize("text", ["", "# nothing\n", "\n\n"])
def test_a_file_without_a_word_is_empty(text):
    (problem,) = refused(text)
    assert "empty" in problem.message


def test_a_wrong_line_is_not_quoted_for_it_may_hold_a_key():
    (problem,) = refused("a: [sk-canary\nb: 1\n")
    assert "not YAML" in problem.message
    assert "canary" not in problem.message


def test_bytes_that_are_no_utf8_have_a_place():
    (problem,) = refused(b"a: 1\nb: \xff\n")
    assert problem.place == Place(2, 4)


@pytest.mark.parametrize(
    "bomb",
    [
        "[" * 5_000,
        "a: " + "{b: " * 21 + "1" + "}" * 21,
        "a: &a [" + "x," * 9_000 + "]\nb: [*a, *a, *a]\n",
        "a: &a\n  b: *a\n",
    ],
    ids=["open", "deep", "wide", "itself"],
)
def test_a_file_that_grows_or_nests_without_end_is_one_line(bomb):
    (problem,) = refused(bomb)
    assert "nested too deeply" in problem.message


def test_a_file_larger_than_any_configuration_is_not_parsed():
    (problem,) = refused(b"#" * (MAX_FILE_BYTES + 1))
    assert "larger than" in problem.message
    assert refused(b"#" * MAX_FILE_BYTES)[0].message.startswith("the file is empty")
