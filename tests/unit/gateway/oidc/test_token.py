"""A token is read before it is believed, and believed only for the times and audience it names."""

import pytest

from gateway.oidc.refused import Cause, TokenRefused
from gateway.oidc.token import (
    check_audience,
    check_head,
    check_times,
    is_logout_token,
    read_head,
    verified_claims,
)
from tests.fakes.issuer import (
    ed25519,
    encoded,
    es256,
    rsa,
    signed,
    signed_with_the_public_key,
    unsigned,
)
from tests.fakes.providers import a_provider

CLAIMS = {"iss": "https://idp.example", "sub": "ada"}
KEY = ed25519()
NOW = 1_795_000_000
OURS, PARTIES = frozenset({"gatehouse"}), frozenset({"gatehouse", "cli"})


def cause_of(refuse: object, *given: object) -> Cause:
    with pytest.raises(TokenRefused) as refused:
        refuse(*given)  # type: ignore[operator]
    assert refused.value.reason
    return refused.value.cause


def test_a_head_says_issuer_algorithm_and_key():
    head = read_head(signed(CLAIMS, KEY))
    assert (head.issuer, head.algorithm, head.key_id) == (CLAIMS["iss"], "Ed25519", "ed-1")
    assert head.type == "jwt"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "eyJ",
        "eyJhbGci.eyJpc3Mi",
        "a.b.c.d.e",
        "eyJhbGciOiJ.ey J.x",
        f"{encoded('text')}.{encoded(CLAIMS)}.AAAA",
        f"{encoded([1])}.{encoded(CLAIMS)}.AAAA",
        f"{encoded({'alg': 7})}.{encoded(CLAIMS)}.AAAA",
        f"{encoded({'alg': 'RS256'})}.{encoded(b'not json')}.AAAA",
        f"{encoded({'alg': 'RS256', 'kid': 7})}.{encoded(CLAIMS)}.AAAA",
        f"{encoded({'alg': 'RS256', 'kid': 'k' * 300})}.{encoded(CLAIMS)}.AAAA",
        f"{encoded({'alg': 'RS256', 'crit': ['x'], 'x': 1})}.{encoded(CLAIMS)}.AAAA",
        f"{encoded({'alg': 'RS256', 'b64': False})}.{encoded(CLAIMS)}.AAAA",
        f"{encoded({'alg': 'RS256'})}.{encoded(b'[' * 3000)}.AAAA",
        f"{encoded({'alg': 'RS256'})}.{encoded(CLAIMS)}.{'A' * 2000}",
    ],
)
def test_what_is_no_signed_token_is_refused_unread(token):
    assert cause_of(read_head, token) is Cause.MALFORMED


def test_a_token_without_an_issuer_is_nobodys():
    assert cause_of(read_head, signed({"sub": "ada"}, KEY)) is Cause.UNKNOWN_ISSUER


def test_a_token_that_is_too_long_is_told_as_one():
    assert cause_of(read_head, signed({**CLAIMS, "pad": "x" * 9000}, KEY)) is Cause.TOO_LONG


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS1", "rs256", "ES512"])
def test_an_algorithm_that_is_not_listed_is_refused_before_any_key_is_looked_for(algorithm):
    head = read_head(signed(CLAIMS, KEY, alg=algorithm))
    assert cause_of(check_head, head, a_provider()) is Cause.ALGORITHM


@pytest.mark.parametrize(
    ("algorithm", "named"),
    [("RS512", "RS512"), ("none", "none"), ("RS1\nroot", "one that is not known here")],
)
def test_an_algorithm_that_is_not_listed_is_named_if_it_is_one(algorithm, named):
    with pytest.raises(TokenRefused) as caught:
        check_head(read_head(signed(CLAIMS, KEY, alg=algorithm)), a_provider())
    assert caught.value.reason.startswith(f"its algorithm, {named}, is not among")


def test_a_token_without_a_signature_is_refused():
    assert cause_of(check_head, read_head(unsigned(CLAIMS)), a_provider()) is Cause.ALGORITHM


@pytest.mark.parametrize("kind", ["logout+jwt", "secevent+jwt", "dpop+jwt"])
def test_a_token_of_another_type_is_refused(kind):
    head = read_head(signed(CLAIMS, KEY, typ=kind))
    assert cause_of(check_head, head, a_provider()) is Cause.WRONG_TYPE


@pytest.mark.parametrize("kind", [None, "JWT", "at+jwt", "at+JWT"])
def test_an_access_token_may_be_called_so(kind):
    check_head(read_head(signed(CLAIMS, KEY, typ=kind)), a_provider())


@pytest.mark.parametrize("key", [rsa(), es256(), ed25519()])
def test_claims_are_those_under_a_signature_that_holds(key):
    token = signed(CLAIMS, key)
    assert verified_claims(token, read_head(token).algorithm, key) == CLAIMS


