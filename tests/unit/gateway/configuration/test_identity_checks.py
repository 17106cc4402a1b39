"""Mistakes in the section `identity`, each refused with its line and what to do."""

from pathlib import Path

import pytest

from gateway.configuration.build import load
from gateway.configuration.problems import ConfigurationError
from tests.fakes.configurations import CANARIES, ENVIRON, GOOD, SHIPPED, write
from tests.fakes.identities import FIRST_LINE, PROVIDER, WITH_IDENTITY

CI = 'services: { "repo:acme/web:*": web }'


def changed(before: str, after: str) -> str:
    assert before in PROVIDER
    return GOOD + PROVIDER.replace(before, after, 1)


# what is wrong: (the file, its line below `identity:`, words the error must hold)
BAD = {
    "a team that is not there": (changed("eng-web: web", "eng-web: wep"), 5, "did you mean `web`?"),
    "a default team that is not there": (
        changed("      roles:", "      default_team: all\n      roles:"),
        6,
        "names a team that is not under teams: all",
    ),
    "a service's team that is not there": (changed(CI, CI.replace(": web", ": wep")), 10, "`web`"),
    "a role that is not there": (changed("[security]", "[root]"), 6, "must be one of 'admin'"),
    "roles that stay apart": (changed("finance]", "platform]"), 6, "would audit oneself"),
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
    "nobody let in": (changed(f"      {CI}\n", ""), 7, "lets nobody in"),
    "an issuer twice": (
        changed("https://ci.example", "https://idp.example/realms/acme"),
        7,
        "is here twice",
    ),
    "subjects that could not be told apart": (
        changed('      subject_prefix: "ci:"\n', ""),
        7,
        "give one of them a subject_prefix",
    ),
    "an issuer without TLS": (changed("https://ci.example", "http://ci.example"), 7, "https://"),
    "an unknown field": (changed("      teams:", "      team:"), 5, "did you mean `teams`?"),
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


def test_nothing_is_remarked_on_what_is_right(tmp_path: Path) -> None:
    notices = load(write(tmp_path, WITH_IDENTITY), ENVIRON, SHIPPED).notices
    assert not [each for each in notices if "identity" in each]
