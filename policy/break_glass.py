"""Break-glass: what somebody lifted from policy, for whom, and from when until when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Self

from policy.document import NANO_USD_PER_USD
from policy.question import Question
from policy.rulebook.document import MatchDocument, RuleDocument
from policy.rulebook.rule import CompiledRule, Placed

SCOPE = frozenset({"teams", "users", "assistants", "models"})
"""The fields of `match` that say for whom an exception is."""


@dataclass(frozen=True, slots=True)
class Lifts:
    """What an exception lifts: written rules by their ids; of vendors and assistants, by their
    names in the registers, that their review has lapsed; and a team's budgets, by so much."""

    rules: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    assistants: tuple[str, ...] = ()
    extra_nano_usd: int = 0

    def __bool__(self) -> bool:
        """Whether it lifts anything."""
        return bool(self.rules or self.vendors or self.assistants or self.extra_nano_usd)

    @classmethod
    def of(cls, lifts: Iterable[Self]) -> Self:
        """All that several lift, in order of their names; what they add to budgets adds up."""
        several = tuple(lifts)
        return cls(
            tuple(sorted({name for each in several for name in each.rules})),
            tuple(sorted({name for each in several for name in each.vendors})),
            tuple(sorted({name for each in several for name in each.assistants})),
            sum(each.extra_nano_usd for each in several),
        )

    def told(self) -> str:
        """In words: `rule a, rule b, the lapsed review of vendor c`."""
        named = [f"rule {name}" for name in self.rules]
        named += [f"the lapsed review of vendor {name}" for name in self.vendors]
        named += [f"the lapsed review of assistant {name}" for name in self.assistants]
        if self.extra_nano_usd:
            named.append(f"the budget by {Decimal(self.extra_nano_usd) / NANO_USD_PER_USD:,} USD")
        return ", ".join(named)


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """An exception that somebody opened. It holds from `starts` on and no longer at `ends`, both
    UTC seconds; `match` has fields of `SCOPE` only."""

    id: str
    lifts: Lifts
    match: MatchDocument
    starts: int
    ends: int

    def holds_at(self, unix_seconds: int) -> bool:
        """Whether its time has come, and is not over."""
        return self.starts <= unix_seconds < self.ends

    def warning(self, lifted: Lifts) -> str:
        """What is said beside an answer that passed because of it."""
        end = datetime.fromtimestamp(self.ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"break-glass {self.id} lifts {lifted.told()} until {end}"


@dataclass(frozen=True, slots=True)
class CompiledBreakGlass:
    """An exception ready to be asked whether it is one for a request, with the rules it names."""

    glass: BreakGlass
    scope: CompiledRule
    rules: tuple[CompiledRule, ...]

    @classmethod
    def compile(cls, glass: BreakGlass, rules: Iterable[CompiledRule]) -> Self:
        """Read its scope as that of a written exception: what is not known never satisfies it."""
        document = RuleDocument(id=glass.id, effect="allow", match=glass.match)
        named = tuple(each for each in rules if each.id in glass.lifts.rules)
        return cls(glass, CompiledRule.compile(Placed(document, "", 0)), named)

    def is_for_team(self, team: str) -> bool:
        """Whether it is for anybody of this team."""
        return self.scope.is_for_team(team)

    def speaks_of(self, asked: Question) -> bool:
        """Whether it is for this request, at this moment."""
        return (
            self.glass.holds_at(asked.circumstances.unix_seconds)
            and self.scope.is_for_model(asked.facts.model)
            and self.scope.speaks_of(asked)
        )


@dataclass(frozen=True, slots=True)
class BreakGlassTerms:
    """Under which exceptions may be open: how long at most, and how many people it takes: one, or
    two, of whom the second approves."""

    max_seconds: int = 24 * 3600
    people: int = 1


USUAL_TERMS: Final = BreakGlassTerms()
"""Where nobody has said otherwise."""
