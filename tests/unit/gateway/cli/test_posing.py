"""A request is put to policy by options, or as the ledger has it."""

import pytest

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.posing import Given, altered, plain, recorded
from policy.types import DataClass, Operation
from tests.fakes.ledger_stories import Stories


def test_a_record_is_the_request_it_tells_of():
    body = Stories().answered()[0]
    posed = recorded(body)
    assert posed.identity.team == body["team"]
    assert posed.facts.model == body["model"]
    assert list(posed.facts.tool_names) == body["tool_names"]
    assert posed.circumstances.unix_seconds == body["time_unix_us"] // 1_000_000
    assert posed.circumstances.assistant == body["assistant"]["name"]
    assert posed.label is not None
    assert posed.label.label == body["data_class"]


def test_a_request_that_nobody_could_read_is_not_explained():
    with pytest.raises(CommandFailed, match="before its body was read, by readable_request"):
        recorded({"kind": "denied", "rule": "readable_request", "team": "web"})


def test_options_say_what_is_otherwise():
    given = Given(
        team="ops", user="bob", roles=("ci",), key="k", assistant="codex 1.2", model="quick",
        label="restricted", tools=("bash",), operation="embeddings", body_bytes=7, input_tokens=8,
        address="::1", at_unix_seconds=9,
    )  # fmt: skip
    posed = altered(plain(0), given, {"quick": "coder"}.__getitem__)
    assert (posed.identity.team, posed.identity.subject) == ("ops", "bob")
    assert (posed.identity.roles, posed.identity.credential_id) == (frozenset({"ci"}), "k")
    assert (posed.facts.model, posed.facts.tool_names) == ("coder", ("bash",))
    assert (posed.facts.operation, posed.facts.body_bytes) == (Operation.EMBEDDINGS, 7)
    assert posed.facts.input_tokens_estimate == 8
    assert (posed.circumstances.assistant, posed.circumstances.assistant_version) == (
        "codex",
        "1.2",
    )
    assert (posed.circumstances.address, posed.circumstances.unix_seconds) == ("::1", 9)
    assert posed.label is DataClass.RESTRICTED


def test_what_options_do_not_say_stays():
    assert altered(plain(5), Given(), str) == plain(5)


@pytest.mark.parametrize("given", [Given(operation="talk"), Given(label="secret")])
def test_what_there_is_none_of_is_a_mistake_of_the_command_line(given):
    with pytest.raises(CommandFailed, match="one of") as caught:
        altered(plain(0), given, str)
    assert caught.value.code == Exit.USAGE
