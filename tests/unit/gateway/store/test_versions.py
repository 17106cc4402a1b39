"""What comes into force is kept and on record; what was can be found, and ordered again."""

from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from gateway.configuration.build import Configuration
from gateway.configuration.orders import OrdersUnavailable, StandingOrders, VersionNotFound
from gateway.configuration.stored import Origin
from gateway.store import versions as module
from gateway.store.changes import Actor
from gateway.store.database import Database
from gateway.store.ledger import Ledger
from gateway.store.tables import VERSIONS
from gateway.store.versions import Versions
from tests.fakes.configurations import CANARIES, GOOD, configured

ANNA = Actor.os_user("anna")
OTHER = GOOD.replace("parallel: 40", "parallel: 41")


@dataclass(frozen=True, slots=True)
class Store:
    """Versions in a data folder, and the configurations that a test puts in force."""

    folder: Path
    database: Database
    versions: Versions

    def configured(self, text: str = GOOD) -> Configuration:
        return configured(self.folder, text)

    async def bodies(self) -> list[dict[str, Any]]:
        """Every record, oldest first."""
        return [row.body for row in await Ledger(self.database).newest(100)]

    async def kinds(self) -> list[str]:
        return [body["kind"] for body in await self.bodies()]


@pytest.fixture
def store(tmp_path: Path, database: Database) -> Store:
    ticks = count(1_000_000)
    return Store(tmp_path, database, Versions(database, unix_us=lambda: next(ticks)))


async def test_what_comes_into_force_is_kept_with_its_files(store):
    first = store.configured()
    await store.versions.enter(first)
    assert await store.versions.stored(first.digest) == first.stored
    assert await store.versions.in_force() == first.stored
    (known,) = await store.versions.list()
    assert (known.digest, known.file_count, known.source) == (
        first.digest,
        1,
        str(first.source),
    )


async def test_a_change_is_on_record_with_what_it_changed(store):
    await store.versions.enter(store.configured())
    await store.versions.enter(store.configured(OTHER))
    body = (await store.bodies())[-1]
    assert body["kind"] == "config_changed"
    assert body["actor"] == {"kind": "gateway"}
    assert body["changes"] == [{"path": "teams.web.limits.parallel", "old": "40", "new": "41"}]
    assert body["files_changed"] == ["gatehouse.yaml"]
    assert body["file_owners"]
    assert (await store.versions.list())[0].changes["changes"] == body["changes"]
    assert await Ledger(store.database).exchange(body["about_id"]) != []


async def test_a_start_with_what_was_in_force_is_no_change(store):
    for _ in range(3):
        await store.versions.enter(store.configured())
    assert await store.kinds() == ["config_changed"]


async def test_the_same_from_elsewhere_is_a_change(store):
    await store.versions.enter(store.configured())
    await store.versions.enter(replace(store.configured(), origin=Origin.LAST_GOOD))
    body = (await store.bodies())[-1]
    assert (body["origin"], body["digest"]) == ("last_good", body["previous_digest"])


async def test_no_key_reaches_the_store_or_the_ledger(store):
    literal = GOOD.replace("${DEEPSEEK_API_KEY}", "sk-canary-literal-1")
    await store.versions.enter(store.configured())
    await store.versions.enter(store.configured(f"# sk-canary-literal-1\n{literal}"))
    await store.versions.refused("f" * 64, ["gatehouse.yaml:1:1: wrong"])
    kept = [str(await store.versions.stored(each.digest)) for each in await store.versions.list()]
    told = [*kept, *map(str, await store.bodies())]
    assert not [canary for canary in CANARIES for each in told if canary in each]


async def test_files_that_are_refused_are_on_record_once_for_the_same_contents(store):
    for digest in ("a" * 64, "a" * 64, "b" * 64):
        await store.versions.refused(digest, ["gatehouse.yaml:1:1: wrong"])
    assert await store.kinds() == ["config_refused"] * 2


async def test_after_a_good_configuration_the_same_mistake_is_told_again(store):
    await store.versions.refused("a" * 64, ["wrong"])
    await store.versions.enter(store.configured())
    await store.versions.refused("a" * 64, ["wrong"])
    assert await store.kinds() == ["config_refused", "config_changed", "config_refused"]


async def test_an_order_waits_until_it_is_carried_out(store):
    first = store.configured()
    await store.versions.enter(first)
    await store.versions.enter(store.configured(OTHER))
    order = await store.versions.order(first.digest, "too many", ANNA)
    assert await store.versions.standing() == StandingOrders(None, order)
    assert (await store.versions.answer_to(order))[0] == "asked"
    await store.versions.enter(replace(first, origin=Origin.PIN), order)
    assert await store.versions.standing() == StandingOrders(order, None)
    assert await store.versions.answer_to(order) == ("taken", None)
    pinned, changed = (await store.bodies())[-2:]
    assert (pinned["kind"], pinned["reason"]) == ("config_pinned", "too many")
    assert pinned["actor"] == changed["actor"] == {"kind": "os_user", "name": "anna"}
    assert (changed["kind"], changed["origin"], changed["digest"]) == (
        "config_changed",
        "pin",
        first.digest,
    )


