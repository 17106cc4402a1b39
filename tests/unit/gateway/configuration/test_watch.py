"""A change is taken while the gateway runs; a bad file leaves everything as it was."""

import asyncio
import logging

import pytest

from gateway.configuration.build import Configuration, load
from gateway.configuration.lookout import Lookout
from gateway.configuration.orders import Order, OrdersUnavailable, StandingOrders, VersionNotFound
from gateway.configuration.problems import ConfigurationError, Place, Problem
from gateway.configuration.restore import restore
from gateway.configuration.stored import Origin, StoredConfiguration
from gateway.configuration.watch import Standing, Watcher
from tests.fakes.configurations import (
    ENVIRON,
    GOOD,
    SHIPPED,
    VENDORS,
    WITH_REGISTERS,
    write,
    write_registered,
)

OTHER = GOOD.replace("parallel: 40", "parallel: 41")
BAD = GOOD.replace("parallel: 40", "parallel: many")


class Gateway:
    """A gateway as far as a watcher sees it, in a folder of its own."""

    def __init__(self, folder, text: str = GOOD) -> None:
        self.folder = folder
        self.path = write(folder, text)
        self.applied: list[Configuration] = []
        self.was_applied = asyncio.Event()
        self.during_pause = lambda: None
        self.refusal: Exception | None = None
        self.watcher = Watcher(self.load(), self.load, self.apply, pause=self.pause)

    def load(self) -> Configuration:
        return load(self.path, ENVIRON, SHIPPED)

    async def apply(self, configuration: Configuration, order: Order | None = None) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.applied.append(configuration)
        self.was_applied.set()

    async def pause(self, seconds: float) -> None:
        self.during_pause()
        await asyncio.sleep(0)


async def test_nothing_happens_while_nothing_changes(tmp_path):
    gateway = Gateway(tmp_path)
    assert not await gateway.watcher.look()
    assert gateway.applied == []


async def test_a_changed_file_is_applied(tmp_path):
    gateway = Gateway(tmp_path)
    write(tmp_path, OTHER)
    assert await gateway.watcher.look()
    assert [each.digest for each in gateway.applied] == [gateway.watcher.state.digest]
    assert gateway.watcher.state.reloads == 1
    assert not await gateway.watcher.look()


async def test_a_bad_file_leaves_the_old_configuration_and_is_reported_once(tmp_path, caplog):
    gateway = Gateway(tmp_path)
    before = gateway.watcher.current
    write(tmp_path, BAD)
    with caplog.at_level(logging.INFO):
        taken = [await gateway.watcher.look() for _ in range(3)]
    assert taken == [False, False, False]
    assert gateway.watcher.current is before
    assert gateway.applied == []
    assert [each.msg for each in caplog.records] == ["configuration_refused"]
    assert "gatehouse.yaml:18:79: teams.web.limits.parallel" in caplog.records[0].problems[0]
    state = gateway.watcher.state
    assert (state.refusals, state.standing) == (1, Standing.FILE_REFUSED)


async def test_another_mistake_is_reported_again(tmp_path):
    gateway = Gateway(tmp_path)
    for text in (BAD, BAD.replace("wires:", "wire:")):
        write(tmp_path, text)
        await gateway.watcher.look()
    assert gateway.watcher.state.refusals == 2


async def test_mending_the_file_clears_the_error(tmp_path):
    gateway = Gateway(tmp_path)
    for text in (BAD, OTHER):
        write(tmp_path, text)
        await gateway.watcher.look()
    state = gateway.watcher.state
    assert (state.error, state.standing) == (None, Standing.IN_FORCE)
    assert len(gateway.applied) == 1


async def test_going_back_to_the_old_file_clears_the_error(tmp_path):
    gateway = Gateway(tmp_path)
    for text in (BAD, GOOD):
        write(tmp_path, text)
        await gateway.watcher.look()
    assert gateway.watcher.state.error is None


async def test_a_vanished_file_leaves_the_old_configuration(tmp_path):
    gateway = Gateway(tmp_path)
    gateway.path.unlink()
    assert not await gateway.watcher.look()
    assert "cannot be read" in str(gateway.watcher.state.error)


async def test_a_file_that_is_still_being_written_is_left_for_the_next_look(tmp_path):
    gateway = Gateway(tmp_path)
    write(tmp_path, OTHER[:-60])
    gateway.during_pause = lambda: write(tmp_path, OTHER)
    assert not await gateway.watcher.look()
    assert gateway.watcher.state.error is None
    assert await gateway.watcher.look()


