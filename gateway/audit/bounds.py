"""Fit what a client or vendor chose into a record: texts of bounded length, integers below 2^53."""

MAX_INTEGER = 2**53 - 1  # RFC 8785: beyond it JSON readers disagree about a number
MAX_TEXT = 512  # characters of one text; longer ones are cut


def bounded(value: str) -> str:
    """A text that fits a record: of bounded length, and one that UTF-8 can hold."""
    if len(value) > MAX_TEXT:
        value = value[: MAX_TEXT - 1] + "…"
    elif value.isascii():
        return value
    return value.encode("utf-8", "replace").decode()  # a lone surrogate becomes "?"


def counted(value: int) -> int:
    """A count that fits a record: a client or vendor may claim any number."""
    if 0 <= value <= MAX_INTEGER:
        return value
    return 0 if value < 0 else MAX_INTEGER


def micros(start_ns: int, end_ns: int) -> int:
    """The time between, in whole microseconds."""
    return counted((end_ns - start_ns) // 1000)


def add_texts(body: dict[str, object], **texts: str | None) -> None:
    """Those texts that are there: what is not known, or empty, has no member in a record."""
    for name, text in texts.items():
        if text:
            body[name] = bounded(text)
