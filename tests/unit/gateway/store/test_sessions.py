"""Sessions and their tokens are kept as digests, rotate, and end with a record that others see."""

from dataclasses import replace

import pytest

from gateway.store.changes import GATEWAY, Actor
from gateway.store.database import Database
from gateway.store.keys import Keys
from gateway.store.ledger import Ledger
from gateway.store.sessions import (
    ACCESS,
    LOST_ANSWER_US,
    REFRESH,
    Rotation,
    Sessions,
    insert_session,
    insert_tokens,
)
from gateway.store.stored_session import End, NewTokens, ProviderSession, StoredSession
from gateway.store.subjects import Subjects

NOW = 1_000_000_000
DAY_US = 86_400_000_000
ADA = Actor.person("ada")
ADA_THERE = ProviderSession("ada", None)
SESSION = StoredSession(
    id="ses_aaaaaaaaaaaa",
    issuer="https://idp.example",
    provider_sub="ada",
    provider_subject="ada",
    subject="ada",
    groups=("eng-web",),
    team="web",
    machine="laptop",
    created_unix_us=NOW,
    expires_unix_us=NOW + 7 * DAY_US,
    checked_unix_us=NOW,
    provider_secret=b"sealed",
    provider_session="sid-1",
)


def tokens(number: int, expires: int = NOW + 3_600_000_000) -> NewTokens:
    return NewTokens(b"a%031d" % number, b"r%031d" % number, expires)


@pytest.fixture
async def sessions(database: Database) -> Sessions:
    async with database.writing() as connection:
        await insert_session(connection, SESSION)
        await insert_tokens(connection, SESSION, tokens(1))
    return Sessions(database)


async def test_a_token_leads_to_its_session_by_its_digest_and_kind(sessions):
    found = await sessions.find_token(tokens(1).access, ACCESS)
    assert found.session == SESSION
    assert found.expires_unix_us == NOW + 3_600_000_000
    assert (await sessions.find_token(tokens(1).refresh, REFRESH)).session == SESSION
    assert await sessions.find_token(tokens(1).access, REFRESH) is None
    assert await sessions.find_token(b"x" * 32, ACCESS) is None


async def test_a_refresh_token_is_used_up_by_the_next_ones(sessions):
    done, session = await sessions.rotate(tokens(1).refresh, tokens(2), NOW + 1)
    assert (done, session) == (Rotation.DONE, SESSION)
    assert await sessions.find_token(tokens(2).access, ACCESS) is not None
    assert await sessions.find_token(tokens(1).access, ACCESS) is not None  # until its end
    assert (await sessions.rotate(tokens(2).refresh, tokens(3), NOW + 2))[0] is Rotation.DONE


async def test_a_refresh_token_that_comes_again_ends_its_session(sessions):
    await sessions.rotate(tokens(1).refresh, tokens(2), NOW + 1)
    await sessions.rotate(tokens(2).refresh, tokens(3), NOW + 2)
    again, session = await sessions.rotate(tokens(1).refresh, tokens(4), NOW + 3)
    assert again is Rotation.REUSED
    assert session.ended_reason == End.REUSED
    assert (await sessions.rotate(tokens(3).refresh, tokens(5), NOW + 4))[0] is Rotation.OVER
    assert await sessions.find_token(tokens(4).access, ACCESS) is None


async def test_an_answer_that_was_lost_may_be_asked_for_again_within_a_minute(sessions):
    await sessions.rotate(tokens(1).refresh, tokens(2), NOW)
    again, _ = await sessions.rotate(tokens(1).refresh, tokens(3), NOW + LOST_ANSWER_US)
    assert again is Rotation.DONE
    assert (await sessions.rotate(tokens(3).refresh, tokens(4), NOW + 1))[0] is Rotation.DONE


async def test_but_not_later(sessions):
    await sessions.rotate(tokens(1).refresh, tokens(2), NOW)
    again, _ = await sessions.rotate(tokens(1).refresh, tokens(3), NOW + LOST_ANSWER_US + 1)
    assert again is Rotation.REUSED


async def test_the_lost_answer_is_given_up_and_whoever_found_it_is_a_thief(sessions):
    await sessions.rotate(tokens(1).refresh, tokens(2), NOW)
    await sessions.rotate(tokens(1).refresh, tokens(3), NOW + 1)
    found, _ = await sessions.rotate(tokens(2).refresh, tokens(4), NOW + 2)
    assert found is Rotation.REUSED


async def test_a_refresh_token_of_nobody_or_after_the_end_gives_nothing(sessions):
    assert await sessions.rotate(b"x" * 32, tokens(2), NOW) == (Rotation.UNKNOWN, None)
    assert await sessions.rotate(tokens(1).access, tokens(2), NOW) == (Rotation.UNKNOWN, None)
    late = SESSION.expires_unix_us
    assert (await sessions.rotate(tokens(1).refresh, tokens(2), late))[0] is Rotation.OVER


async def test_an_access_token_never_outlives_its_session(sessions, database):
    late = tokens(9, SESSION.expires_unix_us + 1)
    async with database.writing() as connection:
        await insert_tokens(connection, SESSION, late)
    found = await sessions.find_token(late.access, ACCESS)
    assert found.expires_unix_us == SESSION.expires_unix_us


