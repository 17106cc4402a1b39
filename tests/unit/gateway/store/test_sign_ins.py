"""A machine waits for somebody: each code is good once, for ten minutes, and for one browser."""

from dataclasses import replace

import pytest

from gateway.store import sign_ins as module
from gateway.store.database import Database
from gateway.store.ledger import Ledger
from gateway.store.sessions import ACCESS, Sessions
from gateway.store.sign_ins import Answer, SignIns, TooManySignIns
from gateway.store.stored_sign_in import SignInState, StoredSignIn
from tests.unit.gateway.store.test_sessions import NOW, SESSION, tokens

SECOND = 1_000_000
SIGN_IN = StoredSignIn(
    device_digest=b"d" * 32,
    user_digest=b"u" * 32,
    machine="laptop",
    address="192.0.2.7",
    team=None,
    created_unix_us=NOW,
    expires_unix_us=NOW + 600 * SECOND,
    interval_seconds=5,
)
LATE = SIGN_IN.expires_unix_us
STATE, BROWSER = b"s" * 32, b"b" * 32


@pytest.fixture
async def sign_ins(database: Database) -> SignIns:
    waiting = SignIns(database)
    await waiting.begin(SIGN_IN)
    return waiting


async def polled(sign_ins: SignIns, now: int, number: int = 1) -> Answer:
    return (await sign_ins.poll(SIGN_IN.device_digest, tokens(number), now)).answer


async def test_what_waits_is_found_by_the_users_code_until_it_is_over(sign_ins):
    assert await sign_ins.find(SIGN_IN.user_digest, NOW) == SIGN_IN
    assert await sign_ins.find(SIGN_IN.user_digest, LATE) is None
    assert await sign_ins.find(SIGN_IN.device_digest, NOW) is None


async def test_a_machine_is_told_to_wait_and_to_ask_less_often(sign_ins):
    assert await polled(sign_ins, NOW) is Answer.PENDING
    first = await sign_ins.poll(SIGN_IN.device_digest, tokens(1), NOW + SECOND)
    assert (first.answer, first.interval_seconds) == (Answer.SLOW_DOWN, 10)
    again = await sign_ins.poll(SIGN_IN.device_digest, tokens(1), NOW + 12 * SECOND)
    assert (again.answer, again.interval_seconds) == (Answer.PENDING, 10)


async def test_a_machine_that_nobody_signed_in_for_is_told_when_it_is_over(sign_ins):
    assert await polled(sign_ins, LATE) is Answer.EXPIRED
    assert (await sign_ins.poll(b"x" * 32, tokens(1), NOW)).answer is Answer.UNKNOWN


async def test_a_browser_comes_back_once_with_its_own_state(sign_ins):
    assert await sign_ins.send_on(SIGN_IN.user_digest, STATE, BROWSER, NOW)
    assert await sign_ins.come_back(b"x" * 32, BROWSER, NOW) is None
    assert await sign_ins.come_back(STATE, b"x" * 32, NOW) is None  # another browser
    assert await sign_ins.come_back(STATE, BROWSER, NOW) == SIGN_IN
    assert await sign_ins.come_back(STATE, BROWSER, NOW) is None


async def test_nobody_is_sent_on_or_comes_back_too_late(sign_ins):
    assert not await sign_ins.send_on(SIGN_IN.user_digest, STATE, BROWSER, LATE)
    assert not await sign_ins.send_on(b"x" * 32, STATE, BROWSER, NOW)
    assert await sign_ins.send_on(SIGN_IN.user_digest, STATE, BROWSER, NOW)
    assert await sign_ins.come_back(STATE, BROWSER, LATE) is None


async def test_who_signed_in_is_on_record_and_the_machine_gets_its_tokens_once(sign_ins, database):
    assert await sign_ins.approve(SIGN_IN, SESSION, NOW)
    done = await sign_ins.poll(SIGN_IN.device_digest, tokens(1), NOW + SECOND)
    assert (done.answer, done.session) == (Answer.DONE, SESSION)
    found = await Sessions(database).find_token(tokens(1).access, ACCESS)
    assert found is not None
    assert await polled(sign_ins, NOW + 9 * SECOND, 2) is Answer.EXPIRED
    assert await Sessions(database).find_token(tokens(2).access, ACCESS) is None
    (row,) = await Ledger(database).newest(10)
    assert row.kind == "session_started"
    assert (row.body["subject"], row.body["machine"], row.body["team"]) == ("ada", "laptop", "web")
    assert "sealed" not in str(row.body)


async def test_a_sign_in_is_approved_once(sign_ins):
    assert await sign_ins.approve(SIGN_IN, SESSION, NOW)
    assert not await sign_ins.approve(SIGN_IN, replace(SESSION, id="ses_b"), NOW)
    assert not await sign_ins.deny(SIGN_IN)
    assert await sign_ins.find(SIGN_IN.user_digest, NOW) is None


async def test_who_says_no_is_heard(sign_ins):
    assert await sign_ins.deny(SIGN_IN)
    assert await polled(sign_ins, NOW) is Answer.DENIED
    assert not await sign_ins.approve(SIGN_IN, SESSION, NOW)


async def test_who_may_not_come_in_is_on_record(sign_ins, database):
    assert await sign_ins.refuse(SIGN_IN, "ada", "https://idp.example", "no team", NOW)
    assert await polled(sign_ins, NOW) is Answer.DENIED
    assert not await sign_ins.refuse(SIGN_IN, "ada", "https://idp.example", "no team", NOW)
    (row,) = await Ledger(database).newest(10)
    assert (row.kind, row.body["subject"], row.body["reason"]) == (
        "session_refused",
        "ada",
        "no team",
    )


async def test_a_session_that_ended_before_its_machine_asked_gives_no_tokens(sign_ins, database):
    from gateway.store.changes import GATEWAY
    from gateway.store.stored_session import End

    await sign_ins.approve(SIGN_IN, SESSION, NOW)
    await Sessions(database).end(SESSION.id, End.BLOCKED, NOW, GATEWAY)
    assert await polled(sign_ins, NOW + SECOND) is Answer.DENIED


async def test_only_so_many_may_wait_and_old_ones_make_room(
    sign_ins, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "MOST_WAITING", 1)
    second = replace(SIGN_IN, device_digest=b"e" * 32, user_digest=b"v" * 32)
    with pytest.raises(TooManySignIns):
        await sign_ins.begin(second)
    later = replace(second, created_unix_us=LATE, expires_unix_us=LATE + 600 * SECOND)
    await sign_ins.begin(later)
    assert await sign_ins.find(later.user_digest, LATE) == later


async def test_what_nobody_waits_for_any_more_is_forgotten(sign_ins):
    hour_later = LATE + 3600 * SECOND
    again = replace(SIGN_IN, created_unix_us=hour_later, expires_unix_us=hour_later + SECOND)
    await sign_ins.begin(again)  # the same digests: the old row is gone
    assert (await sign_ins.find(SIGN_IN.user_digest, hour_later)).state is SignInState.WAITING
