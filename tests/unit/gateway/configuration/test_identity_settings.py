"""What was written about identity is built into settings that nothing has to be asked of twice."""

from pathlib import Path

from gateway.configuration.build import load
from gateway.configuration.identity_settings import NOBODY_ELSE
from gateway.oidc.asking import check_address
from tests.fakes.configurations import ENVIRON, GOOD, SHIPPED, write
from tests.fakes.identities import PROVIDER, WITH_IDENTITY

ISSUER = "https://idp.example/realms/acme"


def settings(folder: Path, text: str = WITH_IDENTITY):
    return load(write(folder, text), ENVIRON, SHIPPED).identity


def test_without_the_section_nobody_else_is_known(tmp_path):
    assert settings(tmp_path, GOOD) == NOBODY_ELSE


def test_a_provider_is_built_as_it_was_written(tmp_path):
    provider = settings(tmp_path).providers[ISSUER]
    assert provider.audiences == {"gatehouse"}
    assert provider.parties == {"gatehouse", "gatehouse-cli"}
    assert provider.hosts == {"idp.example"}
    assert provider.teams == (("eng-web", "web"), ("eng-pay", "payments"))
    assert provider.roles["audit"] == {"auditor", "finance"}
    assert provider.algorithms >= {"RS256", "ES256", "Ed25519"}


def test_an_issuer_that_is_written_in_capitals_may_be_asked(tmp_path):
    """Its name is compared letter by letter with what tokens have, its host as hosts are."""
    text = WITH_IDENTITY.replace("https://idp.example/", "https://IdP.Example/")
    provider = settings(tmp_path, text).providers[ISSUER.replace("idp.example", "IdP.Example")]
    check_address(provider.issuer + "/keys", provider)
    check_address("https://idp.example/keys", provider)


def test_each_providers_subjects_are_kept_from_the_others(tmp_path):
    providers = settings(tmp_path).providers
    assert providers[ISSUER].subject_prefix == ""
    assert providers[ISSUER].foreign_prefixes == ("ci:",)
    assert providers["https://ci.example"].foreign_prefixes == ()


def test_the_same_words_make_the_same_settings(tmp_path):
    assert settings(tmp_path) == settings(tmp_path, WITH_IDENTITY + "# a remark\n")
    assert settings(tmp_path) != settings(tmp_path, GOOD + PROVIDER.replace("eng-pay", "pay"))