async def test_an_end_is_recorded_once_and_keeps_its_first_time(sessions, database):
    ended = await sessions.end(SESSION.id, End.SIGNED_OUT, NOW + 5, ADA)
    assert (ended.ended_unix_us, ended.ended_reason) == (NOW + 5, "signed_out")
    assert ended.provider_secret is None
    assert await sessions.end(SESSION.id, End.BLOCKED, NOW + 6, ADA) == ended
    assert await sessions.end("ses_nobody", End.BLOCKED, NOW + 6, ADA) is None
    (row,) = await Ledger(database).newest(10)
    assert (row.kind, row.body["reason"], row.body["actor"]) == (
        "session_ended",
        "signed_out",
        {"kind": "person", "name": "ada"},
    )


async def test_an_end_is_learnt_by_gateways_that_run_and_not_by_new_ones(sessions, database):
    keys = Keys(database)
    await Subjects(database).block("eve", NOW, GATEWAY)
    before = (await keys.changes_since(0)).revision
    await sessions.end(SESSION.id, End.BLOCKED, NOW + 5, GATEWAY)
    assert (await keys.changes_since(before)).ended_sessions == {SESSION.id}
    assert (await keys.changes_since(0)).ended_sessions == frozenset()


async def test_a_provider_ends_one_session_or_all_of_a_person(sessions, database):
    other = replace(SESSION, id="ses_b", provider_session="sid-2")
    bob = replace(SESSION, id="ses_c", provider_sub="bob", provider_session="sid-3")
    async with database.writing() as connection:
        await insert_session(connection, other)
        await insert_session(connection, bob)
    issuer = SESSION.issuer
    assert await sessions.end_of_provider("https://other", ADA_THERE, NOW, NOW) == []
    assert await sessions.end_of_provider(issuer, ProviderSession("bob", "sid-1"), NOW, NOW) == []
    assert await sessions.end_of_provider(issuer, ProviderSession(None, "sid-9"), NOW, NOW) == []
    (one,) = await sessions.end_of_provider(issuer, ProviderSession(None, "sid-1"), NOW, NOW)
    assert one.id == SESSION.id
    (rest,) = await sessions.end_of_provider(issuer, ADA_THERE, NOW, NOW)
    assert rest.id == "ses_b"
    assert (await sessions.find("ses_c")).is_open(NOW)


async def test_a_session_whose_name_was_never_told_ends_with_its_persons(sessions, database):
    nameless = replace(SESSION, id="ses_d", provider_session=None)
    async with database.writing() as connection:
        await insert_session(connection, nameless)
    there = ProviderSession("ada", "sid-of-a-browser")
    ended = await sessions.end_of_provider(SESSION.issuer, there, NOW, NOW)
    assert [each.id for each in ended] == ["ses_d"]


async def test_what_began_after_the_provider_spoke_goes_on(sessions):
    ended = await sessions.end_of_provider(SESSION.issuer, ADA_THERE, NOW - 1, NOW + 5)
    assert ended == []
    assert (await sessions.find(SESSION.id)).is_open(NOW)


async def test_who_is_blocked_has_their_sessions_ended_with_it_for_good(sessions, database):
    await Subjects(database).block("ada", NOW + 5, ADA)
    await Subjects(database).unblock("ada", NOW + 6, ADA)
    ended = await sessions.find(SESSION.id)
    assert (ended.ended_unix_us, ended.ended_reason) == (NOW + 5, "holder_blocked")
    found = {row.kind: row.body for row in await Ledger(database).newest(10)}
    assert found["session_ended"]["actor"] == found["user_blocked"]["actor"]


async def test_a_block_of_a_service_of_that_name_ends_nobodys_session(sessions, database):
    await Subjects(database).block("ada", NOW + 5, ADA, is_service=True)
    assert (await sessions.find(SESSION.id)).is_open(NOW + 6)


async def test_one_gateway_at_a_time_asks_the_provider(sessions):
    due, stale, now = NOW + 10, NOW - 20, NOW + 10
    assert await sessions.claim_check(SESSION.id, due, stale, now)
    assert not await sessions.claim_check(SESSION.id, due, stale, now + 1)
    assert await sessions.claim_check(SESSION.id, due, now, now + 2)  # it was left lying
    await sessions.release(SESSION.id)
    assert await sessions.claim_check(SESSION.id, due, stale, now + 3)


async def test_what_was_checked_is_not_due(sessions):
    await sessions.note_checked(SESSION.id, NOW + 10, ("sec",), b"sealed anew")
    found = await sessions.find(SESSION.id)
    assert found.groups == ("sec",)
    assert (found.checked_unix_us, found.provider_secret) == (NOW + 10, b"sealed anew")
    assert not await sessions.claim_check(SESSION.id, NOW + 9, NOW, NOW + 20)
    assert await sessions.claim_check(SESSION.id, NOW + 10, NOW, NOW + 20)


async def test_an_ended_session_is_checked_no_more(sessions):
    await sessions.end(SESSION.id, End.BLOCKED, NOW, GATEWAY)
    assert not await sessions.note_checked(SESSION.id, NOW, (), b"sealed")
    assert (await sessions.find(SESSION.id)).provider_secret is None
    assert not await sessions.claim_check(SESSION.id, NOW + 10, NOW, NOW + 20)


async def test_what_is_over_since_a_day_is_swept_away(sessions):
    await sessions.sweep(SESSION.expires_unix_us + DAY_US - 1)
    assert (await sessions.find(SESSION.id)).provider_secret == b"sealed"
    await sessions.sweep(SESSION.expires_unix_us + DAY_US)
    assert (await sessions.find(SESSION.id)).provider_secret is None
    assert await sessions.find_token(tokens(1).refresh, REFRESH) is None
