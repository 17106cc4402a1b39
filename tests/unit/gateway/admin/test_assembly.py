"""The admin API stands on a listener of its own, or nowhere; a taken port is said."""

import socket
from dataclasses import replace

import pytest

from gateway.admin.assembly import Beside, admin_side
from gateway.configuration.admin import AdminSettings
from gateway.server import CannotListen, base_url
from gateway.store.changes import Actor
from tests.fakes.admin import NOW_US, AdminApi


@pytest.fixture
def beside(api: AdminApi) -> Beside:
    return api.beside


def listens(beside: Beside, settings: AdminSettings) -> Beside:
    configuration = replace(beside.in_force.configuration, admin=settings)
    beside.in_force.replace(configuration, 0)
    return beside


async def test_it_listens_where_the_configuration_says(beside: Beside) -> None:
    async with admin_side(listens(beside, AdminSettings("127.0.0.1", 0)), None) as side:
        assert side is not None
        assert base_url(side.listener).startswith("http://127.0.0.1:")


async def test_a_port_on_the_command_line_goes_first(beside: Beside) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = AdminSettings("127.0.0.1", taken.getsockname()[1])
        async with admin_side(listens(beside, settings), 0) as side:
            assert side is not None
            assert side.listener.getsockname() != taken.getsockname()


async def test_switched_off_there_is_none(beside: Beside) -> None:
    async with admin_side(listens(beside, AdminSettings(None, 0)), 0) as side:
        assert side is None


async def test_a_taken_port_is_said_with_what_to_do(beside: Beside) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = AdminSettings("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(CannotListen, match=r"admin\.listen.*--admin-port"):
            async with admin_side(listens(beside, settings), None):
                pass


async def test_a_port_that_nobody_chose_gives_way(beside: Beside) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = AdminSettings("127.0.0.1", taken.getsockname()[1], may_move=True)
        async with admin_side(listens(beside, settings), None) as side:
            assert side is not None
            assert side.listener.getsockname() != taken.getsockname()
        with pytest.raises(CannotListen):
            async with admin_side(listens(beside, settings), settings.port):
                pass


async def test_what_is_asked_for_by_name_has_one_id(beside: Beside) -> None:
    one, same, other = (beside.digest_of(each) for each in ("a", "a", "b"))
    assert one == same != other
    assert len(one) == 32


async def test_keys_are_made_in_the_name_of_who_asks(beside: Beside) -> None:
    issued = await beside.issuer(Actor.os_user("x")).issue("web", "ann")
    assert issued.stored.created_unix_us == NOW_US
