"""Tokens lie in one file that only its owner reads, by gateway; a lock keeps two from renewing."""

import threading
from pathlib import Path

import pytest

from gateway.cli.exits import CommandFailed
from gateway.cli.signed_in import Kept, SessionFile, SignedIn

HERE, THERE = "https://here.example", "https://there.example"


def a_session(server: str = HERE, token: str = "gts_a") -> SignedIn:
    return SignedIn(server, "ada", "ses_a", 1_800_000_000, token, "gtr_a")


@pytest.fixture
def file(tmp_path: Path) -> SessionFile:
    return SessionFile({"XDG_CONFIG_HOME": str(tmp_path)})


def test_what_is_kept_is_read_again_and_its_owners_only(file: SessionFile, tmp_path: Path) -> None:
    assert file.read() == Kept({})
    kept = Kept({}).with_one(a_session())
    file.write(kept)
    assert file.read() == kept
    assert file.path == tmp_path / "gatehouse" / "sessions.json"
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.path.parent.stat().st_mode & 0o077 == 0


def test_a_file_that_others_can_read_is_refused_with_what_to_do(file: SessionFile) -> None:
    file.write(Kept({}).with_one(a_session()))
    file.path.chmod(0o644)
    with pytest.raises(CommandFailed, match="chmod 600"):
        file.read()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"default": null, "sessions": [{"a": 1}]}'])
def test_a_file_that_is_none_is_refused_with_what_to_do(file: SessionFile, text: str) -> None:
    file.write(Kept({}))
    file.path.write_text(text)
    with pytest.raises(CommandFailed, match="remove it and sign in again"):
        file.read()


def test_where_one_signed_in_last_is_meant_when_nothing_is_named() -> None:
    kept = Kept({}).with_one(a_session(HERE)).with_one(a_session(THERE))
    assert kept.of(None).server == THERE
    assert kept.of(HERE).server == HERE
    left = kept.without(THERE)
    assert left.of(None).server == HERE
    with pytest.raises(CommandFailed, match=f"gatehouse login --server {THERE}"):
        left.of(THERE)
    with pytest.raises(CommandFailed, match="nobody is signed in: gatehouse login"):
        left.without(HERE).of(None)


def test_newer_tokens_do_not_change_which_gateway_is_meant() -> None:
    kept = Kept({}).with_one(a_session(HERE)).with_one(a_session(THERE))
    newer = kept.refreshed(a_session(HERE, "gts_b"))
    assert newer.of(HERE).access_token == "gts_b"
    assert newer.default == THERE


def test_no_print_shows_a_token() -> None:
    assert "gts_" not in repr(a_session())
    assert "gtr_" not in repr(a_session())


def test_one_at_a_time_holds_the_lock(file: SessionFile) -> None:
    order: list[str] = []

    def second() -> None:
        with SessionFile({"XDG_CONFIG_HOME": str(file.path.parent.parent)}).locked():
            order.append("second")

    with file.locked():
        other = threading.Thread(target=second)
        other.start()
        other.join(0.05)
        order.append("first")
    other.join(60)
    assert order == ["first", "second"]
