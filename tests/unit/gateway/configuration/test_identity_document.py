"""The types of the section `identity`: issuers exactly as written, algorithms from a list."""

from typing import get_args

import pytest
from pydantic import ValidationError

from gateway.configuration.identity_document import (
    AlgorithmLabel,
    LoginDocument,
    ProviderDocument,
    RoleLabel,
)
from gateway.roles import Role


def provider(**fields: object) -> ProviderDocument:
    return ProviderDocument.model_validate({"issuer": "https://idp.example", **fields})


@pytest.mark.parametrize(
    "issuer",
    [
        "https://idp.example",
        "https://idp.example/",
        "https://idp.example:8443/realms/acme",
        "http://127.0.0.1:8080/",
        "http://localhost/x",
        "http://[::1]:1",
    ],
)
def test_an_issuer_is_kept_to_the_letter(issuer):
    assert provider(issuer=issuer).issuer == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "idp.example",
        "http://idp.example",
        "http://10.0.0.1",
        "https://",
        "https://idp.example?x=1",
        "https://idp.example#x",
        "https://u:p@idp.example",
        "https://idp.example /",
        "https://\u0456dp.example",
        "https://idp.example:0",
        "https://[::1",
        "ftp://idp.example",
    ],
)
def test_what_is_no_issuer_is_refused(issuer):
    with pytest.raises(ValidationError, match="an issuer"):
        provider(issuer=issuer)


def test_every_role_can_be_given_by_a_group():
    assert set(get_args(RoleLabel)) == {role.value for role in Role}


def test_no_algorithm_without_a_public_key_can_be_written():
    assert not {each for each in get_args(AlgorithmLabel) if each.startswith(("HS", "none"))}
    for wrong in (["none"], ["HS256"], ["RS256", "rs256"], []):
        with pytest.raises(ValidationError):
            provider(algorithms=tuple(wrong))


def test_one_audience_may_be_written_without_a_list():
    assert provider(audience="a").audience == ("a",)
    assert provider(audience=("a", "b")).audience == ("a", "b")


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("audience", 7),
        ("clock_skew_seconds", 61),
        ("clock_skew_seconds", -1),
        ("max_token_age_seconds", 59),
        ("hosts", ("https://keys.example",)),
        ("hosts", ("keys.example/x",)),
        ("hosts", ("Keys.example",)),
        ("hosts", ("keys.example:0",)),
        ("subject_prefix", "ci"),
        ("subject_prefix", ":"),
        ("subject_prefix", "CI:"),
        ("subject_claim", " sub"),
        ("groups_claim", "a\nb"),
        ("roles", {"sec": ("root",)}),
        ("teams", {"": "web"}),
        ("client_secret", ""),
        ("scopes", ()),
    ],
)
def test_what_cannot_be_meant_is_refused(field, wrong):
    with pytest.raises(ValidationError):
        provider(**{field: wrong})


def test_hosts_may_have_a_port():
    assert provider(hosts=("keys.example", "keys.example:8443")).hosts[1] == "keys.example:8443"


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("access_token_seconds", 899),
        ("access_token_seconds", 3601),
        ("session_hours", 0),
        ("recheck_seconds", 9),
        ("outage_minutes", -1),
    ],
)
def test_a_sign_in_holds_for_a_bounded_time(field, wrong):
    with pytest.raises(ValidationError):
        LoginDocument.model_validate({"url": "https://gatehouse.example", field: wrong})


def test_by_default_a_leavers_session_ends_within_a_minute():
    assert LoginDocument(url="https://gatehouse.example").recheck_seconds < 50
