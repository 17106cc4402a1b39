"""One key is found in the headers, and memory says whose it is; every refusal sounds the same."""

import asyncio
import os
import random

import pytest
from sqlalchemy.exc import OperationalError

from gateway.errors import MalformedRequest, NotAuthenticated
from gateway.identity import KeyRing, extract_credential, with_query_key
from gateway.roles import Role
from gateway.store.changes import GATEWAY
from gateway.store.database import open_database
from gateway.store.keys import KeyChanges, Keys
from gateway.store.stored_key import StoredKey
from gateway.store.stored_subject import StoredSubject
from gateway.virtual_key import Hasher, KeyIssuer, mint
from policy.types import Identity

KEY = mint(random.Random(1).randbytes)
OTHER = mint(random.Random(2).randbytes)
HASHER = Hasher(b"p" * 32)
VALUE = KEY.encode()


class FakeKeys:
    def __init__(self) -> None:
        self.stored: dict[bytes, StoredKey] = {}
        self.decided: list[StoredSubject] = []
        self.number = 0
        self.asked: list[int] = []
        self.lapsed: list[int] = []
        self.broken = False

    def keep(self, key: str, **changes: object) -> None:
        values = {"id": "key_a", "last_four": key[-4:], "team": "web", "subject": "ann"}
        more = {"roles": frozenset({"developer"}), "created_unix_us": 1}
        stored = StoredKey(**{**values, **more, **changes})  # type: ignore[arg-type]  # what a test changes
        self.stored[HASHER.digest(key)] = stored
        self.number += 1

    def decide(self, subject: StoredSubject) -> None:
        self.decided = [subject]
        self.number += 1

    async def revision(self) -> int:
        if self.broken:
            raise OperationalError("SELECT", {}, Exception("disk I/O error"))
        return self.number

    async def changes_since(self, revision: int) -> KeyChanges:
        self.asked.append(revision)
        return KeyChanges(self.number, dict(self.stored), self.decided)

    async def lapse(self, now_unix_us: int) -> int:
        self.lapsed.append(now_unix_us)
        return 1


async def a_ring(keys: FakeKeys, now_us: int = 1_000) -> KeyRing:
    ring = KeyRing(keys, HASHER, unix_us=lambda: now_us)
    await ring.refresh()
    return ring


def cause_of(ring: KeyRing, credential: str) -> tuple[str, str | None]:
    with pytest.raises(NotAuthenticated) as refused:
        ring.identify(credential)
    return refused.value.cause, getattr(refused.value.identity, "credential_id", None)


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", b"Bearer " + VALUE),
        (b"authorization", b"bearer " + VALUE),
        (b"authorization", b"BEARER  \t" + VALUE + b" "),
        (b"authorization", b"\t Bearer " + VALUE),
        (b"x-api-key", VALUE),
        (b"x-api-key", b" " + VALUE + b"\t"),
        (b"x-goog-api-key", VALUE),
    ],
)
def test_the_key_is_found_in_any_of_three_headers(header):
    assert extract_credential(((b"accept", b"*/*"), header)) == KEY


def test_the_same_key_in_two_headers_is_one_key():
    headers = ((b"authorization", b"Bearer " + VALUE), (b"x-api-key", VALUE))
    assert extract_credential(headers) == KEY


def test_an_empty_header_beside_the_key_says_nothing():
    assert extract_credential(((b"x-api-key", b""), (b"x-goog-api-key", VALUE))) == KEY


def test_two_different_keys_are_refused_without_showing_either():
    headers = ((b"authorization", b"Bearer " + VALUE), (b"x-api-key", OTHER.encode()))
    with pytest.raises(MalformedRequest, match="two different keys") as refused:
        extract_credential(headers)
    assert KEY not in str(refused.value)
    assert OTHER not in str(refused.value)


@pytest.mark.parametrize("second", [VALUE, b"", b"x" * 5000])
def test_the_same_header_twice_is_refused(second):
    with pytest.raises(MalformedRequest, match="x-api-key came twice"):
        extract_credential(((b"x-api-key", VALUE), (b"x-api-key", second)))


@pytest.mark.parametrize("headers", [(), ((b"authorization", b""),), ((b"x-api-key", b"  "),)])
def test_no_key_at_all_is_said_to_be_missing(headers):
    with pytest.raises(NotAuthenticated) as refused:
        extract_credential(headers)
    assert refused.value.cause == "missing"


