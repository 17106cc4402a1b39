"""Put a configuration in force, with the processes it needs: translator and shipper."""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from gateway.configuration.build import Configuration, Telemetry
from gateway.configuration.orders import Order
from gateway.pipeline import InForce
from gateway.telemetry.endpoint import OtlpProtocol
from gateway.telemetry.handover import Secrets
from gateway.telemetry.pseudonym import derive_pseudonym_key
from gateway.telemetry.supervisor import LedgerPlace, Shipper, shipper_command
from providers.base import Via

log = logging.getLogger(__name__)


class Translator(Protocol):
    """The process that vendors with dialects are reached through."""

    async def start(self) -> None:
        """Start it, unless it runs; return at once."""
        ...


class ShipperProcess(Protocol):
    """The process that ships telemetry."""

    def start(self) -> None:
        """Begin to keep it running."""
        ...

    async def stop(self) -> None:
        """End it. Safe to call twice."""
        ...


Enter = Callable[[Configuration, Order | None], Awaitable[None]]
"""Puts on record what comes into force, and the order that this carries out."""

MakeShipper = Callable[[Sequence[str], Secrets], ShipperProcess]
"""(command line, what must not stand in it) -> the process, not yet started."""


class Surroundings:
    """The processes beside the gateway, as the configuration in force wants them."""

    def __init__(
        self,
        ledger: LedgerPlace,
        pepper: bytes,
        in_force: InForce,
        translator: Translator,
        enter: Enter,
        *,
        make_shipper: MakeShipper = Shipper,
        unix_seconds: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._make_shipper = make_shipper
        self._unix_seconds = unix_seconds
        url = None if ledger.database is None else ledger.database.reveal()
        self._secrets = Secrets(derive_pseudonym_key(pepper), database=url)
        self._in_force = in_force
        self._translator = translator
        self._enter = enter
        self._shipper: ShipperProcess | None = None
        self._telemetry: Telemetry | None = None

    async def apply(self, configuration: Configuration, order: Order | None = None) -> None:
        """Requests that begin from now on run by this configuration, once that is on record.

        `order` is the one that asked for it. Raises what `enter` does; all is then as before.
        """
        if needs_translation(configuration):
            await self._translator.start()
        await self._enter(configuration, order)
        self._in_force.replace(configuration, int(self._unix_seconds()))
        if configuration.telemetry != self._telemetry:
            await self._ship(configuration.telemetry)

    async def stop(self) -> None:
        """End the shipper; what it has not shipped stays in the ledger for the next start."""
        shipper, self._shipper = self._shipper, None
        if shipper is not None:
            await shipper.stop()

    async def _ship(self, telemetry: Telemetry | None) -> None:
        await self.stop()
        self._telemetry = telemetry
        if telemetry is None:
            return
        protocol = (
            OtlpProtocol(telemetry.otlp_protocol)
            if telemetry.exporter == "otlp"
            else OtlpProtocol.NONE
        )
        data, lane, endpoint = self._ledger.data, self._ledger.lane, telemetry.otlp_endpoint or ""
        command = shipper_command(data, endpoint, protocol=protocol, lane=lane)
        self._shipper = self._make_shipper(command, self._secrets)
        self._shipper.start()
        log.info("shipper_started", extra={"endpoint": telemetry.otlp_endpoint})


def needs_translation(configuration: Configuration) -> bool:
    """Whether a vendor is reached through LiteLLM only.

    Where translation is needed for one client's protocol alone, the translator is started by the
    first request that asks for it.
    """
    return any(
        target.vendor.via is Via.LITELLM
        for targets in configuration.models.values()
        for target in targets
    )
