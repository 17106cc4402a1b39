"""A record becomes the question it was, as far as it says."""

import msgspec
import orjson
import pytest

from gateway.replay.recorded import (
    RecordedAssistant,
    answered_by,
    circumstances_of,
    decode_request,
    facts_of,
    identity_of,
)
from policy.types import Circumstances, Identity, Operation
from tests.fakes.ledger import a_story, some_records
from tests.fakes.recorded_traffic import a_request


def decoded(body):
    return decode_request(orjson.dumps(body).decode())


def test_what_an_admitted_record_says_is_read():
    request = decoded(a_story(some_records()).admitted())
    assert (request.kind, request.team, request.subject) == ("admitted", "web", "ann")
    assert request.assistant == RecordedAssistant("codex", "1.2")
    assert request.targets == ("house/qwen3-coder", "deepseek/deepseek-chat")
    assert identity_of(request) == Identity(
        "ann", "web", frozenset({"developer"}), "key_aaaaaaaaaaaa"
    )
    assert circumstances_of(request) == Circumstances(request.unix_seconds, "codex", "1.2")
    facts = facts_of(request, lambda name: name)
    assert (facts.model, facts.alias, facts.operation) == ("coder", None, Operation.CHAT)
    assert (facts.body_bytes, facts.input_tokens_estimate) == (1234, 300)
    assert facts.tool_names == ("read",)


def test_a_denial_has_its_rule_and_no_targets():
    request = decoded(a_story(some_records()).denied("few"))
    assert (request.kind, request.rule, request.targets) == ("denied", "few", ())
    assert request.was_read


def test_a_request_that_was_refused_unread_says_so():
    assert not a_request(model=None, operation=None).was_read


def test_a_model_is_known_by_the_name_that_was_asked_for():
    request = a_request(model="coder", asked_model="gpt-5")
    facts = facts_of(request, lambda name: {"gpt-5": "new-coder"}[name])
    assert (facts.model, facts.alias) == ("new-coder", "gpt-5")
    assert facts_of(request, lambda name: name).model == "gpt-5"


def test_an_end_says_who_answered():
    story = a_story(some_records())
    story.attempted()
    assert answered_by(orjson.dumps(story.completed()).decode()) == "house/qwen3-coder"
    assert answered_by("{}") is None


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"kind": 1}'])
def test_what_is_no_record_is_refused(body):
    with pytest.raises(msgspec.MsgspecError):
        decode_request(body)
