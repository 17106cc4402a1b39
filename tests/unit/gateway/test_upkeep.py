"""A gateway that runs keeps up with its files and with orders, and both are on record."""

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from gateway.configuration.build import Configuration
from gateway.configuration.choice import ConflictingOptions
from gateway.configuration.orders import Order
from gateway.configuration.problems import ConfigurationError
from gateway.configuration.stored import Origin
from gateway.configuration.watch import Standing, Watcher
from gateway.policy_mark import PolicyMark, StateIsNew
from gateway.settings import ServeOptions
from gateway.store.changes import Actor
from gateway.store.database import open_database
from gateway.store.ledger import Ledger
from gateway.store.proposals import Proposals
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
        self.proposals = Proposals(self.database)
        self.in_force: list[Configuration] = []

    async def apply(self, configuration: Configuration, order: Order | None = None) -> None:
        await self.versions.enter(configuration, order)
        self.in_force.append(configuration)

    @property
    def ways(self) -> Ways:
        mark = PolicyMark(self.options.data)
        return Ways(ENVIRON, SHIPPED, self.versions, self.apply, self.proposals, mark=mark)

    async def start(self) -> Watcher:
        gate = self.proposals
        choice = await choose(self.options, ENVIRON, SHIPPED, self.versions, gate)
        await self.ways.put(choice.configuration, None)
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
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_two_gateways_that_change_at_once_put_each_change_on_record_once(gateway):
    await gateway.start()
    others = [configured(gateway.folder, GOOD.replace("40", str(n))) for n in (41, 42, 43)]
    await asyncio.gather(*(gateway.versions.enter(each) for each in [*others, *others]))
    records = [row.body for row in await Ledger(gateway.database).newest(100)]
    before = [each.get("previous_digest") for each in records]
    assert before[1:] == [each["digest"] for each in records][:-1]


TWO = f"{GOOD}policy_changes: {{ approvers: 2 }}\n"
OTHER_OF_TWO = TWO.replace("parallel: 40", "parallel: 41")
SAM = Actor("key", "sam", "key_sam")
SUE = Actor("key", "sue", "key_sue")


async def approve(gateway: Gateway) -> None:
    (waiting,) = await gateway.proposals.waiting()
    for person in (SAM, SUE):
        await gateway.proposals.approve(waiting.id, person, "agreed")


@pytest.fixture
async def of_two(tmp_path):
    """A gateway where a change of policy takes two people."""
    write(tmp_path, TWO)
    made = Gateway(tmp_path)
    yield made
    await made.database.close()


async def test_edited_files_wait_until_two_people_have_approved_them(of_two, caplog):
    watcher = await of_two.start()
    write(of_two.folder, OTHER_OF_TWO)
    with caplog.at_level(logging.WARNING):
        assert [await watcher.look() for _ in range(3)] == [False] * 3
    assert [each.msg for each in caplog.records] == ["configuration_awaits_approval"]
    assert watcher.state.standing is Standing.AWAITS_APPROVAL
    assert len(of_two.in_force) == 1
    await approve(of_two)
    assert await watcher.look()
    assert watcher.state.standing is Standing.IN_FORCE
    assert [each.digest for each in of_two.in_force[1:]] == [watcher.state.digest]
    assert await of_two.kinds() == [
        "config_changed", "config_proposed", "config_approved", "config_approved", "config_changed",
    ]  # fmt: skip


async def test_files_that_go_back_wait_for_nothing(of_two):
    watcher = await of_two.start()
    for text in (OTHER_OF_TWO, TWO):
        write(of_two.folder, text)
        await watcher.look()
    assert watcher.state.standing is Standing.IN_FORCE
    assert {each.digest for each in of_two.in_force} == {watcher.state.digest}


async def test_a_restart_brings_the_version_that_was_in_force(of_two):
    await of_two.start()
    write(of_two.folder, OTHER_OF_TWO)
    for _ in range(2):
        watcher = await of_two.start()
        assert watcher.state.standing is Standing.AWAITS_APPROVAL
        assert not await watcher.look()
    assert {each.digest for each in of_two.in_force} == {of_two.in_force[0].digest}
    assert of_two.in_force[-1].origin is Origin.APPROVED
    await approve(of_two)
    assert await watcher.look()
    assert of_two.in_force[-1].origin is Origin.FILES


