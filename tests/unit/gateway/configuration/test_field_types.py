"""What an address and a secret may be, wherever they are written."""

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.configuration.field_types import Address, SecretText
from providers.base import Secret

ADDRESS: TypeAdapter[str] = TypeAdapter(Address)
SECRET: TypeAdapter[Secret] = TypeAdapter(SecretText)


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("http://h", "http://h"),
        ("https://h:8443/v1/", "https://h:8443/v1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://10.0.0.1///", "http://10.0.0.1"),
    ],
)
def test_an_address_is_taken_without_its_last_slash(written, taken):
    assert ADDRESS.validate_python(written) == taken


@pytest.mark.parametrize(
    "address",
    [
        "",
        "h:8000",
        "ftp://h",
        "http://",
        "http:///v1",
        "http://h:0",
        "http://h:99999",
        "http://h:x",
        "http://h/?key=1",
        "http://h/#x",
        "http://u@h",
        "http://u:p@h",
        "http://h\\@evil",
        "http://h\r\nx: 1",
        "http://h /v1",
        "http://h\u0435",
        "http://[::1",
        "javascript://h",
    ],
)
def test_what_is_no_plain_address_is_refused(address):
    with pytest.raises(ValidationError, match="an address"):
        ADDRESS.validate_python(address)


def test_a_key_prints_as_nothing_anybody_could_use():
    secret = SECRET.validate_python("sk-canary")
    assert secret == Secret("sk-canary")
    assert "canary" not in f"{secret!r} {secret}"


@pytest.mark.parametrize("key", ["", 7, True, ["sk-canary"]])
def test_a_key_that_is_no_text_is_refused(key):
    with pytest.raises(ValidationError):
        SECRET.validate_python(key)