async def test_a_changed_secret_file_is_applied_with_the_same_digest(tmp_path):
    write(tmp_path, "first", "key")
    gateway = Gateway(tmp_path, GOOD.replace("${DEEPSEEK_API_KEY}", "file:key"))
    write(tmp_path, "second", "key")
    assert await gateway.watcher.look()
    key = gateway.applied[0].vendors["deepseek"].api_key
    assert key is not None
    assert key.reveal() == "second"


async def test_a_secret_that_comes_late_is_found(tmp_path):
    gateway = Gateway(tmp_path)
    write(tmp_path, GOOD.replace("${DEEPSEEK_API_KEY}", "file:key"))
    missing = await gateway.watcher.look()
    write(tmp_path, "here", "key")
    assert (missing, await gateway.watcher.look()) == (False, True)


async def test_a_swapped_symlink_is_a_change(tmp_path):
    for name, text in (("one", GOOD), ("two", OTHER)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, text)
    (tmp_path / "data").symlink_to("one")
    (tmp_path / "mount").mkdir()
    gateway = Gateway(tmp_path / "mount")
    gateway.path.unlink()
    gateway.path.symlink_to(tmp_path / "data" / "gatehouse.yaml")
    unchanged = await gateway.watcher.look()
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").rename(tmp_path / "data")
    assert (unchanged, await gateway.watcher.look()) == (False, True)


async def test_what_cannot_be_applied_is_refused_like_a_bad_file(tmp_path):
    gateway = Gateway(tmp_path)
    before = gateway.watcher.current
    gateway.refusal = ConfigurationError("gatehouse.yaml", [Problem(Place(1, 1), (), "no way")])
    write(tmp_path, OTHER)
    assert not await gateway.watcher.look()
    assert gateway.watcher.current is before
    assert gateway.watcher.state.error == "gatehouse.yaml:1:1: no way"


async def test_a_machine_that_refuses_what_a_configuration_needs_does_not_end_the_watch(tmp_path):
    gateway = Gateway(tmp_path)
    before = gateway.watcher.current
    gateway.refusal = OSError(28, "No space left on device")
    write(tmp_path, OTHER)
    assert not await gateway.watcher.look()
    assert "No space left on device" in (gateway.watcher.state.error or "")
    assert gateway.watcher.current is before
    gateway.refusal = None
    assert await gateway.watcher.look()
    assert gateway.watcher.state.error is None


async def test_a_change_during_start_is_seen_at_the_first_look(tmp_path):
    gateway = Gateway(tmp_path)
    old = gateway.watcher.current
    write(tmp_path, OTHER)
    late = Watcher(old, gateway.load, gateway.apply, pause=gateway.pause)
    assert await late.look()


async def test_watching_goes_on_until_it_is_cancelled(tmp_path):
    gateway = Gateway(tmp_path)
    write(tmp_path, OTHER)
    task = asyncio.create_task(gateway.watcher.run())
    await gateway.was_applied.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_once_it_has_stopped_nothing_is_put_in_place_any_more(tmp_path):
    gateway = Gateway(tmp_path)
    has_ended = asyncio.Event()

    async def apply(configuration: Configuration, order: Order | None = None) -> None:
        gateway.was_applied.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(5):  # as a transaction that is taken back
                await asyncio.sleep(0)
            has_ended.set()

    gateway.watcher.apply = apply
    write(tmp_path, OTHER)
    task = asyncio.create_task(gateway.watcher.run())
    await gateway.was_applied.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert has_ended.is_set()


async def test_a_look_that_fails_as_nobody_foresaw_is_told_once_and_not_the_last(tmp_path, caplog):
    gateway = Gateway(tmp_path)
    looks = asyncio.Semaphore(0)
    gateway.during_pause = looks.release
    gateway.refusal = LookupError("sk-canary")
    write(tmp_path, OTHER)
    task = asyncio.create_task(gateway.watcher.run())
    for _ in range(5):
        await looks.acquire()
    assert not task.done()
    assert gateway.watcher.state.standing is Standing.RELOAD_FAILED
    assert "LookupError" in str(gateway.watcher.state.error)
    assert "sk-canary" not in str(gateway.watcher.state.error)
    assert [each.msg for each in caplog.records] == ["configuration_watch_failed"]
    gateway.refusal = None
    await gateway.was_applied.wait()
    for _ in range(2):
        await looks.acquire()
    assert gateway.watcher.state.standing is Standing.IN_FORCE
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_changed_register_is_a_changed_configuration(tmp_path):
    gateway = Gateway(tmp_path)
    write_registered(tmp_path)
    assert await gateway.watcher.look()
    write(tmp_path, VENDORS.replace("2026-07-10", "2027-07-10"), "registers/vendors.yaml")
    assert await gateway.watcher.look()
    assert len({each.digest for each in gateway.applied}) == 2
    assert not await gateway.watcher.look()


