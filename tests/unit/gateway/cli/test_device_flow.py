"""The device flow as RFC 8628 has it: shown once, asked no faster than told, ended in words."""

import json

import pytest

from gateway.cli.device_flow import (
    DeviceCode,
    SignInOver,
    begin,
    is_fresh,
    refresh,
    refuse_in_the_clear,
    revoke,
    wait,
    who,
)
from gateway.cli.exits import CommandFailed
from gateway.cli.signed_in import SignedIn
from tests.fakes.door import Answer, opened

TOKENS = {
    "access_token": "gts_a",
    "refresh_token": "gtr_a",
    "expires_in": 3600,
    "session_id": "ses_a",
    "sub": "ada",
}
CODE = DeviceCode("https://g.example/device", "https://g.example/device?c", "BCDF", 5, 60, "gtd_a")
BEGUN = {
    "verification_uri": "https://g.example/device",
    "verification_uri_complete": "https://g.example/device?user_code=BCDF",
    "user_code": "BCDF",
    "device_code": "gtd_a",
    "interval": 5,
    "expires_in": 600,
}


def said(status: int, document: object) -> Answer:
    return status, json.dumps(document).encode()


def refused(error: str, told: str = "why") -> Answer:
    return said(400, {"error": error, "error_description": told})


def a_session(root: str) -> SignedIn:
    return SignedIn(root, "ada", "ses_a", 0, "gts_old", "gtr_old")


def test_a_machine_says_its_name_and_team_and_is_given_a_code() -> None:
    with opened({"/oauth/device_authorization": said(200, BEGUN)}) as door:
        code = begin(door.root, "laptop", "web")
    assert (code.user_code, code.page) == ("BCDF", BEGUN["verification_uri"])
    assert "gtd_a" not in repr(code)
    ((_, _, _, body),) = door.asked
    assert b"machine=laptop" in body
    assert b"team=web" in body


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refused("login_not_configured", "nobody signs in here"), "nobody signs in here"),
        (said(200, {}), "not a gateway that signs in"),
        (said(200, []), "not a gateway"),
        ((200, b"<html>"), "not a gateway"),
        ((502, b"<html>"), "status 502"),
        (said(200, {**BEGUN, "verification_uri": "javascript:1"}), "not a gateway that signs in"),
        (said(200, {**BEGUN, "verification_uri": "http://g.example/d"}), "without TLS"),
    ],
)
def test_what_is_no_gateway_that_signs_in_is_told(answer: Answer, told: str) -> None:
    with (
        opened({"/oauth/device_authorization": answer}) as door,
        pytest.raises(CommandFailed, match=told),
    ):
        begin(door.root, "laptop", None)


def test_it_is_asked_no_faster_than_told_and_again_after_trouble() -> None:
    answers = [
        refused("authorization_pending"),
        refused("slow_down"),
        (503, b""),
        said(200, TOKENS),
    ]
    slept: list[float] = []
    with opened({"/oauth/token": answers}) as door:
        session = wait(door.root, CODE, slept.append)
    assert slept == [5, 5, 10, 15]
    assert (session.subject, session.access_token) == ("ada", "gts_a")


def test_a_gateway_that_is_away_meanwhile_is_asked_less_often_until_the_time_is_over() -> None:
    slept: list[float] = []
    with pytest.raises(CommandFailed, match="within the time"):
        wait("http://127.0.0.1:9", CODE, slept.append)
    assert slept == [5, 10, 15, 20, 25]


def test_a_no_ends_it_with_the_gateways_words() -> None:
    answers = {"/oauth/token": refused("access_denied", "they said no")}
    with opened(answers) as door, pytest.raises(CommandFailed, match="they said no"):
        wait(door.root, CODE, lambda _: None)


def test_a_refresh_gives_newer_tokens_or_says_that_the_session_is_over() -> None:
    answers = [
        said(200, TOKENS),
        refused("invalid_grant", "its session has ended"),
        said(503, {"error": "temporarily_unavailable", "error_description": "later"}),
    ]
    with opened({"/oauth/token": answers}) as door:
        assert refresh(a_session(door.root)).access_token == "gts_a"
        with pytest.raises(SignInOver, match="its session has ended"):
            refresh(a_session(door.root))
        with pytest.raises(CommandFailed, match="later") as failed:
            refresh(a_session(door.root))
        assert not isinstance(failed.value, SignInOver)


def test_who_one_is_and_the_end_are_asked_of_the_gateway() -> None:
    answers = {"/oauth/userinfo": said(200, {"sub": "ada"}), "/oauth/revoke": said(200, {})}
    with opened(answers) as door:
        assert who(door.root, "gts_a") == {"sub": "ada"}
        revoke(a_session(door.root))
    assert door.asked[0][2]["authorization"] == "Bearer gts_a"
    assert door.asked[1][3] == b"token=gtr_old"
    with opened({"/oauth/revoke": (500, b"")}) as door, pytest.raises(CommandFailed, match="500"):
        revoke(a_session(door.root))
    with opened({}) as door, pytest.raises(CommandFailed, match="no such endpoint"):
        who(door.root, "gts_a")


def test_a_gateway_that_does_not_answer_is_said_to_be_that() -> None:
    nowhere = a_session("http://127.0.0.1:9")
    for ask in (lambda: refresh(nowhere), lambda: revoke(nowhere), lambda: who(nowhere.server, "")):
        with pytest.raises(CommandFailed, match="no gateway answers"):
            ask()


def test_tokens_are_never_sent_in_the_clear() -> None:
    refuse_in_the_clear("https://g.example")
    refuse_in_the_clear("http://127.0.0.1:7070")
    with pytest.raises(CommandFailed, match="https:// only"):
        refuse_in_the_clear("http://g.example")


def test_an_access_token_is_handed_out_while_it_holds_for_a_minute() -> None:
    session = SignedIn("", "ada", "ses_a", 1000, "gts_a", "gtr_a")
    assert is_fresh(session, 939)
    assert not is_fresh(session, 940)
