"""Providers as a configuration makes them, for tests that need no file."""

from dataclasses import replace
from urllib.parse import urlsplit

from gateway.configuration.identity_settings import Client, IdentitySettings, Provider
from providers.base import Secret

ALGORITHMS = frozenset({"RS256", "ES256", "Ed25519", "EdDSA"})


def a_provider(issuer: str = "https://idp.example", **changed: object) -> Provider:
    provider = Provider(
        issuer=issuer,
        audiences=frozenset({"gatehouse"}),
        parties=frozenset({"gatehouse", "gatehouse-cli"}),
        client=Client("gatehouse-cli", Secret("client-secret"), ("openid",)),
        algorithms=ALGORITHMS,
        clock_skew_seconds=30,
        max_token_age_seconds=None,
        hosts=frozenset({urlsplit(issuer).netloc}),
        subject_claim="sub",
        require_verified_email=True,
        subject_prefix="",
        groups_claim="groups",
        teams=(("eng-web", "web"), ("eng-pay", "payments")),
        default_team=None,
        roles={"sec": frozenset({"security"}), "audit": frozenset({"auditor"})},
        services=(("repo:acme/web:*", "web"),),
    )
    return replace(provider, **changed)  # type: ignore[arg-type]  # what a test changes


def settings_of(*providers: Provider) -> IdentitySettings:
    return IdentitySettings({each.issuer: each for each in providers})
