"""Groups of attributes: each on the signals the table names, and nothing that does not fit."""

import pytest

from gateway.telemetry import names
from gateway.telemetry.attributes import (
    Attributes,
    Group,
    measure_answer,
    measure_end,
    merge,
    put_in,
    read_attempt,
    read_caller,
    read_end,
    read_request,
    route_of,
)
from gateway.telemetry.names import Signal
from gateway.telemetry.story import Story, read_story
from tests.fakes.ledger_stories import CANARY, Stories, chained


def told(bodies: list) -> Story:
    story = read_story(chained(bodies))
    assert story is not None
    return story


def test_an_attribute_stands_on_each_of_its_signals_and_on_no_other():
    group = Attributes()
    group.put(names.ATTEMPTS, 2)
    placed = {signal for signal in Signal if group.on(signal) == {names.ATTEMPTS.name: 2}}
    assert placed == names.ATTEMPTS.on == {Signal.SERVER, Signal.LOG}


@pytest.mark.parametrize("value", [None, "two", -1, 2.0, True])
def test_what_is_absent_or_of_another_type_is_left_out(value):
    group, values = Attributes(), {}
    group.put(names.ATTEMPTS, value)
    put_in(values, names.ATTEMPTS, value)
    assert group.on(Signal.SERVER) == values == {}


def test_what_was_read_before_is_not_made_again():
    group = Group({names.ATTEMPTS: "n"}, names.OUTCOME)
    first = group.read({"n": 2}, "complete")
    assert group.read({"n": 2, "other": 3}, "complete") is first
    assert group.read({"n": 2}, "failed") is not first
    assert first.on(Signal.SERVER) == {names.ATTEMPTS.name: 2, names.OUTCOME.name: "complete"}


def test_a_truth_value_is_not_taken_for_the_number_that_equals_it():
    group = Group({names.ATTEMPTS: "n"})
    assert group.read({"n": 1}).on(Signal.LOG) == {names.ATTEMPTS.name: 1}
    assert group.read({"n": True}).on(Signal.LOG) == {}


@pytest.mark.parametrize("value", [[1], {}, [["a"]]])
def test_what_cannot_be_remembered_is_read_each_time(value):
    group = Group({names.ATTEMPTS: "n"}, names.OUTCOME)
    assert group.read({"n": value}, "complete").on(Signal.LOG) == {names.OUTCOME.name: "complete"}


def test_of_groups_that_say_the_same_the_later_holds_and_the_same_groups_give_the_same():
    early, late = Attributes(), Attributes()
    early.put(names.ATTEMPTS, 1)
    early.put(names.OUTCOME, "failed")
    late.put(names.ATTEMPTS, 2)
    merged = merge(Signal.LOG, early, late)
    assert merged.values == {names.ATTEMPTS.name: 2, names.OUTCOME.name: "failed"}
    assert merge(Signal.LOG, early, late) is merged


def test_the_subject_leaves_only_as_what_the_pseudonym_makes_of_it():
    opening = chained(Stories().denied())[0]
    caller = read_caller(opening, lambda subject: f"p{len(subject)}").on(Signal.SERVER)
    assert caller[names.USER.name] == f"p{len(str(opening.body['subject']))}"
    assert CANARY not in str(caller)


def test_a_caller_without_a_subject_has_no_pseudonym():
    bodies = Stories().denied()
    del bodies[0]["subject"]
    caller = read_caller(chained(bodies)[0], lambda _: CANARY)
    assert names.USER.name not in caller.on(Signal.SERVER)


def test_one_answer_is_not_worth_a_word_and_several_are():
    bodies = Stories().answered()
    one = read_request(chained(bodies)[0]).on(Signal.CLIENT)
    bodies[0]["answers"] = 3
    assert names.REQUEST_CHOICES.name not in one
    assert read_request(chained(bodies)[0]).on(Signal.CLIENT)[names.REQUEST_CHOICES.name] == 3


def test_an_attempt_tells_kinds_of_edits_and_names_of_dropped_fields_but_no_path():
    story = told(Stories().fell_back())
    second = read_attempt(story, story.attempts[1]).on(Signal.CLIENT)
    assert second[names.EDIT_KINDS.name] == ("model_name",)
    assert second[names.EDIT_COUNT.name] == 1
    assert second[names.DROPPED.name] == ("logit_bias", "cache_control")
    assert CANARY not in str(second)


def test_an_end_tells_which_rules_had_words_put_into_the_answer():
    bodies = Stories().answered()
    edits = bodies[-1].pop("reply_edits")
    silent = read_end(told(bodies)).on(Signal.SERVER)
    assert names.REPLY_EDIT_KINDS.name not in silent
    bodies[-1]["reply_edits"] = [{"kind": "warning", "rule": "too-old", "bytes": 9}, *edits]
    end = read_end(told(bodies)).on(Signal.SERVER)
    assert end[names.REPLY_EDIT_KINDS.name] == ("warning",)
    assert end[names.REPLY_EDIT_RULES.name] == ("leaves", "too-old")


def test_input_is_the_sum_of_all_its_classes():
    answer = measure_answer(told(Stories().answered())).on(Signal.CLIENT)
    assert answer[names.INPUT_TOKENS.name] == 100 + 20 + 30 + 4


def test_only_a_stream_has_a_first_chunk():
    bodies = Stories().answered()
    bodies[0]["streaming"] = False
    assert names.FIRST_CHUNK.name not in measure_answer(told(bodies)).on(Signal.CLIENT)


def test_time_upstream_and_time_here_make_up_the_whole():
    ended = measure_end(told(Stories().answered())).on(Signal.SERVER)
    upstream, here = ended[names.UPSTREAM_US.name], ended[names.GATEWAY_US.name]
    assert (upstream, here) == (100_000, 2_000)
    assert ended[names.TOTAL_US.name] == upstream + here


def test_attempts_that_claim_more_time_than_there_was_leave_none_for_the_gateway():
    bodies = Stories().answered()
    bodies[-1]["attempts"][0]["duration_us"] = 2**40
    assert measure_end(told(bodies)).on(Signal.SERVER)[names.GATEWAY_US.name] == 0


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/v1beta/models/team/a:b:countTokens", "/v1beta/models/{name}:countTokens"),
        (
            "/v1/projects/p-1/locations/eu/publishers/google/models/m:generateContent",
            "/v1/projects/{name}/locations/{name}/publishers/google/models/{name}:generateContent",
        ),
        (None, None),
    ],
)
def test_a_route_is_one_for_all_models(path, route):
    assert route_of(path) == route
