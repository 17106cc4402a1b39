"""Ask every rule of the caller's team, in order: what nobody allows is denied, a denial wins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, Self

from policy.document import MAX_REQUEST_BYTES, TeamDocument
from policy.question import Question, Rule, Team, shown
from policy.registers import DAY_SECONDS, NO_REGISTERS, Registers, day_of
from policy.rulebook.as_of import registers_as_of, rules_as_of
from policy.rulebook.engine import TeamRules
from policy.rulebook.reach import Reached, reach
from policy.rulebook.rule import CompiledRule, Placed
from policy.rules import RULES
from policy.rules.assistant_register import AssistantRegister
from policy.rules.budget import Budget
from policy.types import (
    Allow,
    Cap,
    Circumstances,
    DataClass,
    Decision,
    Deny,
    Identity,
    Operation,
    RequestFacts,
    TargetFacts,
)


@dataclass(frozen=True, slots=True)
class CompiledTeam:
    """One team's rules and the targets of its models, ready to be asked.

    Rules that look at the request itself are asked first, then the standing ones, in order; last,
    where people have written any, the `written` ones, which only take away.
    """

    data_class: DataClass
    asking: tuple[Rule, ...]
    standing: tuple[Rule, ...]
    targets: Mapping[str, tuple[TargetFacts, ...]]
    target_names: Mapping[str, tuple[str, ...]]
    team: Team
    registers: Registers = NO_REGISTERS
    written: TeamRules | None = None
    remembered: dict[tuple[str, DataClass, int], tuple[Rule, ...]] = field(default_factory=dict)

    @classmethod
    def compile(
        cls,
        team: Team,
        rules: tuple[type[Rule], ...] = RULES,
        written: Sequence[CompiledRule] = (),
    ) -> Self:
        """Keep the rules this team's document asks for, and the written ones that concern it."""
        compiled = [made for rule in rules if (made := rule.compile(team)) is not None]
        return cls(
            data_class=team.document.clearance_needed,
            asking=tuple(rule for rule in compiled if not rule.is_standing),
            standing=tuple(rule for rule in compiled if rule.is_standing),
            targets=team.targets,
            target_names={
                model: tuple(each.name for each in targets)
                for model, targets in team.targets.items()
            },
            team=team,
            registers=team.registers,
            written=TeamRules.bind(team.name, written, team.targets) if written else None,
        )

    @property
    def has_budget(self) -> bool:
        """Whether what the team spends is limited."""
        return any(rule.name == Budget.name for rule in self.standing)

    def registers_at(self, unix_seconds: int) -> Registers:
        """What counts as reviewed at a moment."""
        return self.registers

    def decide(self, question: Question) -> Decision:
        """Ask the rules about one request; standing answers are remembered until the day ends."""
        model, data_class = question.facts.model, question.data_class
        day = question.circumstances.unix_seconds // DAY_SECONDS
        rules = self.remembered.get((model, data_class, day))
        if rules is None:
            rules = self.asking + self.standing
            if question.target_names:  # only models that exist: callers cannot make this grow
                self._forget_other_days(day)
                standing = Standing(combine(question, self.standing))
                self.remembered[model, data_class, day] = (*self.asking, standing)
        decision = combine(question, rules)
        if self.written is None or isinstance(decision, Deny):
            return decision
        return self.written.narrow(question, decision)

    def ask(
        self,
        identity: Identity,
        facts: RequestFacts,
        circumstances: Circumstances,
        label: DataClass | None,
    ) -> Question:
        """The question that a request is; the higher of the team's class and the label counts."""
        model = facts.model
        return Question(
            identity,
            facts,
            self.targets.get(model, ()),
            self.target_names.get(model, ()),
            self.data_class if label is None else max(self.data_class, label),
            circumstances,
        )

    def decide_for_any_assistant(self, question: Question) -> Decision:
        """Decide as if nothing were said about assistants."""
        rules = tuple(
            each for each in (*self.asking, *self.standing) if each.name != AssistantRegister.name
        )
        decision = combine(question, rules)
        if self.written is None or isinstance(decision, Deny):
            return decision
        return self.written.for_any_assistant().narrow(question, decision)

    def _forget_other_days(self, day: int) -> None:
        for each in [key for key in self.remembered if key[2] != day]:
            del self.remembered[each]


@dataclass(frozen=True, slots=True)
class Standing:
    """What all standing rules together say about one model and data class."""

    name: ClassVar[str] = "standing"
    is_standing: ClassVar[bool] = True
    decision: Decision

    @classmethod
    def compile(cls, team: Team) -> None:
        """Made by the engine, never from a document."""

    def decide(self, question: Question) -> Decision:
        """The remembered answer."""
        return self.decision


def combine(question: Question, rules: tuple[Rule, ...]) -> Decision:
    """The first `Deny` wins; of several `Allow`, targets are intersected, caps and warnings added.

    No rule, or no target that all rules allow, is a denial too.
    """
    left = question.target_names if rules else ()
    caps: tuple[Cap, ...] = ()
    warnings: tuple[str, ...] = ()
    for rule in rules:
        decision = rule.decide(question)
        if isinstance(decision, Deny):
            return decision
        if decision.targets != left:
            left = tuple([name for name in left if name in decision.targets])
        if decision.caps:
            caps += decision.caps
        if decision.warnings:
            warnings += decision.warnings
    if left:
        return Allow(left, question.data_class, caps, warnings)
    asked = ", ".join(rule.name for rule in rules) or "none"
    model = shown(question.facts.model)  # remembered for all who ask, by whichever name
    return Deny(
        "no_target",
        f"no target of model {model} satisfies every rule (asked: {asked})",
        "GET /v1/models lists what your team can use",
    )


