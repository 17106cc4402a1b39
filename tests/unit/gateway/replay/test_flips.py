"""What would have come otherwise is counted by what changed, whose it was and what it had cost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.replay.decided import Decided
from gateway.replay.flips import AsRecorded, Comparison, Dimension, Flip
from gateway.replay.recorded import RecordedExchange
from tests.fakes.recorded_traffic import a_request, ended, some_asked
from tests.fakes.rules import a_policy_of, a_rule, targets_of
from tests.fakes.some_rules import some_rules


def compared(*exchanges: RecordedExchange, by: tuple = (), before: object = None) -> Comparison:
    made = Comparison(Decided(a_policy_of(*by), lambda name: name), before or AsRecorded())
    for each in exchanges:
        made.add(each)
    return made


def flip(exchange: RecordedExchange, *by) -> Flip:
    (found,) = compared(exchange, by=by).total.flips
    return found


DENIED = ended(a_request(kind="denied", targets=(), rule="gone", code="policy_denied"), 0)


@pytest.mark.parametrize(
    ("exchange", "by", "expected"),
    [
        (ended(a_request()), (), Flip.SAME),
        (ended(a_request()), (a_rule(),), Flip.DENIED),
        (ended(a_request()), (a_rule(vendors=("anthropic",)),), Flip.FEWER),
        (ended(a_request(targets=("house/qwen3",))), (), Flip.MORE),
        (
            ended(a_request(targets=("house/qwen3", "old/one"))),
            (a_rule(vendors=("house",)),),
            Flip.OTHER,
        ),
        (DENIED, (), Flip.ALLOWED),
        (DENIED, (a_rule("gone"),), Flip.SAME),
        (DENIED, (a_rule("another"),), Flip.OTHERWISE),
        (ended(a_request()), (a_rule(networks=("10.0.0.0/8",)),), Flip.UNDECIDABLE),
        (ended(a_request(model=None)), (a_rule(),), Flip.NOT_ASKED),
    ],
)
def test_each_way_to_differ_has_its_name(exchange, by, expected):
    assert flip(exchange, *by) is expected


def test_a_denial_by_a_cap_is_decided_anew_only_where_policy_denies_too():
    capped = ended(a_request(kind="denied", targets=(), rule="rates", code="rate_limited"), 0)
    assert flip(capped) is Flip.UNDECIDABLE
    assert flip(capped, a_rule("no")) is Flip.OTHERWISE


def test_what_a_key_is_limited_to_stays_as_it_is():
    outside = ended(a_request(kind="denied", targets=(), rule="key_scope"), 0)
    assert flip(outside) is Flip.SAME


def test_targets_that_a_cap_took_out_are_no_difference():
    request = a_request(targets=("house/qwen3",), left_out=("anthropic/claude", "silent/model"))
    assert flip(ended(request)) is Flip.SAME


def test_what_passed_because_of_an_exception_is_not_decided_anew_where_that_may_matter():
    request = a_request(exceptions=("bg_0000000000000",))
    assert flip(ended(request)) is Flip.SAME
    assert flip(ended(request), a_rule("lifted")) is Flip.UNDECIDABLE
    old = Decided(a_policy_of(), lambda name: name)
    found = compared(ended(request), by=(a_rule("new"),), before=old)
    assert found.total.flips == {Flip.DENIED: 1}


def test_a_kept_conversation_goes_on_where_it_is_kept_or_nowhere():
    kept = ended(a_request(targets=("anthropic/claude",), continues="resp_1"))
    assert flip(kept) is Flip.SAME
    gone = compared(kept, by=(a_rule("no", vendors=("anthropic",)),))
    assert gone.total.flips == {Flip.DENIED: 1}
    assert list(gone.by[Dimension.RULE]) == ["continuation"]


def test_denials_are_counted_with_their_rule_team_model_vendor_users_and_cost():
    found = compared(
        ended(a_request(subject="ada"), 700),
        ended(a_request(subject="bob"), 50),
        ended(a_request(subject="ada", team="ops"), 3),
        by=(a_rule("no", teams=("web",)),),
    )
    assert (found.exchanges, found.cost_nano_usd) == (3, 753)
    assert found.total.users == {"ada", "bob"}
    for dimension, name in (
        (Dimension.TEAM, "web"),
        (Dimension.MODEL, "coder"),
        (Dimension.VENDOR, "house"),
        (Dimension.RULE, "no"),
    ):
        (told,) = found.by[dimension].items()
        assert told[0] == name
        assert told[1].flips == {Flip.DENIED: 2}
        assert told[1].refused_nano_usd == 750


def test_spend_that_another_target_would_have_had_is_counted():
    found = compared(ended(a_request(), 700), by=(a_rule("out", vendors=("house",)),))
    assert (found.total.moved, found.total.moved_nano_usd) == (1, 700)
    assert found.by[Dimension.RULE]["out"].flips == {Flip.FEWER: 1}
    stays = compared(ended(a_request(), 700), by=(a_rule("out", vendors=("silent",)),))
    assert stays.total.moved == 0


def test_a_new_warning_is_counted_beside_the_same_decision():
    found = compared(ended(a_request()), by=(a_rule("soon", "warn"),))
    assert found.total.flips == {Flip.SAME: 1}
    assert (found.total.warned, found.by[Dimension.TEAM]["web"].warned) == (1, 1)
    before = ended(a_request(warnings=("soon",)))
    assert compared(before, by=(a_rule("soon", "warn"),)).total.warned == 0


def test_why_nobody_can_tell_is_counted():
    found = compared(ended(a_request()), by=(a_rule(networks=("10.0.0.0/8",)),))
    assert found.unknown == {"where the caller was is not on record": 1}


def test_two_versions_are_compared_whatever_came_of_it():
    old = Decided(a_policy_of(a_rule("old")), lambda name: name)
    found = compared(ended(a_request()), DENIED, by=(), before=old)
    assert found.total.flips == {Flip.ALLOWED: 2}
    assert list(found.by[Dimension.RULE]) == ["old"]


@settings(max_examples=200)
@given(some_rules(), some_rules(), st.lists(some_asked, max_size=5))
def test_flips_are_what_really_would_have_come(before, after, asked):
    old, new = a_policy_of(*before), a_policy_of(*after)
    for each in asked:
        was, becomes = each.decided_by(old), each.decided_by(new)
        found = compared(ended(each.recorded(was)), by=after).total.flips
        if Flip.UNDECIDABLE in found:
            continue
        had, has = set(targets_of(was)), set(targets_of(becomes))
        assert (Flip.DENIED in found) == bool(had and not has)
        assert (Flip.ALLOWED in found) == bool(has and not had)
        assert (Flip.FEWER in found) == bool(has and has < had)
        assert (Flip.MORE in found) == bool(had and had < has)