async def test_a_bad_or_missing_register_leaves_the_old_configuration(tmp_path):
    write_registered(tmp_path)
    gateway = Gateway(tmp_path, WITH_REGISTERS)
    write(tmp_path, VENDORS.replace("2026-07-10", "soon"), "registers/vendors.yaml")
    assert not await gateway.watcher.look()
    assert "registers/vendors.yaml:12:18" in str(gateway.watcher.state.error)
    (tmp_path / "registers" / "vendors.yaml").unlink()
    assert not await gateway.watcher.look()
    assert "registers.vendors: the file it names cannot be read" in str(gateway.watcher.state.error)
    assert gateway.applied == []
    write(tmp_path, VENDORS, "registers/vendors.yaml")
    assert await gateway.watcher.look()
    assert gateway.watcher.state.error is None


RULES = "rules:\n  - { id: r, effect: deny, reason: x, match: { users: [bob] } }\n"


class GatewayWithRules(Gateway):
    """The same, with a file of rules."""

    def __init__(self, folder, files: str = "policy/*.yaml") -> None:
        (folder / "policy").mkdir()
        write(folder / "policy", RULES, "a.yaml")
        super().__init__(folder, f"{GOOD}policy: [{files}]\n")


@pytest.mark.parametrize("files", ["policy/*.yaml", "policy/a.yaml"])
async def test_rules_that_change_are_applied_as_a_whole(tmp_path, files):
    gateway = GatewayWithRules(tmp_path, files)
    assert not await gateway.watcher.look()
    write(tmp_path / "policy", RULES.replace("id: r", "id: other"), "a.yaml")
    assert await gateway.watcher.look()
    assert [rule.id for rule in gateway.applied[0].policy.rules] == ["other"]
    assert not await gateway.watcher.look()


async def test_a_file_of_rules_that_comes_or_goes_is_noticed(tmp_path):
    gateway = GatewayWithRules(tmp_path)
    write(tmp_path / "policy", RULES.replace("id: r", "id: more"), "b.yaml")
    assert await gateway.watcher.look()
    (tmp_path / "policy" / "a.yaml").unlink()
    assert await gateway.watcher.look()
    assert [[rule.id for rule in each.policy.rules] for each in gateway.applied] == [
        ["r", "more"],
        ["more"],
    ]


async def test_bad_rules_leave_the_last_good_ones_until_they_are_mended(tmp_path):
    gateway = GatewayWithRules(tmp_path)
    write(tmp_path / "policy", RULES.replace("deny", "forbid"), "a.yaml")
    assert not await gateway.watcher.look()
    assert "policy/a.yaml:2:" in str(gateway.watcher.state.error)
    assert gateway.applied == []
    write(tmp_path / "policy", RULES, "a.yaml")
    assert await gateway.watcher.look()
    assert gateway.watcher.state.error is None


async def test_a_folder_of_rules_that_can_no_longer_be_looked_into_takes_no_rule_away(tmp_path):
    gateway = GatewayWithRules(tmp_path, "policy/**/*.yaml")
    write(tmp_path / "policy", RULES.replace("id: r", "id: more"), "sub/b.yaml")
    assert await gateway.watcher.look()
    (tmp_path / "policy" / "sub").rename(tmp_path / "aside")
    (tmp_path / "policy" / "sub").symlink_to("sub")
    assert not await gateway.watcher.look()
    assert "policy/sub cannot be looked into" in str(gateway.watcher.state.error)
    assert [rule.id for rule in gateway.watcher.current.policy.rules] == ["r", "more"]
    (tmp_path / "policy" / "sub").unlink()
    (tmp_path / "aside").rename(tmp_path / "policy" / "sub")
    assert await gateway.watcher.look()
    assert gateway.watcher.state.error is None


class Desk:
    """Orders as a watcher sees them: a version is whatever configuration was put here."""

    def __init__(self) -> None:
        self.pin: Order | None = None
        self.asked: Order | None = None
        self.kept: dict[str, StoredConfiguration] = {}
        self.answers: list[str] = []
        self.is_away = False

    def ask(self, digest: str | None) -> Order:
        number = 1 + max((each.number for each in (self.pin, self.asked) if each), default=0)
        self.asked = Order(number, digest, "why", "os_user", "anna", 0)
        return self.asked

    async def standing(self) -> StandingOrders:
        if self.is_away:
            raise OrdersUnavailable("locked")
        return StandingOrders(self.pin, self.asked)

    async def stored(self, digest: str) -> StoredConfiguration:
        if digest not in self.kept:
            raise VersionNotFound(f"no version is {digest}")
        return self.kept[digest]

    async def refuse(self, order: Order, problem: str) -> None:
        self.asked = None
        self.answers.append(problem)

    def take(self, order: Order) -> None:
        self.asked = None
        self.pin = order if order.digest is not None else None


