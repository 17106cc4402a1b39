"""One thing that was looked at, and what was found."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How it is."""

    OK = "ok"
    NOTE = "note"  # worth knowing; nothing is broken
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at (`gateway`, `key`, `settings`, a protocol ...), and a sentence on it."""

    about: str
    verdict: Verdict
    text: str


def ok(about: str, text: str) -> Finding:
    """It works."""
    return Finding(about, Verdict.OK, text)


def noted(about: str, text: str) -> Finding:
    """Worth knowing."""
    return Finding(about, Verdict.NOTE, text)


def problem(about: str, text: str) -> Finding:
    """Something does not work; the text says what to do."""
    return Finding(about, Verdict.PROBLEM, text)
