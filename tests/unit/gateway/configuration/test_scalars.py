"""One YAML scalar: what people mean is taken, what YAML would make of it otherwise is refused."""

from decimal import Decimal

import pytest
import yaml
from yaml.nodes import ScalarNode

from gateway.configuration.scalars import WrongScalar, fill, scalar_value


def value_of(text: str) -> object:
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    assert isinstance(node, ScalarNode)
    return scalar_value(node)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("coder", "coder"),
        ('"600"', "600"),
        ("'no'", "no"),
        ("2027-02-30", "2027-02-30"),
        ("1e3", "1e3"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("600", 600),
        ("-5", -5),
        ("1_000_000", 1_000_000),
        ("0.25", Decimal("0.25")),
        ("1_000.5", Decimal("1000.5")),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
    ],
)
def test_what_people_write_is_what_they_get(text, value):
    found = value_of(text)
    assert (found, type(found)) == (value, type(value))


def test_a_fraction_is_exact():
    assert value_of("0.1") * 3 == Decimal("0.3")


@pytest.mark.parametrize("text", ["no", "On", "yes", "OFF"])
def test_a_word_that_yaml_takes_for_a_boolean_is_asked_about(text):
    with pytest.raises(WrongScalar, match=f'or "{text}" in quotes'):
        value_of(text)


@pytest.mark.parametrize(
    "text",
    ["012", "0x1F", "0b11", "1:30", "1.0e+3", ".5", "5.", ".inf", ".nan", "9" * 31, "1__0"],
)
def test_a_number_that_is_not_plain_is_asked_about(text):
    with pytest.raises(WrongScalar, match="numbers plainly"):
        value_of(text)


@pytest.mark.parametrize("text", ["!!binary aGk=", "!vault x", "!!python/name:os.system x", "="])
def test_a_tag_is_refused(text):
    with pytest.raises(WrongScalar, match="not supported"):
        value_of(text)


ENVIRON = {"KEY": "sk-1", "PORT": "80", "NESTED": "${KEY}", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "filled", "names"),
    [
        ("plain", "plain", ()),
        ("${KEY}", "sk-1", ("KEY",)),
        ("http://h:${PORT}/${KEY}", "http://h:80/sk-1", ("PORT", "KEY")),
        ("${KEY}${KEY}", "sk-1sk-1", ("KEY", "KEY")),
        ("$${KEY}", "${KEY}", ()),
        ("$$${KEY}", "$${KEY}", ()),
        ("$KEY $ {KEY} $", "$KEY $ {KEY} $", ()),
        ("${EMPTY}", "", ("EMPTY",)),
    ],
)
def test_variables_are_filled_in_and_named(text, filled, names):
    assert fill(text, ENVIRON) == (filled, names)


def test_what_a_variable_holds_is_not_filled_in_again():
    assert fill("${NESTED}", ENVIRON) == ("${KEY}", ("NESTED",))


def test_a_variable_that_is_not_set_is_named():
    with pytest.raises(WrongScalar, match="the environment variable NONE is not set"):
        fill("${NONE}", ENVIRON)


@pytest.mark.parametrize("text", ["${", "${}", "${1A}", "${A-b}", "${KEY:-x}", "${ KEY }"])
def test_what_only_begins_like_a_variable_is_asked_about(text):
    with pytest.raises(WrongScalar, match=r"write \$\{NAME\}"):
        fill(text, ENVIRON)
