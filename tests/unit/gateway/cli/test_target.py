"""Which gateway, key and model are meant, when little is said."""

import os
from pathlib import Path

import pytest

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.target import chosen_key, chosen_model, chosen_root
from gateway.settings import RunningGateway, write_running


def test_the_variables_key_may_be_referred_to_and_a_named_one_not() -> None:
    environ = {"GATEHOUSE_KEY": "gth_env"}
    assert chosen_key(None, environ).is_in_environment
    assert chosen_key("gth_env", environ).is_in_environment
    named = chosen_key("gth_named", environ)
    assert (named.secret, named.is_in_environment) == ("gth_named", False)


def test_without_a_key_it_says_where_one_comes_from() -> None:
    with pytest.raises(CommandFailed, match="gatehouse key create") as refused:
        chosen_key(None, {})
    assert refused.value.code == Exit.USAGE


@pytest.mark.parametrize("key", ["gth_\u20ac", "gth a", "gth\n_"])
def test_a_key_that_no_header_can_carry_is_a_usage_error(key: str) -> None:
    with pytest.raises(CommandFailed) as refused:
        chosen_key(key, {})
    assert refused.value.code == Exit.USAGE


def test_the_gateway_named_comes_first_then_the_one_that_runs_then_that_of_before(
    tmp_path: Path,
) -> None:
    assert chosen_root(None, tmp_path, "http://before") == "http://before"
    write_running(tmp_path, RunningGateway(os.getpid(), "http://127.0.0.1:7071", None))
    assert chosen_root(None, tmp_path, "http://before") == "http://127.0.0.1:7071"
    assert chosen_root("https://gw/v1/", tmp_path, None) == "https://gw"


def test_without_any_gateway_it_says_how_to_have_one(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="gatehouse up"):
        chosen_root(None, tmp_path, None)


def test_the_model_named_comes_first_then_that_of_before_then_the_first() -> None:
    assert chosen_model("b", ["a", "b"], "a") == "b"
    assert chosen_model(None, ["a", "b"], "b") == "b"
    assert chosen_model(None, ["a", "b"], "gone") == "a"


def test_a_model_that_is_not_offered_is_refused_with_those_that_are() -> None:
    with pytest.raises(CommandFailed, match="there are: a, b") as refused:
        chosen_model("c", ["a", "b"], None)
    assert refused.value.code == Exit.NOT_FOUND


def test_a_key_without_models_is_said() -> None:
    with pytest.raises(CommandFailed, match="may use no model"):
        chosen_model(None, [], None)
