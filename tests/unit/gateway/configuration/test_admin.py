"""Where the admin API listens is written plainly, and nowhere is a place, too."""

import pytest
from pydantic import ValidationError

from gateway.configuration.admin import DEFAULT_ADMIN, AdminDocument, AdminSettings


def settings(**written: object) -> AdminSettings:
    return AdminDocument.model_validate(written).settings()


def test_it_listens_on_this_machine_unless_something_else_is_said() -> None:
    assert settings() == DEFAULT_ADMIN == AdminSettings("127.0.0.1", 7071, may_move=True)
    assert not settings(listen="127.0.0.1:7071").may_move


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        ("0.0.0.0:80", "0.0.0.0", 80),
        ("[::1]:7071", "::1", 7071),
        ("[::]:0", "::", 0),
        ("localhost:7071", "localhost", 7071),
        ("admin.internal:65535", "admin.internal", 65535),
    ],
)
def test_an_address_has_a_host_and_a_port(listen: str, host: str, port: int) -> None:
    assert settings(listen=listen) == AdminSettings(host, port)


@pytest.mark.parametrize("off", ["off", False])
def test_it_can_be_switched_off(off: object) -> None:
    assert settings(listen=off).host is None


@pytest.mark.parametrize(
    "listen",
    [
        "",
        "7071",
        ":7071",
        "127.0.0.1",
        "::1:7071",
        "[127.0.0.1]:1",
        "a b:1",
        "h:65536",
        "h:x",
        True,
    ],
)
def test_what_is_no_address_is_refused(listen: object) -> None:
    with pytest.raises(ValidationError):
        settings(listen=listen)


def test_hosts_are_names_in_lower_case_without_a_port() -> None:
    assert settings(hosts=("Gate.Example.com",)).hosts == {"gate.example.com"}
    for wrong in ("gate:443", "http://gate", "*", ""):
        with pytest.raises(ValidationError, match="without a port"):
            settings(hosts=(wrong,))
