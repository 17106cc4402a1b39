"""A command asks an admin API elsewhere: with a key from the environment, in clear words."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.server import (
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    URL_VARIABLE,
    AdminServer,
    own_key,
    part_of_path,
    server_for,
)


class Scripted(HTTPServer):
    """Answers what the test says, in order, and keeps what was asked; None cuts the line."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any] | None] = []
        self.asked: list[tuple[str, str, str | None, Any]] = []
        super().__init__(("127.0.0.1", 0), Answering)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answering(BaseHTTPRequestHandler):
    server: Scripted

    def do_GET(self) -> None:
        self.answer(None)

    def do_POST(self) -> None:
        self.answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

    def answer(self, body: Any) -> None:
        self.server.asked.append((self.command, self.path, self.headers["authorization"], body))
        answer = self.server.answers.pop(0)
        if answer is None:
            self.close_connection = True
            return
        status, told = answer
        sent = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    server = Scripted()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)


def problem(code: str, detail: str = "what to do") -> dict[str, str]:
    return {"code": code, "detail": detail}


def test_it_asks_below_its_path_with_its_key(scripted: Scripted) -> None:
    scripted.answers = [(200, {"a": 1}), (201, {"b": 2})]
    server = AdminServer(scripted.url, "gth_x")
    assert server.get("/usage", by="team", user=None) == {"a": 1}
    assert server.post("/keys", {"user": "ann"}) == {"b": 2}
    assert scripted.asked == [
        ("GET", "/admin/v1/usage?by=team", "Bearer gth_x", None),
        ("POST", "/admin/v1/keys", "Bearer gth_x", {"user": "ann"}),
    ]


def test_all_pages_are_asked_for(scripted: Scripted) -> None:
    scripted.answers = [(200, {"next_cursor": "abc"}), (200, {"next_cursor": None})]
    assert len(list(AdminServer(scripted.url, "k").pages("/keys", team="web"))) == 2
    assert [path for _, path, _, _ in scripted.asked] == [
        "/admin/v1/keys?limit=1000&team=web",
        "/admin/v1/keys?limit=1000&cursor=abc&team=web",
    ]


def test_it_waits_while_the_ledger_is_summed(
    scripted: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted.answers = [(503, problem("usage_behind"))] * 3 + [(200, {"a": 1})]
    slept: list[float] = []
    assert AdminServer(scripted.url, "k", slept.append).get("/usage") == {"a": 1}
    assert slept == [5.0] * 3
    assert capsys.readouterr().err.count("sums its ledger") == 1


@pytest.mark.parametrize(
    ("status", "code", "ends"),
    [
        (401, "not_authenticated", Exit.FAILED),
        (403, "permission_missing", Exit.FAILED),
        (404, "unknown_key", Exit.NOT_FOUND),
        (409, "key_cannot_be_replaced", Exit.FAILED),
        (422, "invalid_request", Exit.USAGE),
        (422, "unknown_name", Exit.NOT_FOUND),
        (503, "database_unavailable", Exit.FAILED),
    ],
)
def test_a_problem_is_told_in_its_words(
    scripted: Scripted, status: int, code: str, ends: Exit
) -> None:
    scripted.answers = [(status, problem(code))]
    with pytest.raises(CommandFailed, match="what to do") as failed:
        AdminServer(scripted.url, "k").get("/keys")
    assert failed.value.code is ends


@pytest.mark.parametrize(
    ("status", "body"), [(404, {"error": {"message": "x"}}), (200, b"<html>"), (200, b"[]")]
)
def test_what_is_no_admin_api_is_said(scripted: Scripted, status: int, body: Any) -> None:
    scripted.answers = [(status, body)]
    with pytest.raises(CommandFailed, match=r"no admin API.*7071"):
        AdminServer(scripted.url, "k").get("/keys")


def test_where_nobody_answers_is_said() -> None:
    with pytest.raises(CommandFailed, match="no admin API answers at"):
        AdminServer("http://127.0.0.1:9", "k").get("/keys")


def test_without_an_address_the_data_folder_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    assert server_for(None, None) is None
    monkeypatch.setenv(URL_VARIABLE, "http://127.0.0.1:7071")
    assert server_for(None, Path("data")) is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:7071", "http://127.0.0.1:7071/", "http://127.0.0.1:7071/admin/v1/"]
)
def test_an_address_is_named_or_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "gth_x")
    named = server_for(url, None)
    monkeypatch.setenv(URL_VARIABLE, url)
    assert named == server_for(None, None)
    assert named is not None
    assert (named.root, named.key) == ("http://127.0.0.1:7071", "gth_x")
    assert "gth_x" not in repr(named)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("url", "key", "told"),
    [
        ("http://127.0.0.1:7071", None, "with: set GATEHOUSE_ADMIN_KEY"),
        ("http://127.0.0.1:7071", "a\u00fcb", "holds no key"),
        ("gateway:7071", "k", "is no address"),
    ],
)
def test_what_cannot_be_asked_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, url: str, key: str | None, told: str
) -> None:
    if key is not None:
        monkeypatch.setenv(KEY_VARIABLE, key)
    with pytest.raises(CommandFailed, match=told) as failed:
        server_for(url, None)
    assert failed.value.code is Exit.USAGE


