"""Names against names and patterns of names: one regular expression per field, compiled once."""

import re
import unicodedata
from collections.abc import Sequence


def folded(text: str) -> str:
    """A name as it is compared: letter case and Unicode's compatibility forms make no other."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def compile_globs(globs: Sequence[str]) -> re.Pattern[str]:
    """What matches a folded name that any of the patterns covers; only `*` and `?` are special."""
    return re.compile("|".join(f"(?:{_translated(folded(each))})" for each in globs), re.DOTALL)


def is_pattern(text: str) -> bool:
    """Whether it stands for more than the name it is."""
    return "*" in text or "?" in text


def _translated(glob: str) -> str:
    """Each run between stars is taken where it first stands: that loses nothing, and a tool's
    name that a caller chose cannot make the search go back and forth."""
    first, *runs = (_literal(each) for each in re.sub(r"\*+", "*", glob).split("*"))
    if not runs:
        return first
    *middle, last = runs
    return first + "".join([f"(?>.*?{each})" for each in middle]) + f".*{last}"


def _literal(run: str) -> str:
    return "".join("." if each == "?" else re.escape(each) for each in run)
