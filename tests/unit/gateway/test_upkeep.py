"""A gateway that runs keeps up with its files and with orders, and both are on record."""

import asyncio
import logging
from contextlib import AsyncExitStack

import pytest

from gateway.configuration.build import Configuration
from gateway.configuration.orders import Order
from gateway.configuration.problems import ConfigurationError
from gateway.configuration.stored import Origin
from gateway.configuration.watch import Watcher
from gateway.settings import ServeOptions
from gateway.store.changes import Actor
from gateway.store.database import open_database
from gateway.store.ledger import Ledger
from gateway.store.versions import Versions
from gateway.upkeep import Ways, choose, keep_up, watcher_of
from tests.fakes.configurations import ENVIRON, GOOD, SHIPPED, configured, write

OTHER = GOOD.replace("parallel: 40", "parallel: 41")
BAD = GOOD.replace("parallel: 40", "parallel: many")
ANNA = Actor.os_user("anna")


class Gateway:
    """A gateway as far as its configuration goes: its store is real, nothing is served."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.options = ServeOptions(config=folder / "gatehouse.yaml", data=folder / "data")
        self.database = open_database(folder / "data")
        self.versions = Versions(self.database)
        self.in_force: list[Configuration] = []

    async def apply(self, configuration: Configuration, order: Order | None = None) -> None:
        await self.versions.enter(configuration, order)
        self.in_force.append(configuration)

    @property
    def ways(self) -> Ways:
        return Ways(ENVIRON, SHIPPED, self.versions, self.apply)

    async def start(self) -> Watcher:
        choice = await choose(self.options, ENVIRON, SHIPPED, self.versions)
        await self.apply(choice.configuration)
        return watcher_of(choice, self.ways)

    async def kinds(self) -> list[str]:
        return [row.kind for row in await Ledger(self.database).newest(100)]


@pytest.fixture
async def gateway(tmp_path):
    write(tmp_path, GOOD)
    made = Gateway(tmp_path)
    yield made
    await made.database.close()


async def test_a_rollback_and_its_end_are_carried_out_and_on_record(gateway):
    watcher = await gateway.start()
    write(gateway.folder, OTHER)
    assert await watcher.look()
    order = await gateway.versions.order(gateway.in_force[0].digest, "too many", ANNA)
    assert await watcher.look()
    assert await gateway.versions.answer_to(order) == ("taken", None)
    await gateway.versions.order(None, "mended", ANNA)
    assert await watcher.look()
    origins = [each.origin for each in gateway.in_force]
    assert origins == [Origin.FILES, Origin.FILES, Origin.PIN, Origin.FILES]
    assert await gateway.kinds() == [
        *["config_changed"] * 2,
        *("config_pinned", "config_changed"),
        *("config_resumed", "config_changed"),
    ]


async def test_bad_files_are_on_record_once_at_start_and_while_it_runs(gateway, caplog):
    watcher = await gateway.start()
    write(gateway.folder, BAD)
    with caplog.at_level(logging.CRITICAL):
        for _ in range(3):
            assert not await watcher.look()
    for _ in range(2):
        with pytest.raises(ConfigurationError):
            await gateway.start()
    assert (await gateway.kinds()).count("config_refused") == 1


async def test_what_is_pinned_when_it_starts_holds_and_its_end_is_carried_out(gateway):
    await gateway.start()
    first = gateway.in_force[0].digest
    await gateway.versions.order_at_once(first, "hold this", ANNA)
    write(gateway.folder, OTHER)
    watcher = await gateway.start()
    assert not await watcher.look()
    assert watcher.state.waiting == configured(gateway.folder, OTHER).digest
    await gateway.versions.order(None, "mended", ANNA)
    assert await watcher.look()
    assert [each.digest for each in gateway.in_force[-2:]] == [first, watcher.state.digest]


async def test_what_was_chosen_is_put_in_force_and_watched_until_the_stack_is_closed(gateway):
    choice = await choose(gateway.options, ENVIRON, SHIPPED, gateway.versions)
    async with AsyncExitStack() as stack:
        state = await keep_up(choice, gateway.ways, stack)
        assert "configuration-watcher" in {each.get_name() for each in asyncio.all_tasks()}
    assert state.digest == gateway.in_force[0].digest
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_two_gateways_that_change_at_once_put_each_change_on_record_once(gateway):
    await gateway.start()
    others = [configured(gateway.folder, GOOD.replace("40", str(n))) for n in (41, 42, 43)]
    await asyncio.gather(*(gateway.versions.enter(each) for each in [*others, *others]))
    records = [row.body for row in await Ledger(gateway.database).newest(100)]
    before = [each.get("previous_digest") for each in records]
    assert before[1:] == [each["digest"] for each in records][:-1]
