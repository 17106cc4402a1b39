"""Every refusal is recorded before it is told, in the words that its reader needs."""

import pytest
from msgspec.structs import replace

from gateway.accounting import Refused
from gateway.errors import (
    LedgerUnavailable,
    MalformedRequest,
    NotAuthenticated,
    RequestTooLarge,
)
from gateway.refusal import Head, denial_of
from policy.types import Cap, Deny, Unit, Window
from tests.fakes.hot_road import CHAT, Office
from tests.fakes.ledger import an_exchange

HEAD = Head("gh-1", CHAT, CHAT.path, ((b"user-agent", b"codex/1.2"),))
DENY = Deny("model_access", "team web may not use gpt-9", "GET /v1/models lists yours")
IDENTITY = an_exchange("gh-1").identity


def test_the_reason_comes_first_then_what_to_do_then_how_to_find_it_again() -> None:
    denial = denial_of(DENY, "gh-1", None)
    assert denial.message == (
        "Gatehouse: team web may not use gpt-9; GET /v1/models lists yours "
        "(rule model_access, audit id gh-1)"
    )


def test_without_an_alternative_nothing_is_suggested() -> None:
    message = denial_of(Deny("parallel", "too many at once"), "gh-1", 3).message
    assert message == "Gatehouse: too many at once (rule parallel, audit id gh-1)"


async def test_a_denial_is_recorded_with_the_status_that_is_given() -> None:
    office = Office()
    outbound = await office.refusals.refuse(CHAT, an_exchange("gh-1"), DENY)
    (record,) = office.ledger.bodies
    assert (record["kind"], record["rule"], record["status"]) == ("denied", "model_access", 400)
    assert outbound.status == 400
    assert (b"cache-control", b"no-store") in outbound.headers


async def test_a_full_cap_is_a_denial_that_says_when_to_come_back() -> None:
    cap = Cap("team:web", Unit.REQUESTS, 60, Window.MINUTE)
    refused = Refused(cap, needed=1, left=0, retry_after_seconds=4)
    outbound = await Office().refusals.refuse(CHAT, an_exchange("gh-1"), refused)
    assert outbound.status == 429
    assert (b"retry-after", b"4") in outbound.headers


async def test_a_denial_that_cannot_be_recorded_is_not_given() -> None:
    office = Office()
    office.ledger.refuses = True
    with pytest.raises(LedgerUnavailable):
        await office.refusals.refuse(CHAT, an_exchange("gh-1"), DENY)


async def test_an_unreadable_request_of_a_known_caller_is_recorded() -> None:
    office = Office()
    error = MalformedRequest("the body is not JSON")
    answer = await office.refusals.refuse_unread(HEAD, IDENTITY, error, "ab" * 32)
    (record,) = office.ledger.bodies
    assert (record["rule"], record["code"]) == ("readable_request", "malformed_request")
    assert (record["status"], record["team"]) == (answer.status, "web")


async def test_a_body_too_large_is_refused_as_policy_would() -> None:
    office = Office()
    error = RequestTooLarge("the request body is larger than 10 bytes")
    answer = await office.refusals.refuse_unread(HEAD, IDENTITY, error, "ab" * 32)
    assert office.ledger.bodies[0]["rule"] == "request_size"
    assert b"audit id gh-1" in answer.body


async def test_a_stranger_leaves_no_record() -> None:
    office = Office()
    await office.refusals.note_stranger(HEAD, NotAuthenticated(), "ab" * 32)
    assert office.ledger.bodies == []


async def test_a_revoked_keys_caller_is_recorded_by_its_key() -> None:
    office = Office()
    error = NotAuthenticated(cause="revoked", identity=IDENTITY)
    await office.refusals.note_stranger(HEAD, error, "ab" * 32)
    (record,) = office.ledger.bodies
    assert (record["credential_id"], record["status"]) == (IDENTITY.credential_id, 401)
    assert "revoked" in str(record["reason"])


async def test_who_goes_on_with_a_revoked_key_is_recorded_once_and_counted() -> None:
    office = Office()
    error = NotAuthenticated(cause="revoked", identity=IDENTITY)
    told = [
        await office.refusals.note_stranger(
            replace(HEAD, audit_id=f"gh-{number}"), error, "ab" * 32
        )
        for number in range(1, 6)
    ]
    assert told == ["gh-1"] * 5
    assert [record["kind"] for record in office.ledger.bodies] == ["denied"]
    verdict = office.refusals.verdicts.find_turned_away(IDENTITY, "revoked")
    assert verdict is not None
    assert verdict.repeats == 4


async def test_another_cause_and_another_key_are_recorded_too() -> None:
    office = Office()
    for identity, cause in (
        (IDENTITY, "revoked"),
        (IDENTITY, "expired"),
        (replace(IDENTITY, credential_id="key_another"), "revoked"),
    ):
        error = NotAuthenticated(cause=cause, identity=identity)
        await office.refusals.note_stranger(HEAD, error, "ab" * 32)
    assert len(office.ledger.bodies) == 3
