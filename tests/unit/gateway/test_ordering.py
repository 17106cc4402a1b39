"""Whoever orders a version waits until a gateway has carried it out, or is told why not."""

import asyncio

import pytest

from gateway import ordering
from gateway.configuration.orders import Order
from gateway.ordering import OrderRefused, carried_out
from gateway.store.changes import Actor
from gateway.store.database import Database
from gateway.store.versions import Versions
from tests.fakes.configurations import GOOD, configured
from tests.fakes.waiting import IN_VAIN_SECONDS

ANNA = Actor("key", "anna", "key_a")


async def asked_of(versions: Versions) -> Order:
    """The order that somebody waits for."""
    async with asyncio.timeout(IN_VAIN_SECONDS):
        while True:
            if (asked := (await versions.standing()).asked) is not None:
                return asked


async def test_it_returns_once_it_is_carried_out(database: Database, tmp_path) -> None:
    versions, configuration = Versions(database), configured(tmp_path, GOOD)
    await versions.enter(configuration)
    ordered = asyncio.create_task(carried_out(versions, configuration.digest, "why", ANNA))
    asked = await asked_of(versions)
    assert not ordered.done()
    await versions.enter(configuration, asked)
    assert await ordered == asked
    assert asked.actor_credential_id == "key_a"
    assert (await versions.standing()).pin == asked


async def test_a_refusal_is_told(database: Database) -> None:
    versions = Versions(database)
    ordered = asyncio.create_task(carried_out(versions, None, "why", ANNA))
    asked = await asked_of(versions)
    await versions.refuse(asked, "the files are bad")
    with pytest.raises(OrderRefused, match="nothing was changed: the files are bad"):
        await ordered


async def test_where_nobody_takes_it_nobody_will_later(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "PATIENCE_SECONDS", 0.0)
    versions = Versions(database)
    with pytest.raises(OrderRefused, match="no gateway took it"):
        await carried_out(versions, None, "why", ANNA)
    assert (await versions.standing()).asked is None
