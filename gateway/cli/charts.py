"""Small charts in text: a bar beside a figure, and a line of figures in the space of a word."""

import sys
from collections.abc import Sequence
from typing import Final

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_STEPS: Final = "▁▂▃▄▅▆▇█"
_PLAIN_STEPS: Final = "_.:-=+*#"


def can_draw() -> bool:
    """Whether stdout can take the blocks that charts are made of."""
    try:
        (_EIGHTHS + _STEPS).encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def bar(value: int, largest: int, width: int, *, blocks: bool = True) -> str:
    """A bar of `width` characters for the largest value; what is more than nothing is seen."""
    if value <= 0 or largest <= 0:
        return ""
    if not blocks:
        return "#" * max(1, value * width // largest)
    whole, eighths = divmod(max(1, value * width * 8 // largest), 8)
    return "█" * whole + _EIGHTHS[eighths].strip()


def sparkline(values: Sequence[int], *, blocks: bool = True) -> str:
    """One character a value, as high as it is beside the largest."""
    steps = _STEPS if blocks else _PLAIN_STEPS
    largest = max(values, default=0)
    if largest <= 0:
        return steps[0] * len(values)
    return "".join(steps[-(-value * (len(steps) - 1) // largest)] for value in values)
