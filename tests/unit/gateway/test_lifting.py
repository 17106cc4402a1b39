"""Policy in force follows what is open, within the terms in force, and it is loud."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from gateway.configuration.build import Configuration
from gateway.lifting import Lifting
from gateway.pipeline import InForce
from gateway.store.stored_break_glass import StoredBreakGlass
from policy.break_glass import BreakGlassTerms
from policy.types import Allow, Circumstances
from tests.fakes.break_glass import BEN, PROPOSED_US, SECOND_US, a_stored_glass
from tests.fakes.policy_facts import an_identity, some_facts
from tests.fakes.policy_files import loaded

RULES = "rules:\n  - { id: r, effect: deny, reason: x }\n"
END_US = PROPOSED_US // SECOND_US * SECOND_US + 7200 * SECOND_US


class Glasses:
    """What is open, as the test says."""

    def __init__(self, *opened: StoredBreakGlass) -> None:
        self.opened = opened
        self.ended: list[int] = []
        self.is_away = False

    async def not_over(self) -> tuple[StoredBreakGlass, ...]:
        if self.is_away:
            raise OperationalError("SELECT 1", {}, Exception("locked"))
        return self.opened

    async def end_due(self, now_unix_us: int) -> int:
        self.ended.append(now_unix_us)
        self.opened = ()
        return 1


class Scene:
    """A gateway's policy, the exceptions, and a clock that stands still until it is moved."""

    def __init__(self, configuration: Configuration, *opened: StoredBreakGlass) -> None:
        self.now_us = PROPOSED_US
        self.begun_anew = 0
        self.glasses = Glasses(*opened)
        self.in_force = InForce(configuration, 0)
        self.lifting = Lifting(
            self.glasses, self.in_force, self._begin_anew, unix_us=lambda: self.now_us
        )

    def _begin_anew(self) -> None:
        self.begun_anew += 1

    def is_allowed(self) -> bool:
        now = Circumstances(self.now_us // SECOND_US)
        policy = self.in_force.configuration.policy
        return isinstance(policy.decide(an_identity(), some_facts(), now), Allow)


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return loaded(tmp_path, RULES)


async def test_what_is_open_at_the_start_is_lifted_at_the_start(configuration):
    scene = Scene(configuration, a_stored_glass())
    assert not scene.is_allowed()
    await scene.lifting.start()
    await scene.lifting.stop()
    assert scene.is_allowed()
    assert scene.lifting.open_count == 1


async def test_where_nothing_is_open_the_configuration_is_the_very_same(configuration):
    scene = Scene(configuration)
    await scene.lifting.refresh()
    assert scene.in_force.configuration is configuration
    assert (scene.begun_anew, scene.lifting.open_count) == (0, 0)


async def test_denied_turns_are_decided_anew_at_each_change_and_only_then(configuration):
    scene = Scene(configuration, a_stored_glass())
    await scene.lifting.refresh()
    await scene.lifting.refresh()
    assert scene.begun_anew == 1
    scene.glasses.opened = ()
    await scene.lifting.refresh()
    assert (scene.begun_anew, scene.is_allowed()) == (2, False)
    assert scene.in_force.configuration is configuration


async def test_it_ends_at_its_second_though_nobody_looks_and_is_recorded_once(configuration):
    scene = Scene(configuration, a_stored_glass())
    await scene.lifting.refresh()
    scene.now_us = END_US - 1
    assert (scene.is_allowed(), scene.lifting.open_count) == (True, 1)
    scene.now_us = END_US
    assert (scene.is_allowed(), scene.lifting.open_count) == (False, 0)
    await scene.lifting.refresh()
    await scene.lifting.refresh()
    assert scene.glasses.ended == [END_US]
    assert scene.in_force.configuration is configuration


async def test_while_the_database_is_away_what_is_open_stays_so_to_its_end(configuration):
    scene = Scene(configuration, a_stored_glass())
    await scene.lifting.refresh()
    scene.glasses.is_away = True
    with pytest.raises(OperationalError):
        await scene.lifting.refresh()
    assert scene.is_allowed()
    scene.now_us = END_US
    assert not scene.is_allowed()


@pytest.mark.parametrize(
    ("terms", "is_lifted"),
    [
        (BreakGlassTerms(7200, 1), True),
        (BreakGlassTerms(7199, 1), False),
        (BreakGlassTerms(7200, 2), False),
    ],
)
async def test_what_the_configuration_would_not_let_open_is_held_back(
    configuration, terms, is_lifted, caplog
):
    scene = Scene(replace(configuration, break_glass=terms), a_stored_glass())
    with caplog.at_level(logging.WARNING):
        await scene.lifting.refresh()
        await scene.lifting.refresh()
    assert scene.is_allowed() is is_lifted
    told = "break_glass_open" if is_lifted else "break_glass_held_back"
    assert [each.message for each in caplog.records] == [told]


async def test_with_a_second_person_it_is_lifted_where_it_takes_two(configuration):
    strict = replace(configuration, break_glass=BreakGlassTerms(7200, 2))
    scene = Scene(strict, a_stored_glass(approved_by=BEN))
    await scene.lifting.refresh()
    assert scene.is_allowed()


async def test_a_reload_keeps_what_is_open_and_its_terms_hold_at_the_next_look(configuration):
    scene = Scene(configuration, a_stored_glass())
    await scene.lifting.refresh()
    scene.in_force.replace(replace(configuration, break_glass=BreakGlassTerms(60, 1)), 5)
    assert scene.is_allowed()
    await scene.lifting.refresh()
    assert not scene.is_allowed()


async def test_opening_and_end_are_logged_with_what_is_lifted(configuration, caplog):
    scene = Scene(configuration, a_stored_glass())
    with caplog.at_level(logging.WARNING):
        await scene.lifting.refresh()
        scene.glasses.opened = ()
        await scene.lifting.refresh()
    assert [each.message for each in caplog.records] == ["break_glass_open", "break_glass_over"]
    assert [each.lifts for each in caplog.records] == ["rule r", "rule r"]
    assert caplog.records[0].break_glass == a_stored_glass().id
