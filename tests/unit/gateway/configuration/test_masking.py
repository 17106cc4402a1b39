"""What is kept of a file holds everything people wrote, but no key."""

from pathlib import Path

import pytest
import yaml

from gateway.configuration.document import GatehouseDocument
from gateway.configuration.masking import kept_text, marked_path, secrets_of
from gateway.configuration.reading import read_content, read_document
from policy.rulebook.document import RulebookDocument
from providers.base import Secret
from tests.fakes.configurations import ENVIRON, GOOD

CANARY = "sk-canary-literal-5e1f77"


def kept(text: str) -> str:
    return kept_text(read_content(text.encode(), Path("gatehouse.yaml"), ENVIRON))


def with_key(written: str) -> str:
    return GOOD.replace("${DEEPSEEK_API_KEY}", written)


@pytest.mark.parametrize("reference", ["${DEEPSEEK_API_KEY}", "file:/run/secrets/deepseek"])
def test_a_reference_is_kept_as_it_is_written(reference):
    assert kept(with_key(reference)) == with_key(reference)


@pytest.mark.parametrize(
    "written",
    [
        CANARY,
        f'"{CANARY}"',
        f"'{CANARY}'",
        f"{CANARY}   # of the old contract",
        f"&key {CANARY}",
        f"!!str {CANARY}",
        f"|-\n      {CANARY}",
        f">-\n      {CANARY}\n",
        f"${{WORD}}-{CANARY}",
        f"{CANARY}${{WORD}}",
    ],
)
def test_a_key_that_stands_in_the_file_is_not_kept_and_all_else_is(written):
    text = kept(with_key(written))
    assert CANARY not in text
    was, became = yaml.safe_load(with_key("x")), yaml.safe_load(text)
    assert became["vendors"]["deepseek"].pop("api_key") == "not-kept:vendors/deepseek/api_key"
    del was["vendors"]["deepseek"]["api_key"]
    assert became == was


def test_a_key_that_several_vendors_share_by_an_alias_is_not_kept():
    other = "  other: { kind: deepseek, api_key: *key }\nmodels:"
    text = kept(with_key(f"&key {CANARY}").replace("models:", other, 1))
    assert CANARY not in text
    vendors = yaml.safe_load(text)["vendors"]
    assert vendors["other"]["api_key"] == vendors["deepseek"]["api_key"]


@pytest.mark.parametrize(
    "comment",
    [
        f"# it was {CANARY} until May",
        "# api_key: sk-old-canary-1",
        "# key=sk-old-canary-1",
        "# the old token sk-old-canary-1, do not use",
        "# Authorization: Bearer sk-old-canary-1",
        "# 4f9a2c7781d24ef0b1e5canary-1",
    ],
)
def test_what_looks_like_a_key_in_a_comment_is_not_kept(comment):
    text = kept(f"{comment}\n{with_key(CANARY)}{comment}\n")
    assert "canary-1" not in text
    assert CANARY not in text
    assert yaml.safe_load(text)["teams"] == yaml.safe_load(GOOD)["teams"]


def test_an_ordinary_comment_is_kept():
    text = "# Owned by the platform team; ask before you raise limits.\n" + GOOD
    assert kept(text) == text
    with_reference = GOOD + "# api_key: ${OTHER_KEY}\n"
    assert kept(with_reference) == with_reference


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_byte_order_mark_and_line_ends_are_kept(line_end):
    text = "\ufeff" + GOOD.replace("\n", line_end)
    assert kept(text) == text
    masked = kept(text.replace("${DEEPSEEK_API_KEY}", CANARY))
    assert masked.replace('"not-kept:vendors/deepseek/api_key"', "${DEEPSEEK_API_KEY}") == text


def test_files_of_rules_keep_their_comments_without_keys():
    text = "# use key: sk-old-canary-1\nrules:\n  - { id: r, effect: deny, reason: x }\n"
    written = read_document(text.encode(), Path("a.yaml"), ENVIRON, RulebookDocument)
    assert kept_text(written) == text.replace("sk-old-canary-1", "(not kept)")


def test_a_marker_tells_where_its_key_stood():
    assert marked_path(Secret("not-kept:vendors/a.b/api_key")) == ("vendors", "a.b", "api_key")
    assert marked_path(Secret("${KEY}")) is None


def test_every_secret_of_a_document_is_found():
    document = read_content(GOOD.encode(), Path("gatehouse.yaml"), ENVIRON).document
    assert isinstance(document, GatehouseDocument)
    assert [path for path, _ in secrets_of(document)] == [("vendors", "deepseek", "api_key")]
