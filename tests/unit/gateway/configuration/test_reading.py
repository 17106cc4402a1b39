"""A file's bytes become a document, or problems with their places and what to do."""

import hashlib
import os
from pathlib import Path

import pytest

from gateway.configuration.problems import ConfigurationError, Place
from gateway.configuration.reading import digest_of, read_bytes, read_content, read_file
from tests.fakes.configurations import ENVIRON, GOOD, write

SOURCE = Path("g.yaml")


def refused(text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        read_content(text.encode(), SOURCE, ENVIRON)
    return caught.value


def test_a_good_file_is_a_document_with_its_digest_and_places(tmp_path):
    written = read_file(write(tmp_path, GOOD), ENVIRON)
    assert tuple(written.document.vendors) == ("house", "deepseek")
    assert written.digest == hashlib.sha256(GOOD.encode()).hexdigest()
    assert written.tree.place(("vendors", "house", "kind")) == Place(3, 11)


def test_what_is_wrong_in_meaning_is_refused_at_its_place():
    written = read_content(GOOD.encode(), SOURCE, ENVIRON)
    error = written.refuse([(("models", "coder", "targets", 1), "is not served there")])
    assert error.lines == ("g.yaml:12:41: models.coder.targets.1: is not served there",)


def test_a_refused_value_from_the_environment_is_named_by_its_variable_only():
    written = read_content(GOOD.encode(), SOURCE, ENVIRON)
    (line,) = written.refuse(
        [(("vendors", "deepseek", "api_key"), "sk-canary-5e1f is no key")]
    ).lines
    assert line.endswith("${DEEPSEEK_API_KEY} is no key (once ${DEEPSEEK_API_KEY} is filled in)")


@pytest.mark.parametrize(
    ("section", "wrong", "known"),
    [
        ("vendors", "    knd: in_house", "kind"),
        ("teams", "    limts: {}", "limits"),
        ("models", "    target: []", "targets"),
    ],
)
def test_an_unknown_field_is_told_beside_those_that_stand_there(section, wrong, known):
    error = refused(f"{section}:\n  x:\n{wrong}\n")
    assert any(f"did you mean `{known}`?" in line and ":3:5:" in line for line in error.lines)


def test_an_unknown_section_is_told_at_its_own_line():
    error = refused(GOOD + "modells: {}\n")
    assert error.lines == ("g.yaml:22:1: modells: unknown field `modells`; did you mean `models`?",)


def test_a_file_of_just_the_limit_is_read_and_one_byte_more_is_seen(tmp_path):
    file = write(tmp_path, b"x" * 11)
    assert len(read_bytes(file, 10)) == 11
    assert len(read_bytes(file, 11)) == 11


@pytest.mark.parametrize("name", [".", "pipe", "/dev/zero", "none"])
def test_what_is_no_file_is_an_error_and_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"."):
        read_bytes(tmp_path / name)


@pytest.mark.parametrize("name", ["none", ".", "a\x00b"])
def test_a_file_that_cannot_be_read_is_one_line_with_what_to_do(tmp_path, name):
    with pytest.raises(ConfigurationError, match="check the path and its rights") as caught:
        read_file(tmp_path / name, ENVIRON)
    assert caught.value.problems[0].place == Place()


def test_a_digest_names_the_bytes_not_their_meaning():
    assert digest_of(b"a: 1") != digest_of(b"a:  1")
    assert len(digest_of(b"")) == 64


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[openai_chat, anthropic_messages]", "[openai_chats]", "must be one of"),
        ("[house/qwen3-coder, deepseek/deepseek-chat]", "[qwen3-coder]", "a target is"),
    ],
)
def test_a_wrong_entry_of_a_list_does_not_make_the_list_an_empty_one(old, new, told):
    [problem] = refused(GOOD.replace(old, new, 1)).problems
    assert told in problem.message
