"""A gateway is asked directly, and whatever it does instead of answering is one clear line."""

import json
import socket
import threading

import pytest

from gateway.cli.asking import AnswerLost, Unreachable, ask, gateway_root, models_offered
from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.offered import UNKNOWN
from tests.fakes.door import models, opened


@pytest.mark.parametrize(
    "url",
    ["http://gw:7070", "http://gw:7070/", "http://gw:7070/v1", " http://gw:7070/v1/ "],
)
def test_an_address_is_taken_with_and_without_what_clients_add(url: str) -> None:
    assert gateway_root(url) == "http://gw:7070"


def test_a_gateway_below_a_path_keeps_it() -> None:
    assert gateway_root("https://tools.example/gatehouse/v1") == "https://tools.example/gatehouse"


@pytest.mark.parametrize(
    "url",
    [
        "gw:7070",
        "ftp://gw",
        "http://",
        "http://gw:port",
        "http://u:p@gw",
        "http://gw?x=1",
        "h\nttp://gw",
    ],
)
def test_what_is_no_address_is_a_usage_error(url: str) -> None:
    with pytest.raises(CommandFailed) as refused:
        gateway_root(url)
    assert refused.value.code == Exit.USAGE


def test_the_models_of_a_key_are_asked_with_it_and_through_no_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with opened({"/v1/models": models("a", "b")}) as door:
        assert models_offered(door.root, "gth_x") == {"a": UNKNOWN, "b": UNKNOWN}
    assert door.asked[0][2]["authorization"] == "Bearer gth_x"


def test_a_refused_key_is_told_in_the_gateways_words() -> None:
    refusal = json.dumps({"error": {"message": "this key was revoked"}}).encode()
    with (
        opened({"/v1/models": (401, refusal)}) as door,
        pytest.raises(CommandFailed, match="this key was revoked"),
    ):
        models_offered(door.root, "gth_x")


def test_a_gateway_that_is_shutting_down_is_not_said_to_refuse_the_key() -> None:
    refusal = json.dumps({"error": {"message": "shutting down"}}).encode()
    with (
        opened({"/v1/models": (503, refusal)}) as door,
        pytest.raises(CommandFailed, match="does not list its models: shutting down"),
    ):
        models_offered(door.root, "gth_x")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"data": 1}', b'{"data": [{}]}'])
def test_what_is_no_gateway_is_said(body: bytes) -> None:
    with (
        opened({"/v1/models": (200, body)}) as door,
        pytest.raises(CommandFailed, match="is not a gateway"),
    ):
        models_offered(door.root, "gth_x")


def test_nobody_there_is_said_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(CommandFailed, match="gatehouse up"):
        models_offered(f"http://127.0.0.1:{port}", "gth_x")


def test_a_redirect_is_not_followed() -> None:
    with opened({"/old": (302, b"")}) as door:
        assert ask(door.root, "/old", {}).status == 302
        assert len(door.asked) == 1


def test_something_that_is_not_http_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            accepted, _ = server.accept()
            with accepted:
                accepted.recv(4096)
                accepted.sendall(b"SSH-2.0-x\r\n")

        greeting = threading.Thread(target=greet)
        greeting.start()
        with pytest.raises(Unreachable):
            ask(f"http://127.0.0.1:{server.getsockname()[1]}", "/v1/models", {})
        greeting.join()


def test_an_answer_that_does_not_come_is_lost_and_one_that_was_not_asked_for_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        root = f"http://127.0.0.1:{listening.getsockname()[1]}"

        def hang_up() -> None:
            asked, _ = listening.accept()
            asked.recv(65_536)
            asked.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(AnswerLost):
            ask(root, "/x", {})
        thread.join()
    with pytest.raises(Unreachable) as refused:
        ask(root, "/x", {})
    assert not isinstance(refused.value, AnswerLost)
