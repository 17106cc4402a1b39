"""One rule, compiled: when it holds, which requests it speaks of, which targets it touches."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Self

from policy.question import Question
from policy.rulebook.caps import RuleCaps
from policy.rulebook.conditions import (
    Condition,
    TargetCondition,
    request_conditions,
    target_conditions,
)
from policy.rulebook.document import RuleDocument
from policy.rulebook.moments import NEVER, midnight
from policy.rulebook.patterns import compile_globs, folded
from policy.types import Notice, TargetFacts


class Does(Enum):
    """What a rule does to a request it speaks of, at a moment."""

    EXEMPT = "exempt"
    DENY = "deny"
    WARN = "warn"
    CAP = "cap"
    SHADOW = "shadow"


_DOES = {
    "allow": Does.EXEMPT,
    "deny": Does.DENY,
    "require_in_house": Does.DENY,
    "warn": Does.WARN,
    "cap": Does.CAP,
}


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule as written, and where."""

    document: RuleDocument
    file: str
    line: int

    @property
    def place(self) -> str:
        """`policy/leaving.yaml:4`."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, eq=False)
class CompiledRule:
    """A rule ready to be asked. Times are UTC seconds: it warns from `warns`, holds from `starts`,
    and no longer at `ends`."""

    written: Placed
    does: Does
    conditions: tuple[Condition, ...]
    models: re.Pattern[str] | None
    target: tuple[TargetCondition, ...]
    warns: int
    starts: int
    ends: int
    warning: str
    notice: Notice | None
    caps: RuleCaps | None = None
    """Of a `cap`."""

    @classmethod
    def compile(cls, written: Placed) -> Self:
        """Build from what people wrote, once it has been checked."""
        rule = written.document
        zone = rule.time_zone
        starts = midnight(rule.from_, zone) if rule.from_ else -NEVER
        return cls(
            written=written,
            does=Does.SHADOW if rule.mode == "shadow" else _DOES[rule.effect],
            conditions=tuple(request_conditions(rule)),
            models=compile_globs(rule.match.models) if rule.match.models else None,
            target=tuple(target_conditions(rule)),
            warns=midnight(rule.warn_from, zone) if rule.warn_from else starts,
            starts=starts,
            ends=midnight(rule.until, zone) if rule.until else NEVER,
            warning=f"{_told(rule)} (rule {rule.id})",
            notice=Notice(rule.id, _told(rule)) if rule.show != "header" else None,
            caps=RuleCaps.compile(rule) if rule.cap is not None else None,
        )

    @property
    def id(self) -> str:
        """Its name."""
        return self.written.document.id

    def is_for_team(self, team: str) -> bool:
        """Whether it speaks of this team."""
        teams = self.written.document.match.teams
        return teams is None or team in teams

    def is_for_model(self, model: str) -> bool:
        """Whether it speaks of this model."""
        return self.models is None or self.models.fullmatch(folded(model)) is not None

    @property
    def is_steady(self) -> bool:
        """Whether one turn, asked again, is surely spoken of again, or surely not.

        Tools, sizes and the caller's address are no part of a turn, and time passes. Another
        version of the assistant is asked anew, whatever was said to this one.
        """
        match = self.written.document.match
        passing = (
            match.tools,
            match.request_bytes_over,
            match.input_tokens_over,
            match.hours,
            match.weekdays,
            match.networks,
        )
        return all(each is None for each in passing)

    def does_at(self, unix_seconds: int) -> Does | None:
        """What it does at a moment; None before and after its time. A shadow rule never warns."""
        if unix_seconds >= self.ends:
            return None
        if unix_seconds >= self.starts:
            return self.does
        return Does.WARN if unix_seconds >= self.warns and self.does is Does.DENY else None

    def speaks_of(self, asked: Question) -> bool:
        """Whether all conditions hold that only a request can answer."""
        for each in self.conditions:  # noqa: SIM110 - a generator costs as much as the conditions
            if not each.holds(asked):
                return False
        return True

    def touched(self, targets: Iterable[TargetFacts]) -> frozenset[str]:
        """The names of those targets that it is about: to keep in the house is to deny the rest."""
        stays_home = self.written.document.effect == "require_in_house"
        return frozenset(
            each.name
            for each in targets
            if not (stays_home and each.in_house) and all(cond.holds(each) for cond in self.target)
        )


def _told(rule: RuleDocument) -> str:
    """What is said while a rule warns: of one that will deny, from when."""
    coming = f"from {rule.from_} on this is denied: " if rule.can_deny and rule.from_ else ""
    alternative = f"; {rule.alternative}" if rule.alternative else ""
    return f"{coming}{rule.reason or ''}{alternative}"
