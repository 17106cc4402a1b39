"""An exception is told in a sentence, in lines, and whole."""

from dataclasses import replace

import pytest

from gateway.cli.glass_facts import facts_of, for_whom, lines_of, sentence
from gateway.store.passed import Passed
from policy.break_glass import Lifts
from policy.rulebook.document import MatchDocument
from tests.fakes.break_glass import BEN, PROPOSED_US, SECOND_US, a_stored_glass

LATER_US = PROPOSED_US + 60 * SECOND_US


def test_a_sentence_says_what_is_lifted_for_whom_until_when_and_why():
    told = sentence(a_stored_glass(), LATER_US)
    assert told == (
        "break-glass bg_000000000001 (open) lifts rule r for team web "
        "until 2026-07-10T11:00:00Z: the in-house model is down"
    )


def test_a_proposal_has_no_end_yet():
    assert " until " not in sentence(a_stored_glass(is_open=False), LATER_US)


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ({}, "everybody"),
        ({"teams": ("web", "ops"), "models": ("c*",)}, "team web, ops, model c*"),
        ({"users": ("ann",), "assistants": ("codex < 2",)}, "user ann, assistant codex < 2"),
    ],
)
def test_for_whom_it_is(scope, told):
    assert for_whom(MatchDocument.model_validate(scope)) == told


def test_the_facts_have_who_did_what_when():
    glass = a_stored_glass(approved_by=BEN, lifts=Lifts(extra_nano_usd=1_500_000_000))
    facts = facts_of(replace(glass, closed_unix_us=LATER_US, closed_by=BEN), LATER_US)
    assert facts["lifts"]["extra_usd"] == "1.5"
    assert facts["closed_by"] == {"kind": "key", "name": "ben", "key_id": "key_ben"}
    assert (facts["state"], facts["closed"]) == ("closed", "2026-07-10T09:01:00Z")


def test_lines_tell_all_that_became_of_it_and_who_passed():
    glass = replace(a_stored_glass(approved_by=BEN), closed_unix_us=LATER_US, closed_by=BEN)
    assert list(lines_of(glass, [Passed("web", "ann", "coder", 1007)], LATER_US)) == [
        "bg_000000000001: closed",
        "  lifts: rule r",
        "  for: team web",
        "  reason: the in-house model is down",
        "  proposed: 2026-07-10T09:00:00Z by anna, key key_anna",
        "  opened: 2026-07-10T09:00:00Z, approved by ben, key key_ben",
        "  until: 2026-07-10T11:00:00Z",
        "  closed: 2026-07-10T09:01:00Z by ben, key key_ben",
        "  requests that passed because of it: 1,007",
        "    1,007: ann of web, model coder",
    ]