async def test_a_restart_puts_in_force_what_was_approved_before_it(of_two):
    watcher = await of_two.start()
    write(of_two.folder, OTHER_OF_TWO)
    await watcher.look()
    await approve(of_two)
    watcher = await of_two.start()
    assert watcher.state.standing is Standing.IN_FORCE
    assert watcher.state.digest == configured(of_two.folder, OTHER_OF_TWO).digest


async def test_another_file_at_the_start_is_a_change_like_any_other(of_two):
    await of_two.start()
    (of_two.folder / "other").mkdir()
    other = write(of_two.folder / "other", GOOD)
    of_two.options = replace(of_two.options, config=other)
    watcher = await of_two.start()
    assert watcher.state.standing is Standing.AWAITS_APPROVAL
    assert of_two.in_force[-1].policy_approvers == 2


@pytest.mark.parametrize("changes", [{"config": None}, {"config": None, "last_good": True}])
async def test_a_start_without_its_file_is_refused_or_goes_on_with_the_last(of_two, changes):
    await of_two.start()
    of_two.options = replace(of_two.options, **changes)
    if "last_good" in changes:
        await of_two.start()
        assert len({each.digest for each in of_two.in_force}) == 1
    else:
        with pytest.raises(ConflictingOptions, match="takes two people here"):
            await of_two.start()


async def test_last_good_lets_nothing_in_when_the_files_are_mended(of_two):
    await of_two.start()
    write(of_two.folder, BAD)
    of_two.options = replace(of_two.options, last_good=True)
    watcher = await of_two.start()
    write(of_two.folder, OTHER_OF_TWO)
    assert not await watcher.look()
    assert watcher.state.digest == of_two.in_force[0].digest
    assert await of_two.proposals.needed() == 2


async def test_files_that_turn_it_off_are_held_back_too(of_two):
    watcher = await of_two.start()
    write(of_two.folder, GOOD)
    assert not await watcher.look()
    assert (await of_two.start()).state.standing is Standing.AWAITS_APPROVAL


async def test_what_is_not_approved_does_not_come_by_a_restart_after_it_was_held(of_two):
    """The version in force is taken from the store, which may not make it weaker."""
    await of_two.start()
    write(of_two.folder, GOOD)
    for _ in range(3):
        watcher = await of_two.start()
        assert not await watcher.look()
    assert await of_two.proposals.needed() == 2


async def test_a_rollback_and_its_end_take_two_people_each(gateway):
    await gateway.start()
    write(gateway.folder, TWO)
    watcher = await gateway.start()
    first, second = (each.digest for each in gateway.in_force)
    for digest, wanted in ((first, first), (None, second)):
        order = await gateway.versions.order(digest, "so", ANNA)
        assert not await watcher.look()
        state, answer = await gateway.versions.answer_to(order)
        assert (state, "more have to approve this one" in str(answer)) == ("refused", True)
        await approve(gateway)
        await gateway.versions.order(digest, "approved now", ANNA)
        assert await watcher.look()
        assert watcher.state.digest == wanted
        assert await gateway.proposals.needed() == 2


async def test_a_pin_that_nobody_approved_keeps_a_gateway_from_starting(gateway):
    await gateway.start()
    write(gateway.folder, TWO)
    await gateway.start()
    await gateway.versions.order_at_once(gateway.in_force[0].digest, "past the command", ANNA)
    with pytest.raises(ConflictingOptions, match="may not come into force"):
        await gateway.start()


async def test_replicas_take_what_was_approved_and_hold_back_what_was_not(of_two):
    one, other = await of_two.start(), await of_two.start()
    write(of_two.folder, OTHER_OF_TWO)
    assert [await each.look() for each in (one, other)] == [False, False]
    await approve(of_two)
    assert [await each.look() for each in (one, other)] == [True, True]
    assert one.state.digest == other.state.digest
    kinds = await of_two.kinds()
    assert kinds.count("config_proposed") == 1
    assert kinds.count("config_changed") == 2


async def test_a_new_database_beside_the_same_folder_is_no_way_past(of_two, tmp_path):
    await of_two.start()
    write(of_two.folder, GOOD)
    elsewhere = open_database(tmp_path / "elsewhere")
    of_two.versions, of_two.proposals = Versions(elsewhere), Proposals(elsewhere)
    with pytest.raises(StateIsNew, match="name the database of before"):
        await of_two.start()
    assert await of_two.versions.in_force() is None
    await elsewhere.close()