def test_a_server_and_a_data_folder_are_two_things() -> None:
    with pytest.raises(CommandFailed, match="one of --server and --data"):
        server_for("http://127.0.0.1:7071", Path("data"))


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://gateway.example:7071", True),
        ("http://10.0.0.8:7071", True),
        ("https://gateway.example", False),
        ("http://localhost:7071", False),
        ("http://[::1]:7071", False),
    ],
)
def test_a_key_in_clear_text_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, warned: bool
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "gth_x")
    server_for(url, None)
    assert ("clear text" in capsys.readouterr().err) is warned


def test_a_busy_gateway_is_asked_again(scripted: Scripted) -> None:
    scripted.answers = [(503, problem("busy")), (503, problem("busy")), (200, {"a": 1})]
    slept: list[float] = []
    assert AdminServer(scripted.url, "k", slept.append).get("/keys") == {"a": 1}
    assert slept == [1.0, 1.0]
    scripted.answers = [(503, problem("busy"))] * 6
    with pytest.raises(CommandFailed, match="what to do"):
        AdminServer(scripted.url, "k", slept.append).get("/keys")


def test_a_lost_answer_is_asked_for_again_where_that_does_no_harm(scripted: Scripted) -> None:
    scripted.answers = [None, (200, {"a": 1}), None, (200, {"b": 1})]
    server = AdminServer(scripted.url, "k")
    assert server.get("/keys") == {"a": 1}
    assert server.post("/subjects/block", {"user": "ann"}) == {"b": 1}
    assert len(scripted.asked) == 4


def test_where_twice_would_do_harm_it_is_said_how_to_look(scripted: Scripted) -> None:
    scripted.answers = [None]
    with pytest.raises(CommandFailed, match="look at the list"):
        AdminServer(scripted.url, "k").post("/keys/key_a/rotate", {}, lost="look at the list")
    assert len(scripted.asked) == 1


@pytest.mark.parametrize("code", ["unknown_path", "method_not_allowed"])
def test_what_another_version_does_not_know_is_said(scripted: Scripted, code: str) -> None:
    scripted.answers = [(404, problem(code))]
    with pytest.raises(CommandFailed, match="of another version") as failed:
        AdminServer(scripted.url, "k").get("/novel")
    assert failed.value.code is Exit.FAILED
    server = AdminServer(scripted.url, "k")
    with pytest.raises(CommandFailed, match="of another version"), server.understood():
        raise KeyError("next_cursor")


def test_a_refused_key_is_said_to_be_the_environments(scripted: Scripted) -> None:
    scripted.answers = [(401, problem("not_authenticated"))]
    with pytest.raises(CommandFailed, match="the key is that of GATEHOUSE_ADMIN_KEY"):
        AdminServer(scripted.url, "k").get("/keys")


def test_the_key_may_be_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "key"
    file.write_text("gth_file\n")
    file.chmod(0o600)
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(file))
    assert own_key() == "gth_file"
    assert capsys.readouterr().err == ""
    file.chmod(0o644)
    assert own_key() == "gth_file"
    assert "chmod 600" in capsys.readouterr().err
    monkeypatch.setenv(KEY_VARIABLE, "gth_variable")
    assert own_key() == "gth_variable"


@pytest.mark.parametrize("text", [None, "", "two words"])
def test_a_file_without_a_key_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    file = tmp_path / "key"
    if text is not None:
        file.write_text(text)
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(file))
    with pytest.raises(CommandFailed, match=r"cannot be read|holds no key") as failed:
        own_key()
    assert failed.value.code is Exit.USAGE


def test_what_is_no_id_does_not_get_into_a_path() -> None:
    assert part_of_path("key_a-1", "key") == "key_a-1"
    with pytest.raises(CommandFailed, match=r"there is no key '\.\./status'") as failed:
        part_of_path("../status", "key")
    assert failed.value.code is Exit.NOT_FOUND
