"""Cut a value to what an attribute may hold, or refuse it."""

from collections.abc import Callable

Value = str | int | bool | float | tuple[str, ...]
"""What an attribute may hold."""

Fit = Callable[[object], Value | None]
"""(anything) -> the value, cut to size; None when it is empty or of another type."""

MAX_CHARS = 256
MAX_ITEMS = 32


def fit_text(value: object) -> str | None:
    """A text of at most `MAX_CHARS` characters."""
    return value[:MAX_CHARS] or None if isinstance(value, str) else None


def fit_count(value: object) -> int | None:
    """An integer from zero to 2^53 - 1, what a ledger record may hold."""
    return value if type(value) is int and 0 <= value < 2**53 else None


def fit_bool(value: object) -> bool | None:
    """A truth value."""
    return value if isinstance(value, bool) else None


def fit_double(value: object) -> float | None:
    """A float."""
    return value if isinstance(value, float) else None


def fit_texts(value: object) -> tuple[str, ...] | None:
    """At most `MAX_ITEMS` texts; what is none is left out."""
    if not isinstance(value, list | tuple):
        return None
    return tuple([each[:MAX_CHARS] for each in value[:MAX_ITEMS] if isinstance(each, str)]) or None
