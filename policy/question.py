"""What a rule is asked, what it is compiled from, and what a rule is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Protocol, Self

import msgspec

from policy.document import TeamDocument
from policy.registers import NO_REGISTERS, Registers, day_of
from policy.types import (
    Allow,
    Cap,
    Circumstances,
    DataClass,
    Decision,
    Deny,
    Identity,
    RequestFacts,
    TargetFacts,
)


@dataclass(frozen=True, slots=True)
class Team:
    """A team ready to be compiled: what people wrote of it, and the targets of its models."""

    name: str
    document: TeamDocument
    targets: Mapping[str, tuple[TargetFacts, ...]]
    registers: Registers = NO_REGISTERS

    @property
    def account(self) -> str:
        """The account its caps are kept under."""
        return team_account(self.name)


def team_account(team: str) -> str:
    """The name of a team's account, as it stands in `Cap.account`."""
    return f"team:{team}"


class Question(msgspec.Struct, frozen=True):
    """May this caller send this request, and to which of these targets?

    `targets` are those of the model asked for, in order of preference; none when the team does
    not have the model. `data_class` is the effective one.
    """

    identity: Identity
    facts: RequestFacts
    targets: tuple[TargetFacts, ...]
    target_names: tuple[str, ...]
    data_class: DataClass
    circumstances: Circumstances

    @property
    def day(self) -> int:
        """The day it is asked on, in UTC, as `date.toordinal` counts them."""
        return day_of(self.circumstances.unix_seconds)

    def allow(
        self,
        *,
        targets: tuple[str, ...] | None = None,
        caps: tuple[Cap, ...] = (),
        warnings: tuple[str, ...] = (),
    ) -> Allow:
        """Yes: to all targets, or to those named, within the caps, with the warnings."""
        if targets is None and not caps and not warnings:
            return _everything(self.target_names, self.data_class)
        named = self.target_names if targets is None else targets
        return Allow(named, self.data_class, caps, warnings)


@lru_cache(maxsize=256)
def _everything(targets: tuple[str, ...], data_class: DataClass) -> Allow:
    """What most rules say of most requests, made once."""
    return Allow(targets, data_class)


class Rule(Protocol):
    """One thing policy looks at. Compiled once for one team; deciding does no I/O.

    `is_standing` claims that the decision depends on nothing but team, model, data class and the
    day in UTC; the engine then asks once and remembers the answer until the day ends.
    """

    name: ClassVar[str]
    is_standing: ClassVar[bool]

    @classmethod
    def compile(cls, team: Team) -> Self | None:
        """The rule for this team; None when the team's document does not ask for it."""
        ...

    def decide(self, question: Question) -> Decision:
        """Allow some of the question's targets, or deny with a reason a developer can read."""
        ...


def unpriced_denial(rule: str, why: str, targets: Sequence[str]) -> Deny:
    """The denial where money is limited and nobody knows what any of the targets costs."""
    return Deny(
        rule,
        f"{why}, and no price is known for {', '.join(targets)}",
        "the gateway's operator can add the price under `prices` in the configuration",
    )


def shown(name: str) -> str:
    """A name from outside, fit for one line of text: quoted, escaped, at most 80 characters."""
    return repr(name if len(name) <= 80 else name[:80] + "...")


def other_models(team: Team, question: Question) -> str | None:
    """What the team can still use for this data class: `coder stays available on house/qwen3`."""
    for model, targets in team.targets.items():
        left = team.registers.open_targets(targets, question.data_class, question.day)
        if model != question.facts.model and left:
            return f"{model} stays available on {', '.join(left)}"
    return None
