"""A session is told each warning once, and again after a day; what is remembered is bounded."""

import pytest

from gateway.told import (
    AGAIN_SECONDS,
    CLAIM_SECONDS,
    REST_SECONDS,
    InProcessToldSessions,
    Session,
)

NOW = 1_795_000_000
NAMED = Session("key_a", "claude-code", "s-1")
NAMELESS = Session("key_a", "gemini-cli", None)
BOTH = (NAMED, NAMELESS)
RULES = ("leaves", "too-old")
named_or_not = pytest.mark.parametrize("session", BOTH, ids=["named", "nameless"])


async def told(sessions: InProcessToldSessions, session: Session, at: int) -> frozenset[str]:
    """What an answer at this time tells, which comes to its end."""
    claimed = await sessions.claim(session, RULES, at)
    sessions.settle(session, claimed, told=True)
    return claimed


@named_or_not
async def test_each_warning_is_told_once(session: Session) -> None:
    sessions = InProcessToldSessions()
    assert not sessions.is_in_use
    assert await told(sessions, session, NOW) == set(RULES)
    assert sessions.is_in_use
    assert await told(sessions, session, NOW + 60) == set()
    assert await sessions.claim(session, ("another", *RULES), NOW + 61) == {"another"}


async def test_sessions_keys_and_assistants_are_told_apart() -> None:
    sessions = InProcessToldSessions()
    await told(sessions, NAMED, NOW)
    others = (
        Session("key_a", "claude-code", "s-2"),
        Session("key_b", "claude-code", "s-1"),
        Session("key_a", "codex", "s-1"),
    )
    for other in others:
        assert await told(sessions, other, NOW) == set(RULES)


@named_or_not
async def test_meanwhile_no_other_answer_tells_it(session: Session) -> None:
    sessions = InProcessToldSessions()
    assert await sessions.claim(session, RULES, NOW) == set(RULES)
    assert await sessions.claim(session, RULES, NOW + 1) == set()


async def test_what_an_answer_did_not_tell_the_next_one_does() -> None:
    sessions = InProcessToldSessions()
    claimed = await sessions.claim(NAMED, RULES, NOW)
    sessions.settle(NAMED, claimed, told=False)
    assert len(sessions) == 0
    assert await told(sessions, NAMED, NOW + 1) == set(RULES)


async def test_a_claim_whose_answer_never_ended_lapses() -> None:
    sessions = InProcessToldSessions()
    await sessions.claim(NAMED, RULES, NOW)
    assert await sessions.claim(NAMED, RULES, NOW + CLAIM_SECONDS - 1) == set()
    assert await sessions.claim(NAMED, RULES, NOW + CLAIM_SECONDS) == set(RULES)


async def test_a_session_with_an_id_is_told_again_after_a_day() -> None:
    sessions = InProcessToldSessions()
    await told(sessions, NAMED, NOW)
    assert await told(sessions, NAMED, NOW + AGAIN_SECONDS - 1) == set()
    assert await told(sessions, NAMED, NOW + AGAIN_SECONDS) == set(RULES)


async def test_a_session_without_an_id_ends_when_it_has_rested() -> None:
    sessions = InProcessToldSessions()
    await told(sessions, NAMELESS, NOW)
    assert await told(sessions, NAMELESS, NOW + REST_SECONDS - 1) == set()
    assert await told(sessions, NAMELESS, NOW + 2 * REST_SECONDS - 2) == set()
    assert await told(sessions, NAMELESS, NOW + 3 * REST_SECONDS - 2) == set(RULES)


async def test_a_session_without_an_id_that_never_rests_is_told_again_after_a_day() -> None:
    sessions = InProcessToldSessions()
    await told(sessions, NAMELESS, NOW)
    steps = range(NOW, NOW + AGAIN_SECONDS, REST_SECONDS // 2)
    assert [at for at in steps if await told(sessions, NAMELESS, at)] == []
    assert await told(sessions, NAMELESS, NOW + AGAIN_SECONDS) == set(RULES)


async def test_what_was_used_least_is_forgotten_first() -> None:
    sessions = InProcessToldSessions(most_remembered=4)
    first, second, third = (Session("key_a", "codex", name) for name in "abc")
    await told(sessions, first, NOW)
    await told(sessions, second, NOW)
    assert await told(sessions, first, NOW + 1) == set()
    await told(sessions, third, NOW + 2)
    assert len(sessions) == 4
    assert await told(sessions, first, NOW + 3) == set()
    assert await told(sessions, second, NOW + 3) == set(RULES)


async def test_what_is_forgotten_is_settled_without_harm() -> None:
    sessions = InProcessToldSessions(most_remembered=1)
    claimed = await sessions.claim(NAMED, RULES, NOW)
    sessions.settle(NAMED, claimed, told=True)
    sessions.settle(NAMELESS, RULES, told=False)
    assert len(sessions) == 1
