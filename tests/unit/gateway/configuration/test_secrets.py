"""A key is taken from the text or from a file; what cannot be a key is refused unseen."""

import os
import traceback

import pytest

from gateway.configuration.secrets import UnusableSecret, resolve, secret_file
from providers.base import Secret


def why_not(secret: str, folder) -> str:
    with pytest.raises(UnusableSecret) as caught:
        resolve(Secret(secret), folder)
    shown = "".join(traceback.format_exception(caught.value))
    assert "canary" not in shown.replace(str(folder), "")
    return str(caught.value)


def test_a_key_in_the_text_is_the_key(tmp_path):
    assert resolve(Secret("sk-canary"), tmp_path) == Secret("sk-canary")
    assert secret_file(Secret("sk-canary"), tmp_path) is None


@pytest.mark.parametrize("content", [b"sk-canary", b"sk-canary\n", b"\r\n sk-canary \r\n"])
def test_a_file_holds_the_key_and_perhaps_a_line_end(tmp_path, content):
    (tmp_path / "key").write_bytes(content)
    assert resolve(Secret("file:key"), tmp_path) == Secret("sk-canary")


def test_a_file_is_found_beside_the_configuration_or_where_its_path_says(tmp_path):
    assert secret_file(Secret("file:keys/a"), tmp_path) == tmp_path / "keys" / "a"
    assert str(secret_file(Secret("file:/run/secrets/a"), tmp_path)) == "/run/secrets/a"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"sk-canary\nsk-canary-2", "without spaces, and on one line"),
        (b"sk canary", "without spaces"),
        (b"sk-canary\x00", "printable ASCII"),
        (b"sk-c\xc3\xa4nary", "not plain ASCII"),
        (b"\xff\xfes\x00k\x00", "not plain ASCII"),
        (b"canary" * 3_000, "that is no secret"),
        (b"canary" * 1_000_000, "that is no secret"),
    ],
)
def test_what_is_no_key_is_refused_unseen(tmp_path, content, why):
    (tmp_path / "key").write_bytes(content)
    assert why in why_not("file:key", tmp_path)


@pytest.mark.parametrize("secret", ["sk canary", "sk-canary\n", "sk-canary\r\nx-evil: 1", "cänary"])
def test_a_key_that_no_header_could_carry_is_refused_unseen(tmp_path, secret):
    assert "printable ASCII" in why_not(secret, tmp_path)


@pytest.mark.parametrize("name", ["none", ".", "pipe", "a\x00b"])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    assert "cannot be read" in why_not(f"file:{name}", tmp_path)
