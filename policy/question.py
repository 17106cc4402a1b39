"""What a rule is asked, what it is compiled from, and what a rule is."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Protocol, Self

import msgspec

from policy.document import TeamDocument
from policy.types import (
    Allow,
    Cap,
    Circumstances,
    DataClass,
    Decision,
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

    def allow(self, *, targets: tuple[str, ...] | None = None, caps: tuple[Cap, ...] = ()) -> Allow:
        """Yes: to all targets, or to those named, within the caps."""
        if targets is None and not caps:
            return _everything(self.target_names, self.data_class)
        return Allow(self.target_names if targets is None else targets, self.data_class, caps)


@lru_cache(maxsize=256)
def _everything(targets: tuple[str, ...], data_class: DataClass) -> Allow:
    """What most rules say of most requests, made once."""
    return Allow(targets, data_class)


class Rule(Protocol):
    """One thing policy looks at. Compiled once for one team; deciding does no I/O.

    `is_standing` claims that the decision depends on nothing but team, model and data class; the
    engine then asks once and remembers the answer for as long as the configuration lives.
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


def shown(name: str) -> str:
    """A name from outside, fit for one line of text: quoted, escaped, at most 80 characters."""
    return repr(name if len(name) <= 80 else name[:80] + "...")


def other_models(team: Team, asked: str, data_class: DataClass) -> str | None:
    """What the team can still use for this data class: `coder stays available on house/qwen3`."""
    for model, targets in team.targets.items():
        cleared = [each.name for each in targets if each.clearance >= data_class]
        if model != asked and cleared:
            return f"{model} stays available on {', '.join(cleared)}"
    return None