@pytest.mark.parametrize(
    "value",
    [
        b"Basic " + VALUE,
        VALUE,
        b"Bearer" + VALUE,
        b"Bearer " + VALUE + b" " + VALUE,
        b"Bearer " + VALUE[:20] + b"\x00" + VALUE[21:],
        b"Bearer " + VALUE + b"\r\nx: y",
        b"Bearer " + "é".encode() + VALUE,
        b"Bearer " + "🦊".encode(),
        b"Bearer\x0b" + VALUE,
        b"Bearer " + b"x" * 513,
        b"x" * 1_000_000,
    ],
)
def test_what_cannot_be_a_key_is_refused_before_anybody_looks(value):
    with pytest.raises(NotAuthenticated) as refused:
        extract_credential(((b"authorization", value),))
    assert refused.value.cause == "malformed"


@pytest.mark.parametrize("value", [b"Bearer", b"bearer ", b"Bearer \t "])
def test_a_scheme_without_a_key_is_no_key(value):
    with pytest.raises(NotAuthenticated) as refused:
        extract_credential(((b"authorization", value),))
    assert refused.value.cause == "missing"


async def test_a_known_key_is_its_owners():
    keys = FakeKeys()
    keys.keep(KEY, roles=frozenset({"admin", "developer"}))
    ring = await a_ring(keys)
    roles = frozenset({"admin", "developer"})
    assert ring.identify(KEY) == Identity("ann", "web", roles, "key_a")


async def test_each_refusal_has_its_cause_for_the_ledger():
    keys = FakeKeys()
    keys.keep(KEY, id="key_revoked", revoked_unix_us=5)
    keys.keep(OTHER, id="key_expired", expires_unix_us=1_000)
    ring = await a_ring(keys)
    assert cause_of(ring, KEY) == ("revoked", "key_revoked")
    assert cause_of(ring, OTHER) == ("expired", "key_expired")
    assert cause_of(ring, mint(os.urandom)) == ("unknown", None)
    assert cause_of(ring, KEY[:-1] + "?") == ("mistyped", None)
    assert cause_of(ring, "sk-" + KEY) == ("malformed", None)


async def test_every_refusal_has_the_same_words_for_the_caller():
    keys = FakeKeys()
    keys.keep(KEY, revoked_unix_us=5)
    keys.keep(OTHER, expires_unix_us=1_000)
    ring = await a_ring(keys)
    messages = set()
    for credential in (KEY, OTHER, mint(os.urandom), "null", ""):
        with pytest.raises(NotAuthenticated) as refused:
            ring.identify(credential)
        messages.add(refused.value.message)
    assert messages == {
        "no valid Gatehouse key: send one as 'Authorization: Bearer <key>'; "
        "ask your platform team for one"
    }


async def test_a_typo_is_told_as_one_without_a_look_at_the_keys():
    ring = KeyRing(FakeKeys(), HASHER, unix_us=lambda: 1)  # which has read no key at all
    with pytest.raises(NotAuthenticated, match="mistyped") as refused:
        ring.identify(KEY[:20] + KEY[21] + KEY[20] + KEY[22:])
    assert (refused.value.cause, refused.value.status) == ("mistyped", 401)
    assert KEY[:8] not in refused.value.message


async def test_a_key_holds_until_the_very_moment_it_expires():
    keys = FakeKeys()
    keys.keep(KEY, expires_unix_us=1_001)
    ring = await a_ring(keys, now_us=1_000)
    assert ring.identify(KEY).subject == "ann"


async def test_nothing_is_read_again_while_nothing_changes():
    keys = FakeKeys()
    keys.keep(KEY)
    ring = await a_ring(keys)
    await ring.refresh()
    keys.keep(OTHER)
    await ring.refresh()
    assert keys.asked == [0, 1]