class GatewayWithOrders(Gateway):
    """A gateway that has run by `GOOD` and then by `OTHER`."""

    def __init__(self, folder) -> None:
        super().__init__(folder)
        self.desk, self.told = Desk(), []
        self.environ = dict(ENVIRON)
        self.orders_taken: list[Order | None] = []
        self.first = self.watcher.current
        self.desk.kept[self.first.digest] = self.first.stored
        write(folder, OTHER)
        self.watcher = self.watching(self.load())

    def watching(self, current: Configuration, **more) -> Watcher:
        return Watcher(
            current,
            self.load,
            self.apply,
            lambda stored: restore(stored, self.path, self.environ, SHIPPED),
            self.desk,
            self.tell,
            pause=self.pause,
            **more,
        )

    async def apply(self, configuration: Configuration, order: Order | None = None) -> None:
        await super().apply(configuration, order)
        self.orders_taken.append(order)
        if order is not None:
            self.desk.take(order)

    async def tell(self, name: str, problems) -> None:
        self.told.append((name, problems[0]))

    async def pinned(self) -> None:
        """Somebody has rolled back to the first configuration."""
        self.desk.ask(self.first.digest)
        assert await self.watcher.look()

    @property
    def state(self):
        return self.watcher.state


async def test_a_version_that_is_ordered_is_put_in_force(tmp_path):
    gateway = GatewayWithOrders(tmp_path)
    order = gateway.desk.ask(gateway.first.digest)
    assert await gateway.watcher.look()
    assert [each.digest for each in gateway.applied] == [gateway.first.digest]
    assert gateway.orders_taken == [order]
    assert (gateway.state.digest, gateway.state.origin) == (gateway.first.digest, Origin.PIN)
    assert gateway.state.pin == order
    assert not await gateway.watcher.look()


async def test_files_that_change_under_a_pin_are_checked_and_not_taken(tmp_path):
    gateway = GatewayWithOrders(tmp_path)
    await gateway.pinned()
    write(tmp_path, BAD)
    for _ in range(3):
        assert not await gateway.watcher.look()
    assert "teams.web.limits.parallel" in str(gateway.state.error)
    assert len(gateway.told) == 1
    write(tmp_path, OTHER + "# mended\n")
    assert not await gateway.watcher.look()
    assert gateway.state.error is None
    assert gateway.state.waiting == gateway.load().digest
    assert gateway.watcher.current.digest == gateway.first.digest


async def test_files_that_say_what_is_pinned_do_not_wait(tmp_path):
    gateway = GatewayWithOrders(tmp_path)
    await gateway.pinned()
    write(tmp_path, GOOD)
    assert not await gateway.watcher.look()
    assert gateway.state.waiting is None


async def test_when_the_pin_ends_the_files_are_taken_as_they_stand(tmp_path):
    gateway = GatewayWithOrders(tmp_path)
    await gateway.pinned()
    write(tmp_path, OTHER + "# changed\n")
    await gateway.watcher.look()
    gateway.desk.ask(None)
    assert await gateway.watcher.look()
    assert (gateway.state.digest, gateway.state.origin) == (gateway.load().digest, Origin.FILES)
    assert (gateway.state.pin, gateway.state.waiting) == (None, None)
    assert not await gateway.watcher.look()
    write(tmp_path, OTHER)
    assert await gateway.watcher.look()


async def test_bad_files_keep_the_pin_and_whoever_asked_is_told(tmp_path):
    gateway = GatewayWithOrders(tmp_path)
    await gateway.pinned()
    write(tmp_path, BAD)
    gateway.desk.ask(None)
    assert not await gateway.watcher.look()
    assert "gatehouse.yaml:18:79: teams.web.limits.parallel" in gateway.desk.answers[0]
    assert gateway.state.pin is not None
    assert gateway.watcher.current.digest == gateway.first.digest


async def test_a_version_whose_key_is_gone_is_refused_and_all_stays(tmp_path):
    gateway = GatewayWithOrders(tmp_path)
    before = gateway.watcher.current
    del gateway.environ["DEEPSEEK_API_KEY"]
    gateway.desk.ask(gateway.first.digest)
    assert not await gateway.watcher.look()
    assert "DEEPSEEK_API_KEY is not set" in gateway.desk.answers[0]
    assert gateway.watcher.current is before
    assert gateway.state.pin is None
    assert not await gateway.watcher.look()


