"""The road of a request: each step can say no, and nothing goes on after it has."""

import asyncio
import dataclasses
import json
from contextlib import suppress
from pathlib import Path

import msgspec
import orjson
import pytest

from gateway.continuation import Origin
from gateway.errors import (
    LedgerUnavailable,
    NotAuthenticated,
    RequestTooLarge,
    UpstreamFailed,
    WrongNetwork,
)
from gateway.exchange import Outcome
from gateway.inbound import Outbound
from gateway.refusal import Head
from gateway.roles import Permission, Role
from policy.types import Scope
from providers.errors import ProviderBusy, ProviderRejected, ProviderUnavailable, ReplyCut
from tests.fakes.configurations import GOOD, configured
from tests.fakes.policy_files import WITH_RULES, loaded
from tests.fakes.road import ANSWER, CHAT, COUNT, MESSAGES, RESPONSES, Road, says

CHUNK = {"id": "c1", "model": "m1", "object": "chat.completion.chunk"}
WORDS = {**CHUNK, "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": None}]}
STOP = {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
DONE = b"data: [DONE]\n\n"


def event(document: dict) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"


@pytest.fixture
def road(tmp_path) -> Road:
    return Road(configured(tmp_path))


def told(outbound: Outbound) -> dict:
    assert isinstance(outbound.body, bytes)
    return json.loads(outbound.body)


def sent_to(road: Road) -> list[str]:
    return [call.target.name for call in (*road.direct.calls, *road.translator.calls)]


async def test_an_answer_comes_back_and_its_books_are_closed(road):
    road.direct.replies = [says(ANSWER)]
    answer = await road.pipeline.serve(road.ask())
    assert (answer.status, answer.body) == (200, ANSWER)
    assert (b"x-gatehouse-target", b"house/qwen3-coder") in answer.headers
    assert road.ledger.kinds == ["admitted", "attempted", "completed"]
    assert road.ledger.bodies[-1]["outcome"] == "complete"
    assert road.counters.state("team:web").parallel == 0


async def test_a_stream_is_given_piece_by_piece_and_its_end_after_the_books(road):
    road.direct.replies = [says(event(WORDS), event(STOP) + DONE)]
    answer = await road.pipeline.serve(road.ask(stream=True))
    assert not isinstance(answer.body, bytes)
    pieces = []
    async for piece in answer.body:
        pieces.append((piece, road.ledger.kinds[-1]))
    assert pieces == [(event(WORDS), "attempted"), (event(STOP) + DONE, "completed")]


@pytest.mark.parametrize("path", [CHAT, MESSAGES, COUNT])
async def test_what_policy_refuses_is_recorded_and_never_sent(road, path):
    answer = await road.pipeline.serve(road.ask(path, model="gpt-9"))
    assert answer.status >= 400
    assert road.ledger.kinds == ["denied"]
    assert road.ledger.bodies[0]["rule"] == "model_access"
    assert sent_to(road) == []
    assert road.counters.state("team:web").parallel == 0


async def test_what_a_cap_refuses_is_recorded_and_never_sent(tmp_path):
    road = Road(configured(tmp_path, GOOD.replace("parallel: 40", "parallel: 1")))
    await road.books()
    answer = await road.pipeline.serve(road.ask())
    assert told(answer)["error"]["code"] == "rate_limited"
    assert road.ledger.kinds == ["admitted", "denied"]
    assert road.ledger.bodies[-1]["rule"] == "parallel"
    assert sent_to(road) == []


async def test_a_refusal_that_cannot_be_recorded_is_not_given(road):
    road.ledger.refuses = {"denied"}
    with pytest.raises(LedgerUnavailable):
        await road.pipeline.serve(road.ask(model="gpt-9"))


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
async def test_a_denied_turn_is_told_the_same_however_it_is_asked_again(road, path):
    first = await road.pipeline.serve(road.ask(path, model="gpt-9", stream=True, input="hi"))
    tools = [{"type": "function", "name": "read", "function": {"name": "read"}}]
    again = [
        await road.pipeline.serve(road.ask(path, model="gpt-9", input="hi", **beside))
        for beside in ({"stream": True}, {}, {"tools": tools}, {"max_tokens": 7}, {"metadata": {}})
    ]
    assert {(each.status, each.headers, each.body) for each in again} == {
        (first.status, first.headers, first.body)
    }
    assert {each.audit_id for each in again} == {road.ledger.bodies[0]["exchange_id"]}
    assert road.ledger.kinds == ["denied"]
    await road.verdicts.stop()
    assert road.ledger.kinds == ["denied", "repeated"]
    assert road.ledger.bodies[1]["repeats"] == 5
    assert road.ledger.bodies[1]["exchange_id"] == road.ledger.bodies[0]["exchange_id"]


async def test_a_denied_turn_is_decided_anew_after_ten_minutes(road):
    for _ in range(2):
        await road.pipeline.serve(road.ask(model="gpt-9"))
    road.clock.now_us += 600_000_000
    await road.pipeline.serve(road.ask(model="gpt-9"))
    assert road.ledger.kinds == ["denied", "denied", "repeated"]
    assert road.ledger.bodies[2]["exchange_id"] == road.ledger.bodies[0]["exchange_id"]


async def test_a_denied_turn_is_decided_anew_under_another_configuration(road, tmp_path):
    await road.pipeline.serve(road.ask(model="gpt-9"))
    offering = GOOD.replace("coder:", "gpt-9:").replace("[coder]", "[gpt-9]")
    road.in_force.replace(configured(tmp_path, offering), 1)
    road.direct.replies = [says(ANSWER)]
    assert (await road.pipeline.serve(road.ask(model="gpt-9"))).status == 200


async def test_another_model_is_another_decision_on_the_same_turn(road):
    road.direct.replies = [says(ANSWER)]
    denied = await road.pipeline.serve(road.ask(model="gpt-9"))
    answered = await road.pipeline.serve(road.ask())
    assert (denied.status, answered.status) == (400, 200)
    assert road.ledger.bodies[0]["turn_id"] == road.ledger.bodies[1]["turn_id"]


async def test_two_keys_never_share_a_verdict(road):
    await road.pipeline.serve(road.ask(model="gpt-9"))
    asked = road.ask(model="gpt-9")
    other = msgspec.structs.replace(asked.identity, credential_id="key_bbbbbbbbbbbb")
    await road.pipeline.serve(msgspec.structs.replace(asked, identity=other))
    assert road.ledger.kinds == ["denied", "denied"]


async def test_a_cap_is_asked_again_each_time(tmp_path):
    road = Road(configured(tmp_path, GOOD.replace("parallel: 40", "parallel: 1")))
    books = await road.books()
    refused = await road.pipeline.serve(road.ask())
    books.close(Outcome.COMPLETE)
    road.direct.replies = [says(ANSWER)]
    answered = await road.pipeline.serve(road.ask())
    assert (refused.status, answered.status) == (429, 200)


async def test_what_was_too_large_is_answered_once_it_is_smaller(tmp_path):
    road = Road(configured(tmp_path, GOOD.replace("33554432", "200")))
    tools = [{"type": "function", "function": {"name": "read", "description": "x" * 200}}]
    refused = await road.pipeline.serve(road.ask(tools=tools))
    road.direct.replies = [says(ANSWER)]
    answered = await road.pipeline.serve(road.ask())
    assert (refused.status, answered.status) == (400, 200)


async def test_an_assistants_own_retry_is_an_exchange_of_its_own_in_the_same_turn(road):
    road.direct.replies = [ProviderUnavailable("down", target="house/qwen3-coder"), says(ANSWER)]
    road.translator.replies = [ProviderUnavailable("down", target="deepseek/deepseek-chat")]
    with pytest.raises(UpstreamFailed):
        await road.pipeline.serve(road.ask())
    await road.pipeline.serve(road.ask())
    admitted = [body for body in road.ledger.bodies if body["kind"] == "admitted"]
    ends = [body["outcome"] for body in road.ledger.bodies if body["kind"] == "completed"]
    assert len({body["exchange_id"] for body in admitted}) == 2
    assert len({body["turn_id"] for body in admitted}) == 1
    assert ends == ["failed", "complete"]
    assert road.counters.state("team:web").parallel == 0


async def test_asked_twice_at_once_a_turn_is_denied_once_and_told_after_its_record(road):
    road.ledger.holds = {"denied"}
    asking = [
        asyncio.create_task(road.pipeline.serve(road.ask(model="gpt-9", stream=streamed)))
        for streamed in (True, False)
    ]
    await asyncio.sleep(0)
    assert not any(task.done() for task in asking)
    road.ledger.commits("denied")
    first, second = [await task for task in asking]
    assert (first.status, first.headers, first.body) == (second.status, second.headers, second.body)
    assert road.ledger.kinds == ["denied"]


async def test_who_leaves_while_the_denial_is_recorded_takes_nobodys_answer_along(road):
    road.ledger.holds = {"denied"}
    leaving = asyncio.create_task(road.pipeline.serve(road.ask(model="gpt-9")))
    staying = asyncio.create_task(road.pipeline.serve(road.ask(model="gpt-9")))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    road.ledger.commits("denied")
    assert (await staying).status == 400


async def test_a_denial_that_could_not_be_recorded_is_decided_anew(road):
    road.ledger.refuses = {"denied"}
    with pytest.raises(LedgerUnavailable):
        await road.pipeline.serve(road.ask(model="gpt-9"))
    road.ledger.refuses = set()
    answer = await road.pipeline.serve(road.ask(model="gpt-9"))
    assert (answer.status, answer.audit_id) == (400, None)


@pytest.mark.parametrize("kind", ["admitted", "attempted"])
async def test_nothing_leaves_without_its_record_and_nothing_stays_reserved(road, kind):
    road.ledger.refuses = {kind}
    with pytest.raises(LedgerUnavailable):
        await road.pipeline.serve(road.ask())
    assert sent_to(road) == []
    assert road.counters.state("team:web").parallel == 0
    assert road.ledger.bodies[-1]["error"] == "audit_unavailable"


async def test_an_answer_whose_end_cannot_be_recorded_is_not_released(road):
    road.ledger.refuses = {"completed"}
    road.direct.replies = [says(ANSWER)]
    with pytest.raises(LedgerUnavailable):
        await road.pipeline.serve(road.ask())


async def test_a_request_keeps_the_configuration_it_began_with(road, tmp_path):
    other = dataclasses.replace(
        configured(tmp_path, GOOD.replace("coder: { t", "writer: { t").replace("[coder]", "[]")),
        digest="f" * 64,
    )
    road.direct.meanwhile = lambda: road.in_force.replace(other, 1)
    road.direct.replies = [ProviderBusy("full", target="house/qwen3-coder")]
    road.translator.replies = [says(ANSWER)]
    answer = await road.pipeline.serve(road.ask())
    assert answer.status == 200
    assert sent_to(road) == ["house/qwen3-coder", "deepseek/deepseek-chat"]
    assert road.ledger.bodies[0]["config_digest"] == road.configuration.digest
    refused = await road.pipeline.serve(road.ask())
    assert told(refused)["error"]["code"] == "model_not_found"
    assert road.ledger.bodies[-1]["config_digest"] == "f" * 64


async def test_no_failure_leads_to_a_target_that_policy_left_out(road):
    road.direct.replies = [ProviderUnavailable("gone", target="house/qwen3-coder")]
    with pytest.raises(UpstreamFailed):
        await road.pipeline.serve(road.ask(team="payments"))
    assert sent_to(road) == ["house/qwen3-coder"]


async def test_the_vendors_own_refusal_is_passed_on_when_it_is_in_the_clients_protocol(road):
    body = b'{"error":{"message":"messages: too long"}}'
    road.direct.replies = [ProviderRejected(422, (), body, same_protocol=True, target="house/x")]
    answer = await road.pipeline.serve(road.ask())
    assert (answer.status, answer.body) == (422, body)
    end = road.ledger.bodies[-1]
    assert (end["outcome"], end["status"], end["error"]) == ("failed", 422, "upstream_rejected")
    assert sent_to(road) == ["house/qwen3-coder"]


async def test_a_refusal_in_another_protocol_is_said_in_the_clients(road):
    body = b'{"error":{"message":"too long"}}'
    road.direct.replies = [ProviderRejected(422, (), body, same_protocol=False, target="house/x")]
    with pytest.raises(UpstreamFailed, match="house/x refused the request: too long") as failed:
        await road.pipeline.serve(road.ask())
    assert failed.value.status == 422
    assert road.ledger.bodies[-1]["status"] == 422


async def test_when_no_target_answers_the_last_failure_is_told_after_the_books(road):
    road.direct.replies = [ProviderUnavailable("gone", target="house/qwen3-coder")]
    road.translator.replies = [
        ProviderBusy("full", retry_after_seconds=7, target="deepseek/deepseek-chat")
    ]
    with pytest.raises(UpstreamFailed, match="deepseek/deepseek-chat is at its limit") as failed:
        await road.pipeline.serve(road.ask())
    assert (failed.value.status, failed.value.retry_after_seconds) == (429, 8)
    end = road.ledger.bodies[-1]
    assert (end["outcome"], end["error"]) == ("failed", "upstream_busy")
    assert [each["error"] for each in end["attempts"]] == ["unavailable", "busy"]


async def test_a_failure_that_cannot_be_recorded_is_told_as_that(road):
    road.ledger.refuses = {"completed"}
    road.direct.replies = [ProviderRejected(422, (), b"{}", same_protocol=True, target="house/x")]
    with pytest.raises(LedgerUnavailable):
        await road.pipeline.serve(road.ask())


async def test_a_stream_that_breaks_before_its_first_word_is_tried_elsewhere(road):
    role = {**CHUNK, "choices": [{"index": 0, "delta": {"role": "assistant"}}]}
    road.direct.replies = [says(event(role), ReplyCut("gone", target="house/qwen3-coder"))]
    road.translator.replies = [says(event(WORDS), event(STOP) + DONE)]
    answer = await road.pipeline.serve(road.ask(stream=True))
    assert (b"x-gatehouse-target", b"deepseek/deepseek-chat") in answer.headers
    assert not isinstance(answer.body, bytes)
    assert [piece async for piece in answer.body] == [event(WORDS), event(STOP) + DONE]


async def test_a_count_is_answered_and_costs_no_tokens(road):
    road.direct.replies = [says(b'{"input_tokens":42}')]
    answer = await road.pipeline.serve(road.ask(COUNT))
    assert told(answer) == {"input_tokens": 42}
    assert (b"x-gatehouse-token-count", b"exact") in answer.headers
    assert "usage" not in road.ledger.bodies[-1]
    assert road.direct.calls[0].counting


async def identified(road, headers):
    return road.pipeline.identify(headers)


async def administrator(road, headers):
    return await road.pipeline.identify_for(Permission.READ_METRICS, headers, None)


async def test_each_key_opens_the_door_of_its_role(road):
    developer, admin = await road.a_key(), await road.a_key("ops", Role.ADMIN)
    assert road.pipeline.identify(((b"x-api-key", developer.encode()),)).team == "web"
    assert (await administrator(road, ((b"x-api-key", admin.encode()),))).team == "ops"


async def test_a_key_for_another_network_opens_no_door_from_here(road):
    scope = Scope(networks=("10.0.0.0/8",))
    key = await road.a_key("ops", Role.ADMIN, scope)
    headers = ((b"x-api-key", key.encode()),)
    assert (await road.pipeline.caller(headers, "10.0.0.1")).team == "ops"
    for peer in ("192.0.2.1", None):
        with pytest.raises(WrongNetwork, match=r"from 10\.0\.0\.0/8 only"):
            await road.pipeline.caller(headers, peer)
        with pytest.raises(WrongNetwork):
            await road.pipeline.identify_for(Permission.READ_METRICS, headers, peer)


@pytest.mark.parametrize(
    ("role", "door"), [(Role.ADMIN, identified), (Role.DEVELOPER, administrator)]
)
async def test_no_key_opens_the_other_door(road, role, door):
    key = (b"authorization", f"Bearer {await road.a_key(role=role)}".encode())
    with pytest.raises(NotAuthenticated) as refused:
        await door(road, (key,))
    assert refused.value.cause == "wrong_kind"
    assert refused.value.identity is not None


async def test_no_more_of_a_body_is_read_than_any_team_may_send(road):
    assert road.pipeline.body_limit() == road.configuration.policy.max_request_bytes


async def test_a_known_caller_whose_body_cannot_be_read_is_recorded_with_the_rules_in_force(road):
    inbound = road.ask()
    head = Head("gh-1", inbound.wire, CHAT, inbound.headers)
    answer = await road.pipeline.refuse_unread(head, inbound.identity, RequestTooLarge("too large"))
    assert answer.status >= 400
    (denied,) = road.ledger.bodies
    assert (denied["kind"], denied["rule"]) == ("denied", "request_size")
    assert denied["config_digest"] == road.configuration.digest


async def test_only_a_stranger_whose_key_is_known_is_recorded(road):
    head = Head("gh-1", road.wires[CHAT], CHAT, ())
    await road.pipeline.note_stranger(head, NotAuthenticated(cause="unknown"))
    assert road.ledger.bodies == []
    identity = road.ask().identity
    await road.pipeline.note_stranger(head, NotAuthenticated(cause="revoked", identity=identity))
    assert road.ledger.bodies[0]["credential_id"] == identity.credential_id
    assert road.ledger.bodies[0]["subject"] == identity.subject
    assert b'gatehouse_auth_failures_total{cause="unknown"} 1.0' in road.metrics.render()


async def test_a_conversation_that_a_vendor_keeps_stays_with_that_vendor(road):
    road.origins.known["resp_1"] = Origin("ann", "web", "deepseek/deepseek-chat")
    road.translator.replies = [ProviderUnavailable("down")]
    with pytest.raises(UpstreamFailed):
        await road.pipeline.serve(
            road.ask(RESPONSES, input="and now?", previous_response_id="resp_1")
        )
    assert sent_to(road) == ["deepseek/deepseek-chat"]
    assert road.ledger.bodies[0]["targets"] == ["deepseek/deepseek-chat"]


async def test_what_a_vendor_keeps_of_a_conversation_is_reserved_with_what_is_new(road):
    road.origins.known["resp_1"] = Origin("ann", "web", "deepseek/deepseek-chat", 40_000)
    road.translator.replies = [ProviderUnavailable("down")]
    asked = road.ask(RESPONSES, input="and now?", previous_response_id="resp_1")
    with pytest.raises(UpstreamFailed):
        await road.pipeline.serve(asked)
    new = asked.reading.facts.input_tokens_estimate
    assert road.ledger.bodies[0]["input_tokens_estimate"] == new + 40_000


OVER_1000 = (
    "rules:\n  - { id: short, effect: %s, reason: Too long, match: { input_tokens_over: 1000%s } }"
)
DEEPSEEK_ONLY = ", vendors: [deepseek]"


async def going_on(folder: Path, rules: str, kept_tokens: int) -> Road:
    """A road on which a conversation went on that deepseek keeps."""
    road = Road(loaded(folder, rules))
    road.origins.known["resp_1"] = Origin("ann", "web", "deepseek/deepseek-chat", kept_tokens)
    road.translator.replies = [ProviderUnavailable("down")]
    asked = road.ask(RESPONSES, input="and now?", previous_response_id="resp_1")
    with suppress(UpstreamFailed):
        await road.pipeline.serve(asked)
    return road


async def test_a_rule_on_long_conversations_sees_what_a_vendor_keeps_of_one(tmp_path):
    road = await going_on(tmp_path, OVER_1000 % ("deny", ""), 40_000)
    assert road.ledger.kinds == ["denied"]
    assert (road.ledger.bodies[0]["rule"], sent_to(road)) == ("short", [])
    assert road.counters.state("team:web").parallel == 0


async def test_a_rule_that_keeps_long_conversations_from_their_vendor_ends_them(tmp_path):
    road = await going_on(tmp_path, OVER_1000 % ("deny", DEEPSEEK_ONLY), 40_000)
    assert road.ledger.kinds == ["denied"]
    assert (road.ledger.bodies[0]["rule"], sent_to(road)) == ("continuation", [])


async def test_a_rule_that_warns_of_long_conversations_warns_of_a_kept_one(tmp_path):
    road = await going_on(tmp_path, OVER_1000 % ("warn", ""), 40_000)
    assert road.ledger.bodies[0]["warnings"] == ["Too long (rule short)"]
    assert road.ledger.bodies[0]["targets"] == ["deepseek/deepseek-chat"]


@pytest.mark.parametrize("kept_tokens", [0, 100])
async def test_a_short_conversation_that_a_vendor_keeps_goes_on(tmp_path, kept_tokens):
    road = await going_on(tmp_path, OVER_1000 % ("deny", ""), kept_tokens)
    assert sent_to(road) == ["deepseek/deepseek-chat"]


AWAY = "rules:\n  - { id: away, effect: deny, reason: A, match: { networks: [203.0.113.0/24] } }\n"
BEHIND = WITH_RULES + "server: { trusted_proxies: [10.0.0.0/16] }\n"


@pytest.mark.parametrize(
    ("configuration", "peer", "said", "rule"),
    [
        (BEHIND, "10.0.0.7", b"192.0.2.1, 203.0.113.5, 10.0.1.9", "away"),
        (BEHIND, "10.0.0.7", b"203.0.113.5, 192.0.2.1", None),
        (BEHIND, "10.0.0.7", b"192.0.2.1, unknown", "away"),
        (BEHIND, "203.0.113.5", b"192.0.2.1", "away"),
        (BEHIND, "192.0.2.1", b"203.0.113.5", None),
        (WITH_RULES, "10.0.0.7", b"203.0.113.5", None),
        (WITH_RULES, "203.0.113.5", b"192.0.2.1", "away"),
    ],
)
async def test_policy_sees_where_a_request_came_from_by_the_word_of_trusted_proxies(
    tmp_path, configuration, peer, said, rule
):
    road = Road(loaded(tmp_path, AWAY, configuration=configuration))
    road.direct.replies = [says(ANSWER)]
    asked = road.ask()
    headers = (*asked.headers, (b"x-forwarded-for", said))
    await road.pipeline.serve(msgspec.structs.replace(asked, address=peer, headers=headers))
    assert road.ledger.bodies[0].get("rule") == rule


async def test_a_conversation_that_nobody_is_known_to_keep_is_refused_and_recorded(road):
    answer = await road.pipeline.serve(
        road.ask(RESPONSES, input="and now?", previous_response_id="resp_2")
    )
    assert road.ledger.kinds == ["denied"]
    assert road.ledger.bodies[0]["rule"] == "continuation"
    assert b"send the whole conversation in 'input'" in answer.body
    assert sent_to(road) == []
    assert road.counters.state("team:web").parallel == 0
