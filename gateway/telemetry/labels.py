"""Keep the values of a metric's label few: what is too much counts as `other`."""

OTHER = "other"
MAX_VALUES = 200
_MAX_CHARS = 128


class BoundedLabel:
    """The values one label may take: the first `MAX_VALUES` that were kept."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: set[str] = set()

    def keep(self, value: str) -> str:
        """`value`, from now on one of the label's; `other` when there are too many."""
        if value in self._values:
            return value
        if len(self._values) >= MAX_VALUES or len(value) > _MAX_CHARS:
            return OTHER
        self._values.add(value)
        return value

    def known(self, value: str) -> str:
        """`value` if it is one of the label's, else `other`.

        For what a caller made up: it must not use up the room of values that are real.
        """
        return value if value in self._values else OTHER