async def test_a_version_that_is_not_kept_is_refused(tmp_path):
    gateway = GatewayWithOrders(tmp_path)
    gateway.desk.ask("f" * 64)
    assert not await gateway.watcher.look()
    assert gateway.desk.answers == ["no version is " + "f" * 64]


async def test_an_order_that_another_gateway_carried_out_is_followed(tmp_path):
    gateway = GatewayWithOrders(tmp_path)
    gateway.desk.take(gateway.desk.ask(gateway.first.digest))
    assert await gateway.watcher.look()
    assert gateway.state.origin is Origin.PIN
    assert gateway.orders_taken == [None]
    gateway.desk.pin = None
    assert await gateway.watcher.look()
    assert gateway.state.origin is Origin.FILES


async def test_what_cannot_be_followed_is_told_once_and_tried_again(tmp_path):
    gateway = GatewayWithOrders(tmp_path)
    key = gateway.environ.pop("DEEPSEEK_API_KEY")
    gateway.desk.take(gateway.desk.ask(gateway.first.digest))
    for _ in range(2):
        assert not await gateway.watcher.look()
    assert gateway.state.refusals == 1
    gateway.environ["DEEPSEEK_API_KEY"] = key
    assert await gateway.watcher.look()


async def test_the_keys_of_a_pinned_version_are_those_of_today(tmp_path):
    write(tmp_path, "first", "key")
    gateway = GatewayWithOrders(tmp_path)
    write(tmp_path, GOOD.replace("${DEEPSEEK_API_KEY}", "file:key"))
    with_file = gateway.load()
    gateway.desk.kept[with_file.digest] = with_file.stored
    gateway.desk.ask(with_file.digest)
    await gateway.watcher.look()
    write(tmp_path, "second", "key")
    assert await gateway.watcher.look()
    key = gateway.applied[-1].vendors["deepseek"].api_key
    assert key is not None
    assert key.reveal() == "second"
    assert gateway.state.pin is not None
    (tmp_path / "key").unlink()
    assert not await gateway.watcher.look()
    assert gateway.watcher.current is gateway.applied[-1]


async def test_a_gateway_that_started_pinned_looks_at_the_files_at_once(tmp_path):
    gateway = GatewayWithOrders(tmp_path)
    pin = gateway.desk.ask(gateway.first.digest)
    gateway.desk.take(pin)
    current = restore(gateway.first.stored, gateway.path, ENVIRON, SHIPPED)
    gateway.watcher = gateway.watching(current, pin=pin, files=Lookout((gateway.path,)))
    assert not await gateway.watcher.look()
    assert gateway.state.waiting == gateway.load().digest
    assert gateway.applied == []


async def test_a_gateway_that_started_with_the_last_good_takes_the_files_once_mended(tmp_path):
    gateway = GatewayWithOrders(tmp_path)
    write(tmp_path, BAD)
    current = restore(gateway.first.stored, gateway.path, ENVIRON, SHIPPED, origin=Origin.LAST_GOOD)
    gateway.watcher = gateway.watching(current, error="bad", files=Lookout((gateway.path,)))
    assert not await gateway.watcher.look()
    assert gateway.state.origin is Origin.LAST_GOOD
    write(tmp_path, OTHER)
    assert await gateway.watcher.look()
    assert (gateway.state.origin, gateway.state.error) == (Origin.FILES, None)


async def test_while_the_database_is_away_all_stays_as_it_is(tmp_path):
    gateway = GatewayWithOrders(tmp_path)
    gateway.desk.is_away = True
    write(tmp_path, GOOD)
    assert not await gateway.watcher.look()
    gateway.desk.is_away = False
    assert await gateway.watcher.look()


async def test_a_change_that_cannot_be_put_on_record_is_not_made(tmp_path):
    gateway = GatewayWithOrders(tmp_path)
    gateway.refusal = OrdersUnavailable("database is locked")
    before = gateway.watcher.current
    write(tmp_path, GOOD)
    assert not await gateway.watcher.look()
    assert gateway.watcher.current is before
    assert "cannot be put on record: database is locked" in str(gateway.state.error)
    gateway.refusal = None
    assert await gateway.watcher.look()


async def test_without_files_there_is_nothing_to_resume(tmp_path):
    gateway = GatewayWithOrders(tmp_path)
    gateway.watcher.load = None
    gateway.desk.ask(None)
    assert not await gateway.watcher.look()
    assert "started without one" in gateway.desk.answers[0]