def test_the_older_name_of_ed25519_is_taken_too():
    token = signed(CLAIMS, KEY, alg="EdDSA")
    assert verified_claims(token, "EdDSA", KEY) == CLAIMS


def test_a_signature_of_another_key_does_not_hold():
    token = signed(CLAIMS, rsa())
    assert cause_of(verified_claims, token, "RS256", rsa()) is Cause.BAD_SIGNATURE


def test_claims_changed_after_signing_do_not_hold():
    head, _, signature = signed(CLAIMS, KEY).split(".")
    forged = f"{head}.{encoded({**CLAIMS, 'sub': 'root'})}.{signature}"
    assert cause_of(verified_claims, forged, "Ed25519", KEY) is Cause.BAD_SIGNATURE


def test_a_public_key_is_no_shared_secret():
    key = rsa()
    token = signed_with_the_public_key(CLAIMS, key)
    assert cause_of(check_head, read_head(token), a_provider()) is Cause.ALGORITHM
    assert cause_of(verified_claims, token, "RS256", key) is Cause.BAD_SIGNATURE


def test_a_key_that_the_token_brings_along_is_not_looked_at():
    own = rsa("mine")
    token = signed(CLAIMS, own, jwk=own.as_dict(private=False), jku="https://evil.example/jwks")
    assert cause_of(verified_claims, token, "RS256", rsa("mine")) is Cause.BAD_SIGNATURE


def test_a_certificate_in_the_header_makes_it_long_and_nothing_else():
    token = signed(CLAIMS, KEY, x5c=["A" * 1500])
    assert verified_claims(token, "Ed25519", KEY) == CLAIMS


def times(**claims: object) -> dict[str, object]:
    return {"exp": NOW + 600, "iat": NOW - 5, **claims}


def test_a_token_holds_until_its_end_and_the_clocks_difference():
    assert check_times(times(), a_provider(), NOW).until == NOW + 630
    assert check_times(times(exp=NOW - 29), a_provider(), NOW).until == NOW + 1


@pytest.mark.parametrize("claims", [times(exp=NOW - 30), times(exp=NOW - 3600), {"iat": NOW}])
def test_an_expired_token_or_one_without_an_end_is_refused(claims):
    assert cause_of(check_times, claims, a_provider(), NOW) is Cause.EXPIRED


@pytest.mark.parametrize("claims", [times(nbf=NOW + 31), times(iat=NOW + 31)])
def test_a_token_of_the_future_is_refused(claims):
    assert cause_of(check_times, claims, a_provider(), NOW) is Cause.NOT_YET_VALID


@pytest.mark.parametrize("claims", [times(nbf=NOW + 30), times(iat=NOW + 30)])
def test_clocks_may_differ_a_little(claims):
    assert check_times(claims, a_provider(), NOW).until


@pytest.mark.parametrize("wrong", ["soon", True, [1], 1e300, -(2**60)])
def test_what_is_no_time_is_refused(wrong):
    assert cause_of(check_times, times(exp=wrong), a_provider(), NOW) is Cause.WRONG_CLAIM
    assert cause_of(check_times, times(nbf=wrong), a_provider(), NOW) is Cause.WRONG_CLAIM


def test_a_token_may_be_too_old_though_it_holds():
    provider = a_provider(max_token_age_seconds=300)
    assert check_times(times(exp=NOW + 9000), provider, NOW).until == NOW - 5 + 330
    old = times(iat=NOW - 330, exp=NOW + 9000)
    assert cause_of(check_times, old, provider, NOW) is Cause.TOO_OLD
    assert cause_of(check_times, {"exp": NOW + 9000}, provider, NOW) is Cause.TOO_OLD


@pytest.mark.parametrize("audience", ["gatehouse", ["other", "gatehouse"]])
def test_a_token_is_for_us_when_it_names_us(audience):
    check_audience({"aud": audience}, OURS, PARTIES)


@pytest.mark.parametrize(
    "audience",
    [None, "", "gatehous", "gatehouse2", "Gatehouse", ["other"], [["gatehouse"]], {"a": 1}],
)
def test_a_token_for_another_audience_is_refused(audience):
    assert cause_of(check_audience, {"aud": audience}, OURS, PARTIES) is Cause.WRONG_AUDIENCE


def test_a_token_made_for_a_client_that_nobody_named_is_refused():
    check_audience({"aud": "gatehouse", "azp": "cli"}, OURS, PARTIES)
    for party in ("wiki", ["cli"], {"cli": 1}, None):
        claims = {"aud": ["gatehouse", "wiki"], "azp": party}
        assert cause_of(check_audience, claims, OURS, PARTIES) is Cause.WRONG_PARTY


def test_a_logout_token_is_told_by_its_event():
    event = {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert is_logout_token({"events": event})
    assert not is_logout_token({"events": []})
    assert not is_logout_token(CLAIMS)
