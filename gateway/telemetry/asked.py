"""What is known of a request before anything is sent, read once for all signals."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.telemetry.attributes import Attributes
from gateway.telemetry.fitting import Value
from gateway.telemetry.model import Pseudonym, Record
from gateway.telemetry.names import Signal

Facts = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Asked:
    """The request's attributes on each signal; `caller` are those on every log record."""

    server: Facts
    policy: Facts
    client: Facts
    log: Facts
    caller: Facts


def _request(signal: Signal, opening: Record, pseudonym: Pseudonym) -> Facts:
    attributes = Attributes(signal)
    attributes.put_caller(opening, pseudonym)
    attributes.put_request(opening)
    return attributes.values


def read_request(opening: Record | None, pseudonym: Pseudonym) -> Asked:
    """Read the record that opened an exchange; nothing is known where there is none."""
    if opening is None:
        return Asked({}, {}, {}, {}, {})
    caller = Attributes(Signal.LOG)
    caller.put_caller(opening, pseudonym)
    return Asked(
        server=_request(Signal.SERVER, opening, pseudonym),
        policy=_request(Signal.POLICY, opening, pseudonym),
        client=_request(Signal.CLIENT, opening, pseudonym),
        log=_request(Signal.LOG, opening, pseudonym),
        caller=caller.values,
    )
