"""Teams with their use are known by a gateway that runs: without one, that is said."""

import os

from gateway.cli.exits import Exit
from gateway.settings import RunningGateway, write_running
from tests.unit.gateway.cli.conftest import CommandLine


def test_without_a_gateway_nobody_knows(command_line: CommandLine) -> None:
    command_line.make_folder()
    ran = command_line.run("teams")
    assert (ran.code, ran.out) == (Exit.NOT_FOUND, "")
    assert "no gateway runs on" in ran.err


def test_a_gateway_without_an_admin_api_cannot_be_asked(command_line: CommandLine) -> None:
    command_line.make_folder()
    write_running(command_line.data, RunningGateway(os.getpid(), "http://127.0.0.1:1", None))
    ran = command_line.run("teams")
    assert ran.code == Exit.NOT_FOUND
    assert "switched off (admin.listen)" in ran.err
