"""What was written about identity is built into settings that nothing has to be asked of twice."""

from pathlib import Path

from gateway.configuration.build import load
from gateway.configuration.identity_settings import NOBODY_ELSE
from gateway.oidc.asking import check_address
from providers.base import Secret
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


def test_a_clients_secret_is_opened_and_not_shown(tmp_path):
    provider = settings(tmp_path).providers[ISSUER]
    assert provider.client is not None
    assert provider.client.secret == Secret(ENVIRON["WORD"])
    assert ENVIRON["WORD"] not in repr(settings(tmp_path))


def test_a_secret_in_a_file_is_watched(tmp_path):
    write(tmp_path, "from-a-file\n", "client")
    text = WITH_IDENTITY.replace("${WORD}", "file:client")
    configuration = load(write(tmp_path, text), ENVIRON, SHIPPED)
    client = configuration.identity.providers[ISSUER].client
    assert client is not None
    assert client.secret == Secret("from-a-file")
    assert tmp_path / "client" in configuration.watched


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


def test_people_sign_in_at_the_provider_that_has_a_client(tmp_path):
    login = settings(tmp_path).login
    assert login is not None
    assert (login.url, login.provider.issuer) == ("https://gatehouse.example", ISSUER)
    assert login.client.id == "gatehouse-cli"
    assert login.client.scopes == ("openid", "profile", "email", "offline_access")


def test_of_several_providers_with_a_client_one_is_named(tmp_path):
    text = WITH_IDENTITY.replace(
        "      subject_prefix:", "      client_id: other\n      subject_prefix:"
    ).replace(
        "{ url: https://gatehouse.example }",
        "{ url: https://gatehouse.example, issuer: https://ci.example }",
    )
    login = settings(tmp_path, text).login
    assert login is not None
    assert login.provider.issuer == "https://ci.example"


def test_the_same_words_make_the_same_settings(tmp_path):
    assert settings(tmp_path) == settings(tmp_path, WITH_IDENTITY + "# a remark\n")
    assert settings(tmp_path) != settings(tmp_path, GOOD + PROVIDER.replace("eng-pay", "pay"))
