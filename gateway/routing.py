"""Choose the order in which targets are tried, always inside what policy allowed."""

from collections.abc import Sequence

from policy.types import Allow
from providers.base import Target


def route(allow: Allow, configured: Sequence[Target]) -> tuple[Target, ...]:
    """The model's targets that policy allowed, in the order of the configuration.

    Empty when none is: there is no other target to fall back to.
    """
    allowed = frozenset(allow.targets)
    return tuple([target for target in configured if target.name in allowed])
