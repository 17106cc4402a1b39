"""Who types a command is named by the operating system; a gateway is given time to look."""

import os
import time

import pytest

from gateway.cli.acting import acting_user, until_known
from gateway.settings import RunningGateway, operating_user, write_running


def test_whoever_types_is_who_the_operating_system_says() -> None:
    assert (acting_user().kind, acting_user().name) == ("os_user", operating_user())


def test_only_a_gateway_that_runs_is_waited_for(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    until_known(tmp_path)
    write_running(tmp_path, RunningGateway(2**22 + 1, "http://127.0.0.1:1", None))
    until_known(tmp_path)
    assert waited == []
    write_running(tmp_path, RunningGateway(os.getpid(), "http://127.0.0.1:1", None))
    until_known(tmp_path)
    assert waited == [1.3]