@dataclass(frozen=True, slots=True)
class Sources:
    """What a policy was compiled from, beside its rules."""

    teams: Mapping[str, TeamDocument]
    targets: Mapping[str, tuple[TargetFacts, ...]]
    registers: Registers


NO_SOURCES: Final = Sources({}, {}, NO_REGISTERS)


@dataclass(frozen=True, slots=True)
class Policy:
    """Every team's compiled rules: values, replaced as a whole by the next configuration."""

    teams: Mapping[str, CompiledTeam]
    max_request_bytes: int
    """The most any team may send; what is larger need not even be read."""
    rules: tuple[CompiledRule, ...] = ()
    """What people have written, in order."""
    shows_notices: bool = False
    """Whether a rule may warn inside the assistants, sooner or later."""
    sources: Sources = NO_SOURCES

    @classmethod
    def compile(
        cls,
        teams: Mapping[str, TeamDocument],
        targets: Mapping[str, tuple[TargetFacts, ...]],
        rules: Sequence[Placed] = (),
        registers: Registers = NO_REGISTERS,
    ) -> Self:
        """Build from what people wrote (checked) and the targets of every model.

        A model a team names but nobody offers is left out: it is denied like any unknown one.
        """
        written = tuple(CompiledRule.compile(each) for each in rules)
        return cls(
            {
                name: CompiledTeam.compile(
                    Team(name, each, _reached(each, targets), registers),
                    written=written,
                )
                for name, each in teams.items()
            },
            max(
                (each.limits.max_request_bytes for each in teams.values()),
                default=MAX_REQUEST_BYTES,
            ),
            written,
            any(each.notice is not None and each.written.document.can_warn for each in written),
            Sources(teams, targets, registers),
        )

    def with_rules(self, rules: Sequence[Placed], registers: Registers | None = None) -> Self:
        """The same with other rules, and other registers where they are given."""
        sources = self.sources
        chosen = sources.registers if registers is None else registers
        return self.compile(sources.teams, sources.targets, rules, chosen)

    def as_of(self, unix_seconds: int) -> Self:
        """The same as it is at a moment, at any other: nothing in it begins or ends."""
        rules = rules_as_of([each.written for each in self.rules], unix_seconds)
        return self.with_rules(rules, registers_as_of(self.sources.registers, unix_seconds))

    def decide(
        self,
        identity: Identity,
        facts: RequestFacts,
        circumstances: Circumstances,
        label: DataClass | None = None,
    ) -> Decision:
        """May this caller send this request, and where to?

        `label` is the content's own data class, where one is known; the higher one counts.
        """
        team = self.teams.get(identity.team)
        if team is None:
            return Deny(
                "team",
                f"team {shown(identity.team)} is not in this gateway's configuration",
                "ask the gateway's operator for a key of a team that is",
            )
        return team.decide(team.ask(identity, facts, circumstances, label))

    def reached(
        self, identity: Identity, facts: RequestFacts, circumstances: Circumstances
    ) -> tuple[Reached, ...]:
        """What each written rule alone would do to a request that is allowed without any."""
        team = self.teams.get(identity.team)
        if team is None or team.written is None:
            return ()
        asked = team.ask(identity, facts, circumstances, None)
        allowed = replace(team, written=None).decide(asked)
        if isinstance(allowed, Deny):
            return ()
        return tuple(reach(team.written.by_model.get(facts.model, ()), asked, allowed))

    def models_for(self, team: str, unix_seconds: int) -> tuple[str, ...]:
        """The models a team can reach, in the order it names them; none for an unknown team."""
        compiled = self.teams.get(team)
        if compiled is None:
            return ()
        reachable = (m for m in compiled.targets if self.first_target(team, m, unix_seconds))
        return tuple(reachable)

    def first_target(self, team: str, model: str, unix_seconds: int) -> str | None:
        """The target that answers a team first: of the model's, the first it may be sent to."""
        compiled = self.teams[team]
        open_to_it = compiled.registers_at(unix_seconds).open_targets(
            compiled.targets[model], compiled.data_class, day_of(unix_seconds)
        )
        return next(iter(open_to_it), None)

    def offered_to(self, identity: Identity, circumstances: Circumstances) -> Mapping[str, str]:
        """The models a caller may ask now, in its team's order, each with what answers it first.

        A model is left out where its plainest request is denied. Where that would leave none, all
        that the key is for stay: the answer to a request says why, and a list cannot.
        """
        reached = {
            model: target
            for model in self.models_for(identity.team, circumstances.unix_seconds)
            if (target := self.first_target(identity.team, model, circumstances.unix_seconds))
            and (identity.scope is None or identity.scope.covers(model))
        }
        answered = {
            model: target
            for model in reached
            if (target := self._answering(model, identity, circumstances))
        }
        return answered or reached

    def _answering(
        self, model: str, identity: Identity, circumstances: Circumstances
    ) -> str | None:
        """What answers the plainest request first: without tools, as small as can be, of any kind.

        An assistant that cannot be told may be a command or an editor that asks for another, so
        then what is said about assistants does not count.
        """
        team = self.teams[identity.team]
        is_known = circumstances.assistant != "unrecognised"
        decide = team.decide if is_known else team.decide_for_any_assistant
        for operation in Operation:
            facts = RequestFacts(model, False, operation, 0, 0, None, 1, (), tuple)
            decision = decide(team.ask(identity, facts, circumstances, None))
            if isinstance(decision, Allow):
                return decision.targets[0]
        return None


def _reached(
    team: TeamDocument, targets: Mapping[str, tuple[TargetFacts, ...]]
) -> Mapping[str, tuple[TargetFacts, ...]]:
    return {model: targets[model] for model in team.models if targets.get(model)}
