"""How a stand-in vendor checks a body: known fields only, each of a type the vendor accepts."""

from collections.abc import Mapping
from typing import Any

Types = tuple[type, ...]
Fields = Mapping[str, Types]

NONE = type(None)
TEXT: Types = (str,)
TEXT_OR_NONE: Types = (str, NONE)
INTEGER: Types = (int,)
INTEGER_OR_NONE: Types = (int, NONE)
NUMBER: Types = (int, float)
NUMBER_OR_NONE: Types = (int, float, NONE)
BOOLEAN: Types = (bool,)
BOOLEAN_OR_NONE: Types = (bool, NONE)
LIST: Types = (list,)
LIST_OR_NONE: Types = (list, NONE)
OBJECT: Types = (dict,)
OBJECT_OR_NONE: Types = (dict, NONE)
TEXT_OR_LIST: Types = (str, list)
TEXT_OR_OBJECT: Types = (str, dict)


class RefusedError(Exception):
    """The body is not what this vendor accepts. `field` is the path of what is wrong."""

    def __init__(self, field: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.field = field
        self.message = message
        self.status = status


def has_type(value: object, types: Types) -> bool:
    """Whether `value` is of one of `types`; `true` is no number here."""
    if isinstance(value, bool):
        return bool in types
    return isinstance(value, types)


def check_object(value: object, fields: Fields, *, at: str, required: tuple[str, ...] = ()) -> None:
    """Refuse what is no object, an unknown or badly typed member, or a missing one."""
    if not isinstance(value, dict):
        raise RefusedError(at or "body", f"{at or 'the body'}: an object is required")
    prefix = f"{at}." if at else ""
    for name, member in value.items():
        if name not in fields:
            raise RefusedError(prefix + name, f"{prefix}{name}: this field is not known")
        if not has_type(member, fields[name]):
            raise RefusedError(
                prefix + name, f"{prefix}{name}: {type(member).__name__} is not accepted"
            )
    for name in required:
        if name not in value:
            raise RefusedError(prefix + name, f"{prefix}{name}: this field is required")


def check_list(value: Any, *, at: str) -> list[tuple[str, Any]]:
    """The elements of a list, each with its path. Refuses an empty one."""
    if not isinstance(value, list) or not value:
        raise RefusedError(at, f"{at}: a list that is not empty is required")
    return [(f"{at}.{number}", each) for number, each in enumerate(value)]


def check_choice(value: object, choices: tuple[str, ...], *, at: str) -> None:
    """Refuse what is none of `choices`."""
    if value not in choices:
        raise RefusedError(at, f"{at}: {value!r} is none of {', '.join(choices)}")
