"""Turn one YAML scalar into a value, without the surprises of YAML 1.1, and fill in `${NAME}`."""

import re
from collections.abc import Mapping
from decimal import Decimal

from yaml.nodes import ScalarNode

_TAG = "tag:yaml.org,2002:"
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*(?:_[0-9]+)*)")
_FRACTION = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)\.[0-9]+")
_REFERENCE = re.compile(r"\$(\$\{|\{(?:([A-Za-z_][A-Za-z0-9_]*)\})?)")
_BOOLEANS = {"true": True, "false": False}
_LONGEST_NUMBER = 30


class WrongScalar(ValueError):
    """A scalar that cannot be taken as it stands; the text says what to write instead."""


def scalar_value(node: ScalarNode) -> object:
    """The value of a scalar: text, a whole number, a `Decimal`, a boolean or None.

    Raises `WrongScalar` for what YAML 1.1 reads otherwise than people mean it (`no`, `012`, `1:30`)
    and for every tag but the plain ones.
    """
    kind = node.tag.removeprefix(_TAG)
    text: str = node.value
    match kind:
        case "str" | "timestamp":
            return text
        case "null":
            return None
        case "bool":
            return _boolean(text)
        case "int" | "float":
            return _number(text)
        case _:
            raise WrongScalar(
                "YAML tags, merge keys and `=` are not supported; write a plain value"
            )


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise WrongScalar(
            f"YAML reads {text} as a boolean; write true or false, "
            f'or "{text}" in quotes if you mean the word'
        ) from None


def _number(text: str) -> int | Decimal:
    if len(text) <= _LONGEST_NUMBER:
        if _WHOLE.fullmatch(text):
            return int(text)
        if _FRACTION.fullmatch(text):
            return Decimal(text.replace("_", ""))
    raise WrongScalar("write numbers plainly (1000, 0.25), or put quotes around what is text")


def fill(text: str, environ: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Put the environment's values in place of `${NAME}`; `$${` stands for `${` itself.

    Returns the text and the names used. Raises `WrongScalar` for an unset variable.
    """
    names: list[str] = []

    def value_of(match: re.Match[str]) -> str:
        if match[1] == "${":
            return "${"
        name = match[2]
        if name is None:
            raise WrongScalar("`${` starts a variable: write ${NAME}, or $${ for the characters")
        if name not in environ:
            raise WrongScalar(f"the environment variable {name} is not set; set it and start again")
        names.append(name)
        return environ[name]

    return _REFERENCE.sub(value_of, text), tuple(names)