async def test_the_files_count_again_by_an_order_without_a_version(store):
    first = store.configured()
    await store.versions.enter(first)
    await store.versions.order_at_once(first.digest, "hold this", ANNA)
    order = await store.versions.order(None, "enough", ANNA)
    await store.versions.enter(first, order)
    assert await store.versions.standing() == StandingOrders()
    resumed = (await store.bodies())[-1]
    assert (resumed["kind"], resumed["digest"]) == ("config_resumed", first.digest)


async def test_an_order_that_is_refused_changes_nothing_and_is_on_record(store):
    first = store.configured()
    await store.versions.enter(first)
    held = await store.versions.order_at_once(first.digest, "hold this", ANNA)
    order = await store.versions.order(None, "enough", ANNA)
    await store.versions.refuse(order, "gatehouse.yaml:1:1: wrong")
    await store.versions.refuse(order, "by another gateway")
    assert await store.versions.standing() == StandingOrders(held, None)
    assert await store.versions.answer_to(order) == ("refused", "gatehouse.yaml:1:1: wrong")
    refused = (await store.bodies())[-1]
    assert (refused["kind"], refused["problem"]) == ("config_refused", "gatehouse.yaml:1:1: wrong")
    assert (await store.kinds()).count("config_refused") == 1


async def test_an_order_that_nobody_carried_out_is_overtaken_by_a_later_one(store):
    first = store.configured()
    await store.versions.enter(first)
    await store.versions.order(first.digest, "and then the terminal was closed", ANNA)
    later = await store.versions.order_at_once(first.digest, "hold this", ANNA)
    assert await store.versions.standing() == StandingOrders(later, None)


async def test_an_order_is_carried_out_once_by_whichever_gateway_comes_first(store):
    first = store.configured()
    await store.versions.enter(first)
    order = await store.versions.order(first.digest, "hold this", ANNA)
    for _ in range(2):
        await store.versions.enter(replace(first, origin=Origin.PIN), order)
    assert (await store.kinds()).count("config_pinned") == 1


async def test_the_previous_version_is_the_one_in_force_before(store):
    with pytest.raises(VersionNotFound, match="no version was in force before"):
        await store.versions.previous()
    first, second = store.configured(), store.configured(OTHER)
    for each in (first, second):
        await store.versions.enter(each)
    assert await store.versions.previous() == first.stored
    await store.versions.enter(replace(first, origin=Origin.PIN))
    assert await store.versions.previous() == second.stored


async def test_the_beginning_of_a_digest_will_do_where_only_one_begins_so(store):
    first = store.configured()
    await store.versions.enter(first)
    assert await store.versions.stored(first.digest[:6].upper()) == first.stored
    for wanted in ("abc", "", "zzzz", "%" * 8, "f" * 65):
        with pytest.raises(VersionNotFound):
            await store.versions.stored(wanted)


async def test_two_versions_that_begin_alike_are_told_apart(store):
    first = store.configured()
    for end in "12":
        await store.versions.enter(replace(first, digest=first.digest[:-1] + end, stored=None))
    with pytest.raises(VersionNotFound, match="begins several digests"):
        await store.versions.stored(first.digest[:-1])


async def test_so_many_are_kept_and_the_pinned_one_in_any_case(store, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 3)
    first = store.configured()
    written = [GOOD.replace("parallel: 40", f"parallel: {n}") for n in range(41, 47)]
    await store.versions.enter(first)
    await store.versions.order_at_once(first.digest, "hold this", ANNA)
    digests = []
    for each in written:
        await store.versions.enter(store.configured(each))
        digests.append(store.configured(each).digest)
    assert [each.digest for each in await store.versions.list()] == [
        *reversed(digests[-3:]),
        first.digest,
    ]


async def test_a_version_that_is_damaged_is_told_and_does_not_keep_the_next_from_coming(store):
    first = store.configured()
    await store.versions.enter(first)
    async with store.database.writing() as connection:
        await connection.execute(update(VERSIONS).values(files=b"0"))
    with pytest.raises(VersionNotFound, match="cannot be read"):
        await store.versions.stored(first.digest)
    await store.versions.enter(store.configured(OTHER))
    assert (await store.bodies())[-1]["previous_digest"] == first.digest


async def test_a_database_that_is_away_is_one_named_failure(store):
    async with store.database.writing() as connection:
        await connection.execute(text("DROP TABLE configuration_state"))
    with pytest.raises(OrdersUnavailable, match="configuration_state"):
        await store.versions.in_force()
    with pytest.raises(OrdersUnavailable, match="configuration_state"):
        await store.versions.refused("a" * 64, ["wrong"])
