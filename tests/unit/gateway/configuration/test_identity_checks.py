"""Mistakes in the section `identity`, each refused with its line and what to do."""

from pathlib import Path

import pytest

from gateway.configuration.build import load
from gateway.configuration.problems import ConfigurationError
from tests.fakes.configurations import CANARIES, ENVIRON, GOOD, SHIPPED, write
from tests.fakes.identities import FIRST_LINE, PROVIDER, WITH_IDENTITY

LOGIN = "{ url: https://gatehouse.example }"
CI = 'services: { "repo:acme/web:*": web }'


def changed(before: str, after: str) -> str:
    assert before in PROVIDER
    return GOOD + PROVIDER.replace(before, after, 1)


# what is wrong: (the file, its line below `identity:`, words the error must hold)
BAD = {
    "a team that is not there": (changed("eng-web: web", "eng-web: wep"), 6, "did you mean `web`?"),
    "a default team that is not there": (
        changed("      roles:", "      default_team: all\n      roles:"),
        7,
        "names a team that is not under teams: all",
    ),
    "a service's team that is not there": (changed(CI, CI.replace(": web", ": wep")), 11, "`web`"),
    "a role that is not there": (changed("[security]", "[root]"), 7, "must be one of 'admin'"),
    "roles that stay apart": (changed("finance]", "platform]"), 7, "would audit oneself"),
    "an algorithm that is none": (
        changed("      audience: gatehouse\n", "      algorithms: [none]\n"),
        3,
        "must be one of 'RS256'",
    ),
    "a shared secret for an algorithm": (
        changed("      audience: gatehouse\n", "      algorithms: [HS256]\n"),
        3,
        "must be one of 'RS256'",
    ),
    "nobody let in": (changed(f"      {CI}\n", ""), 8, "lets nobody in"),
    "no audience and no client": (
        changed("      audience: [gatehouse, other]\n", ""),
        8,
        "needs an audience",
    ),
    "a secret without a client": (
        changed("      client_id: gatehouse-cli\n", "") ,
        4,
        "is the secret of no client",
    ),
    "a client that does not ask who it is": (
        changed("      teams:", "      scopes: [profile]\n      teams:"),
        6,
        "needs `openid`",
    ),
    "an empty secret": (changed("${WORD}", "${EMPTY}"), 5, "once ${EMPTY} is filled in"),
    "a missing secret file": (changed("${WORD}", "file:none-such"), 5, "No such file"),
    "an issuer twice": (
        changed("https://ci.example", "https://idp.example/realms/acme"),
        8,
        "is here twice",
    ),
    "subjects that could not be told apart": (
        changed('      subject_prefix: "ci:"\n', ""),
        8,
        "give one of them a subject_prefix",
    ),
    "an issuer without TLS": (changed("https://ci.example", "http://ci.example"), 8, "https://"),
    "a sign-in at nobody's": (
        changed(LOGIN, "{ url: https://gatehouse.example, issuer: https://idp.example }"),
        12,
        "names no issuer of identity.oidc",
    ),
    "a sign-in without a client": (
        changed("      client_id: gatehouse-cli\n      client_secret: ${WORD}\n", ""),
        10,
        "needs a provider with a client_id",
    ),
    "a sign-in at one of two": (
        changed('      subject_prefix: "ci:"', '      client_id: b\n      subject_prefix: "ci:"'),
        13,
        "say with issuer which one",
    ),
    "a sign-in without TLS": (
        changed("https://gatehouse.example", "http://gatehouse.example"),
        12,
        "over https:// only",
    ),
    "a sign-in without an address": (changed(LOGIN, "{ session_hours: 8 }"), 12, "is required"),
    "an unknown field": (changed("      teams:", "      team:"), 6, "did you mean `teams`?"),
    "an unknown section": (changed("  oidc:", "  oicd:"), 1, "did you mean `oidc`?"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_refused_with_its_line_and_words(tmp_path: Path, name: str) -> None:
    text, line, words = BAD[name]
    with pytest.raises(ConfigurationError) as caught:
        load(write(tmp_path, text), ENVIRON, SHIPPED)
    where = f"gatehouse.yaml:{FIRST_LINE + line}:"
    assert [each for each in caught.value.lines if where in each and words in each], str(
        caught.value
    )
    assert not [each for each in CANARIES if each in str(caught.value)]


def test_the_right_file_is_taken(tmp_path: Path) -> None:
    assert load(write(tmp_path, WITH_IDENTITY), ENVIRON, SHIPPED).identity.providers


@pytest.mark.parametrize("pattern", ["*", "repo:acme*", "repo:acme/web*:x"])
def test_a_star_right_after_a_name_is_remarked_on(tmp_path: Path, pattern: str) -> None:
    text = changed(CI, CI.replace("repo:acme/web:*", pattern))
    notices = load(write(tmp_path, text), ENVIRON, SHIPPED).notices
    assert [each for each in notices if f"service pattern {pattern} " in each]


def test_a_secret_in_the_file_itself_is_remarked_on(tmp_path: Path) -> None:
    text = changed("${WORD}", "sk-canary-5e1f")
    notices = load(write(tmp_path, text), ENVIRON, SHIPPED).notices
    (told,) = [each for each in notices if "client_secret" in each]
    assert told.startswith("identity.oidc.0.client_secret stands in the file itself")
    assert "canary" not in told


def test_nothing_is_remarked_on_what_is_right(tmp_path: Path) -> None:
    notices = load(write(tmp_path, WITH_IDENTITY), ENVIRON, SHIPPED).notices
    assert not [each for each in notices if "identity" in each]


@pytest.mark.parametrize(("seconds", "count"), [(45, 0), (46, 1)])
def test_a_recheck_that_breaks_the_promise_of_a_minute_is_remarked_on(
    tmp_path: Path, seconds: int, count: int
) -> None:
    login = f"{{ url: https://gatehouse.example, recheck_seconds: {seconds} }}"
    notices = load(write(tmp_path, changed(LOGIN, login)), ENVIRON, SHIPPED).notices
    assert len([each for each in notices if "more than a minute" in each]) == count
