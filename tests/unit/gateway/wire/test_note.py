"""A note has one form and is found again in that form only; what is no prose gets none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.note import MARKER, note_in, note_of, place_for_note
from policy.types import Notice

AUDIT_ID = "gh-01KAJ0T6M0ABCDEFGHJKMNPQRS"
LEAVES = Notice("codex-leaves", "from 2026-07-10 on this is denied: Codex leaves; use Qoder")
OLD = Notice("codex.too_old", "update it: `codex update` (today)")
NOTE = note_of([LEAVES], AUDIT_ID)
BOTH = note_of([LEAVES, OLD], AUDIT_ID)
line = st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters="\x85"))


def test_a_note_is_a_quotation_that_names_rule_and_audit_id() -> None:
    whole = (
        "> **Gatehouse:** from 2026-07-10 on this is denied: Codex leaves; use Qoder "
        f"(rule codex-leaves, audit id {AUDIT_ID})\n\n"
    )
    assert whole == NOTE
    assert MARKER in NOTE.encode()


def test_several_warnings_are_paragraphs_of_one_quotation() -> None:
    lines = BOTH.removesuffix("\n\n").split("\n")
    assert [each[:17] for each in lines] == ["> **Gatehouse:** ", ">", "> **Gatehouse:** "]


@pytest.mark.parametrize("note", [NOTE, BOTH])
@pytest.mark.parametrize("rest", ["Hello", "\n\nHello", " Hello", "> **Gatehouse:** Hello", ""])
@pytest.mark.parametrize("lead", ["", "\n\n", " \n"])
def test_a_note_is_found_to_its_last_character(note: str, rest: str, lead: str) -> None:
    assert note_in(lead + note + rest) == (len(lead), len(lead) + len(note))


def test_a_note_is_found_when_its_client_has_trimmed_the_text() -> None:
    trimmed = NOTE.strip()
    assert note_in(trimmed) == (0, len(trimmed))


@given(line.filter(str.strip), line)
def test_whatever_a_rule_says_its_note_is_found_again(said: str, rest: str) -> None:
    note = note_of([Notice("some-rule", " ".join(said.split()))], AUDIT_ID)
    assert note_in(note + "x" + rest) == (0, len(note))


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "You were told:\n" + NOTE,  # a quotation of somebody else's
        NOTE.replace("audit id gh-01", "audit id gh-o1"),
        NOTE.replace("\n\n", " and more of this line"),
        NOTE.replace("> ", ""),
        NOTE.replace("(rule ", "("),
        "",
    ],
)
def test_nothing_else_is_a_note(text: str) -> None:
    assert note_in(text) is None


@pytest.mark.parametrize(
    ("text", "place"), [("Hello", 0), ("\n\n Hello", 3), ("- a list", 0), ("```py", 0)]
)
def test_a_note_stands_before_the_first_word(text: str, place: int) -> None:
    assert place_for_note(text) == place


@pytest.mark.parametrize("text", ["<think>\n", "\n<read_file>", '{"title": "x"}', "[1, 2]"])
def test_what_may_be_for_a_program_gets_no_note(text: str) -> None:
    assert place_for_note(text) is None