class Poll:
    """A sleep that ends when the test says so."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[float] = asyncio.Queue()
        self.over: asyncio.Queue[None] = asyncio.Queue()

    async def sleep(self, seconds: float) -> None:
        self.begun.put_nowait(seconds)
        await self.over.get()

    async def once(self) -> None:
        """Let one poll happen, and return when the next one is being waited for."""
        self.over.put_nowait(None)
        await self.begun.get()


async def test_a_change_in_the_database_is_noticed_at_the_next_poll():
    keys, poll = FakeKeys(), Poll()
    ring = KeyRing(keys, HASHER, unix_us=lambda: 1, poll_seconds=1.0, sleep=poll.sleep)
    await ring.start()
    assert await poll.begun.get() == 1.0
    keys.keep(KEY)
    assert cause_of(ring, KEY) == ("unknown", None)
    await poll.once()
    assert ring.identify(KEY).team == "web"
    await ring.stop()


async def test_while_the_database_is_away_the_last_known_keys_hold():
    keys, poll = FakeKeys(), Poll()
    keys.keep(KEY)
    ring = KeyRing(keys, HASHER, unix_us=lambda: 1, sleep=poll.sleep)
    await ring.start()
    await poll.begun.get()
    keys.broken = True
    await poll.once()
    assert ring.identify(KEY).team == "web"
    keys.broken = False
    keys.keep(KEY, revoked_unix_us=1)
    await poll.once()
    assert cause_of(ring, KEY) == ("revoked", "key_a")
    await ring.stop()
    await ring.stop()


async def test_a_look_that_ends_as_nobody_foresaw_is_not_the_last_one():
    keys, poll = FakeKeys(), Poll()
    keys.keep(KEY)
    ring = KeyRing(keys, HASHER, unix_us=lambda: 1, sleep=poll.sleep)
    await ring.start()
    await poll.begun.get()
    problems = [KeyError("a bug")]

    def stumble(changes: KeyChanges) -> None:
        if problems:
            raise problems.pop()

    ring.listeners.append(stumble)
    keys.keep(KEY, revoked_unix_us=1)
    await poll.once()
    assert not problems
    heard: list[int] = []
    ring.listeners.append(lambda changes: heard.append(changes.revision))
    await poll.once()
    assert heard == [2]
    assert cause_of(ring, KEY) == ("revoked", "key_a")
    await ring.stop()


class SlowKeys(FakeKeys):
    """Answers the first who asks what has changed when the test says so, by what it knew then."""

    def __init__(self) -> None:
        super().__init__()
        self.asking, self.may_answer = asyncio.Event(), asyncio.Event()

    async def changes_since(self, revision: int) -> KeyChanges:
        found = await super().changes_since(revision)
        if not self.asking.is_set():
            self.asking.set()
            await self.may_answer.wait()
        return found


async def test_what_an_earlier_look_brings_late_takes_nothing_back():
    keys = SlowKeys()
    keys.keep(KEY)
    ring = KeyRing(keys, HASHER, unix_us=lambda: 1)
    early = asyncio.create_task(ring.refresh())
    await keys.asking.wait()
    keys.keep(KEY, revoked_unix_us=1)
    await ring.refresh()
    assert ring.is_ended("key_a")
    keys.may_answer.set()
    await early
    assert ring.is_ended("key_a")
    assert cause_of(ring, KEY) == ("revoked", "key_a")


async def test_a_revoked_key_is_known_as_such_by_its_id():
    keys = FakeKeys()
    keys.keep(KEY, id="key_a", revoked_unix_us=5)
    keys.keep(OTHER, id="key_b", expires_unix_us=5)
    ring = await a_ring(keys)
    assert ring.is_ended("key_a")
    assert not ring.is_ended("key_b")
    assert not ring.is_ended("key_none")


async def test_a_replaced_key_that_comes_to_its_end_is_put_on_record_once():
    keys, now = FakeKeys(), [1_000]
    keys.keep(KEY, successor_id="key_b", expires_unix_us=2_000)
    ring = KeyRing(keys, HASHER, unix_us=lambda: now[0])
    await ring.refresh()
    assert keys.lapsed == []
    assert ring.identify(KEY).subject == "ann"
    now[0] = 2_000
    await ring.refresh()
    await ring.refresh()
    assert keys.lapsed == [2_000]
    assert cause_of(ring, KEY) == ("expired", "key_a")


@pytest.mark.parametrize(
    "changes", [{"lapsed_unix_us": 3}, {"revoked_unix_us": 3}, {"successor_id": None}]
)
async def test_what_is_on_record_or_was_revoked_or_just_expired_does_not_lapse(changes):
    keys = FakeKeys()
    keys.keep(KEY, **{"successor_id": "key_b", "expires_unix_us": 2, **changes})
    await a_ring(keys)
    assert keys.lapsed == []


async def test_a_ring_that_cannot_read_the_keys_does_not_start():
    keys = FakeKeys()
    keys.broken = True
    with pytest.raises(OperationalError):
        await KeyRing(keys, HASHER, unix_us=lambda: 1).start()


async def test_a_key_made_and_revoked_beside_a_running_gateway_is_noticed(tmp_path):
    gateway, command = open_database(tmp_path), open_database(tmp_path)
    poll = Poll()
    ring = KeyRing(Keys(gateway), HASHER, unix_us=lambda: 10, sleep=poll.sleep)
    await ring.start()
    await poll.begun.get()
    issuer = KeyIssuer(
        Keys(command), HASHER, by=GATEWAY, unix_us=lambda: 10, random_bytes=os.urandom
    )
    issued = await issuer.issue("web", "ann", frozenset({Role.DEVELOPER}))
    await poll.once()
    assert ring.identify(issued.secret.reveal()).credential_id == issued.stored.id
    await Keys(command).revoke(issued.stored.id, 20, GATEWAY)
    await poll.once()
    assert cause_of(ring, issued.secret.reveal()) == ("revoked", issued.stored.id)
    await ring.stop()
    await gateway.close()
    await command.close()


@pytest.mark.parametrize(
    "query", [b"key=" + VALUE, b"alt=sse&key=%67" + VALUE[1:], b"key=&key=" + VALUE]
)
def test_a_key_in_the_query_is_one_among_the_headers(query: bytes) -> None:
    assert extract_credential(with_query_key((), query)) == KEY


def test_a_query_without_a_key_changes_nothing() -> None:
    headers = ((b"x-goog-api-key", VALUE),)
    for query in (b"", b"alt=sse", b"monkey=1"):
        assert with_query_key(headers, query) == headers


def test_the_same_key_may_stand_in_query_and_header_and_two_keys_may_not() -> None:
    headers = ((b"x-goog-api-key", VALUE),)
    assert extract_credential(with_query_key(headers, b"key=" + VALUE)) == KEY
    with pytest.raises(MalformedRequest, match="two different keys"):
        extract_credential(with_query_key(headers, b"key=" + OTHER.encode()))
    twice = b"key=" + VALUE + b"&key=" + VALUE
    with pytest.raises(MalformedRequest, match="came twice"):
        extract_credential(with_query_key((), twice))


@pytest.mark.parametrize("query", [b"key=%C3%BC", b"key=%00", b"key=a%20b", b"key=" + b"x" * 600])
def test_what_cannot_be_a_key_in_the_query_is_refused(query: bytes) -> None:
    with pytest.raises(NotAuthenticated) as refused:
        extract_credential(with_query_key((), query))
    assert refused.value.cause == "malformed"


TOKEN = b"eyJhbGciOiJSUzI1NiJ9." + b"A" * 4000 + b".AAAA"


@pytest.mark.parametrize(
    "header",
    [(b"authorization", b"Bearer " + TOKEN), (b"x-api-key", TOKEN), (b"x-goog-api-key", TOKEN)],
)
def test_a_token_may_be_longer_than_any_key(header):
    assert extract_credential((header,)) == TOKEN.decode()


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", b"Bearer " + b"A" * 4000),
        (b"x-api-key", b"A" * 513),
        (b"x-api-key", TOKEN + b"A" * 32_768),
        (b"x-api-key", b"A" * 20 + TOKEN),
        (b":key", TOKEN[:400]),
        (b":key", TOKEN),
    ],
)
def test_nothing_else_is_and_no_token_stands_in_an_address(header):
    with pytest.raises(NotAuthenticated) as refused:
        extract_credential((header,))
    assert refused.value.cause == "malformed"


async def test_a_block_refuses_every_key_of_its_holder_and_ends_what_runs():
    keys = FakeKeys()
    keys.keep(KEY)
    keys.keep(OTHER, id="key_b", subject="bob")
    ring = await a_ring(keys)
    keys.decide(StoredSubject("ann", blocked_unix_us=5))
    await ring.refresh()
    assert cause_of(ring, KEY) == ("blocked", "key_a")
    assert ring.is_ended("key_a")
    assert ring.identify(OTHER).subject == "bob"
    assert not ring.is_ended("key_b")
    keys.decide(StoredSubject("ann"))
    await ring.refresh()
    assert ring.identify(KEY).subject == "ann"
    assert not ring.is_ended("key_a")


async def test_a_key_that_comes_after_the_block_is_refused_too():
    keys = FakeKeys()
    keys.decide(StoredSubject("ann", blocked_unix_us=5))
    ring = await a_ring(keys)
    keys.keep(KEY)
    await ring.refresh()
    assert cause_of(ring, KEY) == ("blocked", "key_a")


async def test_a_revoked_key_stays_revoked_when_a_block_ends():
    keys = FakeKeys()
    keys.keep(KEY, revoked_unix_us=3)
    ring = await a_ring(keys)
    for decided in (StoredSubject("ann", blocked_unix_us=5), StoredSubject("ann")):
        keys.decide(decided)
        await ring.refresh()
    assert cause_of(ring, KEY) == ("revoked", "key_a")
    assert ring.is_ended("key_a")


async def test_a_service_of_the_same_name_is_somebody_else():
    keys = FakeKeys()
    keys.keep(KEY, is_service=True)
    keys.decide(StoredSubject("ann", blocked_unix_us=5))
    ring = await a_ring(keys)
    assert ring.identify(KEY).is_service


async def test_who_listens_is_told_once_the_ring_knows():
    keys = FakeKeys()
    ring = await a_ring(keys)
    told: list[tuple[KeyChanges, bool]] = []
    ring.listeners.append(lambda it: told.append((it, ring.subjects.is_blocked("ann", False))))
    keys.decide(StoredSubject("ann", blocked_unix_us=5))
    await ring.refresh()
    await ring.refresh()
    ((changes, was_known),) = told
    assert was_known
    assert changes.subjects == [StoredSubject("ann", blocked_unix_us=5)]
