"""An order says who gave it; where nobody can give one, none stands."""

import pytest

from gateway.configuration.orders import NO_ORDERS, Order, StandingOrders, VersionNotFound


def test_an_order_is_told_by_a_name_or_else_by_what_gave_it():
    assert Order(1, None, "why", "os_user", "anna", 0).by == "anna"
    assert Order(1, None, "why", "gateway", None, 0).by == "gateway"


async def test_where_there_are_no_orders_nothing_stands_and_nothing_is_stored():
    assert await NO_ORDERS.standing() == StandingOrders()
    await NO_ORDERS.refuse(Order(1, None, "why", "gateway", None, 0), "no")
    with pytest.raises(VersionNotFound):
        await NO_ORDERS.stored("d")
