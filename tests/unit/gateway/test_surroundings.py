"""A configuration brings its processes with it, and no process is disturbed for nothing."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gateway.configuration.build import Configuration, Telemetry
from gateway.configuration.orders import Order
from gateway.pipeline import InForce
from gateway.surroundings import Surroundings
from gateway.telemetry.handover import Secrets
from gateway.telemetry.pseudonym import derive_pseudonym_key
from gateway.telemetry.supervisor import LedgerPlace
from providers.base import Secret
from tests.fakes.configurations import GOOD, configured

PEPPER = b"pepper-canary" * 3
TRACED = GOOD.replace("deepseek/deepseek-chat] }", "house/other] }")  # nothing to translate
UNTRACED = TRACED.replace("telemetry: { otlp_endpoint: http://127.0.0.1:4317 }\n", "")


class FakeTranslator:
    def __init__(self, in_force: InForce) -> None:
        self.started_under: list[Configuration] = []
        self._in_force = in_force

    async def start(self) -> None:
        self.started_under.append(self._in_force.configuration)


class FakeShipper:
    def __init__(self, command: Sequence[str], secrets: Secrets) -> None:
        self.command = tuple(command)
        self.secrets = secrets
        self.story: list[str] = []

    def start(self) -> None:
        self.story.append("started")

    async def stop(self) -> None:
        self.story.append("stopped")


class Yard:
    """Surroundings whose processes are only noted."""

    def __init__(self, data, begun_with: Configuration) -> None:
        self.in_force = InForce(begun_with, 0)
        self.translator = FakeTranslator(self.in_force)
        self.shippers: list[FakeShipper] = []
        self.entered: list[tuple[Configuration, Configuration]] = []
        self.surroundings = Surroundings(
            LedgerPlace(data, "01LANE", Secret("postgresql://gate:canary@db/ledger")),
            PEPPER,
            self.in_force,
            self.translator,
            self._enter,
            make_shipper=self._make,
            unix_seconds=lambda: 1_795_000_000.9,
        )

    async def _enter(self, configuration: Configuration, order: Order | None) -> None:
        self.entered.append((self.in_force.configuration, configuration))

    def _make(self, command: Sequence[str], secrets: Secrets) -> FakeShipper:
        self.shippers.append(FakeShipper(command, secrets))
        return self.shippers[-1]


@pytest.fixture
def yard(tmp_path) -> Yard:
    return Yard(tmp_path / "data", configured(tmp_path, UNTRACED))


async def test_what_is_applied_is_in_force_since_now(yard, tmp_path):
    configuration = configured(tmp_path, UNTRACED)
    await yard.surroundings.apply(configuration)
    assert yard.in_force.configuration is configuration
    assert yard.in_force.since_unix_seconds == 1_795_000_000


async def test_what_is_applied_is_put_on_record_before_it_is_in_force(yard, tmp_path):
    before, fresh = yard.in_force.configuration, configured(tmp_path, UNTRACED)
    await yard.surroundings.apply(fresh)
    assert yard.entered == [(before, fresh)]


async def test_the_translator_starts_before_a_configuration_that_needs_it_is_in_force(
    yard, tmp_path
):
    before, needing = yard.in_force.configuration, configured(tmp_path, GOOD)
    await yard.surroundings.apply(needing)
    assert yard.translator.started_under == [before]
    assert yard.in_force.configuration is needing


async def test_no_translator_starts_for_engines_that_are_reached_directly(yard, tmp_path):
    await yard.surroundings.apply(configured(tmp_path, UNTRACED))
    assert yard.translator.started_under == []


async def test_a_vendor_that_no_model_uses_starts_no_translator(yard, tmp_path):
    configuration = configured(tmp_path, UNTRACED)
    assert "deepseek" in configuration.vendors
    await yard.surroundings.apply(configuration)
    assert yard.translator.started_under == []


async def test_without_telemetry_nothing_is_shipped(yard, tmp_path):
    await yard.surroundings.apply(configured(tmp_path, UNTRACED))
    assert yard.shippers == []


async def test_a_change_elsewhere_leaves_the_shipper_alone(yard, tmp_path):
    await yard.surroundings.apply(configured(tmp_path, TRACED))
    await yard.surroundings.apply(configured(tmp_path, TRACED.replace("5000", "6000")))
    (shipper,) = yard.shippers
    assert shipper.story == ["started"]


async def test_another_endpoint_ends_the_old_shipper_and_starts_a_new_one(yard, tmp_path):
    await yard.surroundings.apply(configured(tmp_path, TRACED))
    await yard.surroundings.apply(configured(tmp_path, TRACED.replace("4317", "4318")))
    old, new = yard.shippers
    assert old.story == ["started", "stopped"]
    assert new.story == ["started"]
    assert "http://127.0.0.1:4318" in new.command


async def test_telemetry_that_is_taken_away_ends_the_shipper(yard, tmp_path):
    await yard.surroundings.apply(configured(tmp_path, TRACED))
    await yard.surroundings.apply(configured(tmp_path, UNTRACED))
    (shipper,) = yard.shippers
    assert shipper.story == ["started", "stopped"]


async def test_stopping_ends_the_shipper_and_may_be_asked_twice(yard, tmp_path):
    await yard.surroundings.apply(configured(tmp_path, TRACED))
    await yard.surroundings.stop()
    await yard.surroundings.stop()
    assert yard.shippers[0].story == ["started", "stopped"]


async def test_the_shipper_is_told_where_and_how_and_the_key_only_in_secret(yard, tmp_path):
    await yard.surroundings.apply(configured(tmp_path, TRACED))
    (shipper,) = yard.shippers
    line = " ".join(shipper.command)
    assert f"--data {tmp_path / 'data'} --endpoint http://127.0.0.1:4317 --protocol grpc" in line
    assert shipper.secrets.pseudonym_key == derive_pseudonym_key(PEPPER)
    assert shipper.secrets.pseudonym_key.hex() not in line
    assert "--lane 01LANE" in line
    assert shipper.secrets.database == "postgresql://gate:canary@db/ledger"
    assert "canary" not in line


async def test_the_exporter_none_ships_to_nobody(yard, tmp_path):
    measured = replace(configured(tmp_path, UNTRACED), telemetry=Telemetry())
    await yard.surroundings.apply(measured)
    command = yard.shippers[0].command
    assert command[command.index("--endpoint") + 1] == ""
    assert command[command.index("--protocol") + 1] == "none"
