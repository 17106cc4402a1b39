"""Order a stored version, or the files, and wait until a running gateway has carried it out."""

import asyncio
import time
from typing import Final

from gateway.configuration.orders import Order
from gateway.store.changes import Actor
from gateway.store.versions import Versions

PATIENCE_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.1


class OrderRefused(Exception):
    """It could not be carried out, and nothing was changed; the message says why."""


async def carried_out(versions: Versions, digest: str | None, reason: str, by: Actor) -> Order:
    """Have a version in force, or (None) the files, by a gateway that looks for orders.

    Raises `OrderRefused`, also where no gateway took it, or `OrdersUnavailable`.
    """
    order = await versions.order(digest, reason, by)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (answer := await versions.answer_to(order))[0] == "asked":
        if time.monotonic() > deadline:
            await versions.refuse(order, "no gateway took it")
        await asyncio.sleep(_POLL_SECONDS)
    state, why = answer
    if state == "refused":
        raise OrderRefused(f"nothing was changed: {why}")
    return order
