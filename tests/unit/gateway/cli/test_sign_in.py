"""Sign in, get tokens, ask who one is, and sign out: commands, before a stand-in for a gateway."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from gateway.cli.signed_in import Kept, SessionFile, SignedIn
from tests.fakes.door import Answer, Door, opened
from tests.unit.gateway.cli.conftest import CommandLine


def said(status: int, document: object) -> Answer:
    return status, json.dumps(document).encode()


def tokens(number: int) -> Answer:
    return said(
        200,
        {
            "access_token": f"gts_{number}",
            "refresh_token": f"gtr_{number}",
            "expires_in": 3600,
            "session_id": "ses_a",
            "sub": "ada",
        },
    )


ANSWERS = {
    "/oauth/device_authorization": said(
        200,
        {
            "verification_uri": "http://127.0.0.1:7070/device",
            "verification_uri_complete": "http://127.0.0.1:7070/device?user_code=BCDF-GHJK",
            "user_code": "BCDF-GHJK",
            "device_code": "gtd_a",
            "interval": 1,
            "expires_in": 600,
        },
    ),
    "/oauth/token": [tokens(1), tokens(2)],
    "/oauth/userinfo": said(200, {"sub": "ada", "team": "web", "roles": ["developer"]}),
    "/oauth/revoke": said(200, {}),
}


@pytest.fixture
def door() -> Iterator[Door]:
    with opened(dict(ANSWERS)) as door:
        yield door


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SessionFile:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("GATEHOUSE_KEY", raising=False)
    return SessionFile({"XDG_CONFIG_HOME": str(tmp_path / "config")})


def keep(file: SessionFile, door: Door, seconds_left: float) -> None:
    until = int(time.time() + seconds_left)
    session = SignedIn(door.root, "ada", "ses_a", until, "gts_0", "gtr_0")
    file.write(Kept({}).with_one(session))


def test_login_shows_page_and_code_and_keeps_the_tokens_and_the_gateway(
    command_line: CommandLine, door: Door, file: SessionFile
) -> None:
    ran = command_line.run("login", "--server", door.root + "/v1/", "--no-browser")
    assert (ran.code, ran.out) == (Exit.OK, "")
    for part in ("http://127.0.0.1:7070/device", "BCDF-GHJK", "Signed in as ada"):
        assert part in ran.err
    assert file.read().default == door.root
    assert "gts_1" not in ran.err
    assert command_line.run_bare("token").out == "gts_1\n"


def test_login_goes_again_to_the_gateway_of_the_last_time(
    command_line: CommandLine, door: Door, file: SessionFile
) -> None:
    assert "--server" in command_line.run("login").err
    keep(file, door, 0)
    (told,) = command_line.run("login", "--no-browser", "--json").objects
    assert told == {"server": door.root, "user": "ada", "session": "ses_a"}


def test_login_sends_nothing_in_the_clear(command_line: CommandLine) -> None:
    ran = command_line.run("login", "--server", "http://gateway.example")
    assert (ran.code, "https:// only" in ran.err) == (Exit.USAGE, True)


def test_a_token_that_holds_is_printed_without_asking_anybody(
    command_line: CommandLine, door: Door, file: SessionFile
) -> None:
    keep(file, door, 600)
    assert command_line.run_bare("token").out == "gts_0\n"
    assert door.asked == []


def test_a_token_that_is_nearly_over_is_exchanged_for_the_next(
    command_line: CommandLine, door: Door, file: SessionFile
) -> None:
    keep(file, door, 30)
    assert command_line.run_bare("token", "--server", door.root).out == "gts_1\n"
    assert b"refresh_token=gtr_0" in door.asked[0][3]
    assert file.read().of(None).refresh_token == "gtr_1"


def test_a_session_that_is_over_is_forgotten_and_said_to_be(
    command_line: CommandLine, file: SessionFile
) -> None:
    over = {"error": "invalid_grant", "error_description": "its session has ended (signed_out)"}
    with opened({"/oauth/token": said(400, over)}) as door:
        keep(file, door, 0)
        ran = command_line.run_bare("token")
    assert (ran.code, ran.out) == (Exit.FAILED, "")
    assert "its session has ended" in ran.err
    assert "gatehouse login" in command_line.run_bare("token").err


def test_a_gateway_that_is_away_costs_nobody_their_session(
    command_line: CommandLine, file: SessionFile
) -> None:
    with opened({}) as door:
        keep(file, door, 0)
    ran = command_line.run_bare("token")
    assert (ran.code, "no gateway answers" in ran.err) == (Exit.FAILED, True)
    assert file.read().of(None).refresh_token == "gtr_0"


def test_whoami_says_who_by_the_session_or_by_a_key(
    command_line: CommandLine, door: Door, file: SessionFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(file, door, 600)
    assert command_line.run_bare("whoami").out == "ada of team web, developer\n"
    (told,) = command_line.run_bare("whoami", "--json").objects
    assert told["sub"] == "ada"
    file.write(Kept({}))
    monkeypatch.setenv("GATEHOUSE_KEY", "gth_key")
    assert "ada" in command_line.run_bare("whoami", "--server", door.root).out
    assert door.asked[-1][2]["authorization"] == "Bearer gth_key"


def test_logout_ends_the_session_there_and_forgets_it_here(
    command_line: CommandLine, door: Door, file: SessionFile
) -> None:
    keep(file, door, 600)
    ran = command_line.run_bare("logout")
    assert (ran.code, ran.err) == (Exit.OK, f"Signed out of {door.root}\n")
    assert door.asked[0][3] == b"token=gtr_0"
    assert command_line.run_bare("logout").code == Exit.FAILED


def test_logout_forgets_the_tokens_though_the_gateway_cannot_be_told(
    command_line: CommandLine, file: SessionFile
) -> None:
    with opened({}) as door:
        keep(file, door, 600)
    ran = command_line.run_bare("logout")
    assert (ran.code, "could not be told" in ran.err) == (Exit.OK, True)
    assert file.read() == Kept({})
