"""A policy with exceptions that somebody opened: the same policy, less what they lift, for a time.

What is lifted is left out, and everything else is asked as ever: nothing comes in that the team's
document, its data class or its key does not give.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from msgspec.structs import replace as replaced

from policy.break_glass import BreakGlass, CompiledBreakGlass, Lifts
from policy.engine import CompiledTeam, Policy
from policy.question import Question
from policy.registers import Registers, Review
from policy.rulebook.engine import BoundRule
from policy.rulebook.rule import Does
from policy.types import Allow, Cap, Decision, Deny, Unit

_LIFTABLE = (Does.DENY, Does.CAP)
_MOST_REMEMBERED = 64


def lifted(policy: Policy, opened: Sequence[BreakGlass]) -> Policy:
    """The policy with these exceptions; the very same where there are none."""
    if not opened:
        return policy
    compiled = [CompiledBreakGlass.compile(each, policy.rules) for each in opened]
    teams = {
        name: _lifted_team(team, tuple(each for each in compiled if each.is_for_team(name)))
        for name, team in policy.teams.items()
    }
    return replace(policy, teams=teams)


@dataclass(frozen=True, slots=True)
class LiftedTeam(CompiledTeam):
    """A team for which exceptions are open. Decides as the team does where none is for a request.

    `without` remembers the team's rules less what was lifted of them.
    """

    opened: tuple[CompiledBreakGlass, ...] = ()
    without: dict[Lifts, CompiledTeam] = field(default_factory=dict)

    def decide(self, question: Question) -> Decision:
        """Ask the rules that are left; what passes only so is said to."""
        held = dict(self.lifts_of(question))
        if not held:
            return self._while_waiting(question, CompiledTeam.decide(self, question))
        lifts = Lifts.of(held.values())
        decision = self._without(lifts).decide(question)
        if isinstance(decision, Deny):
            return self._while_waiting(question, decision)
        decision = self._raised(decision, lifts.extra_nano_usd)
        used = [
            (glass, mattered)
            for glass, lifts in held.items()
            if (mattered := self._mattering(lifts, question, decision))
        ]
        if not used:
            return decision
        return replaced(
            decision,
            warnings=(*decision.warnings, *(glass.warning(lifts) for glass, lifts in used)),
            exceptions=tuple(glass.id for glass, _ in used),
        )

    def decide_for_any_assistant(self, question: Question) -> Decision:
        """As the team does, with what is lifted whatever the assistant."""
        held = dict(self.lifts_of(question))
        if not held:
            return CompiledTeam.decide_for_any_assistant(self, question)
        return self._without(Lifts.of(held.values())).decide_for_any_assistant(question)

    def registers_at(self, unix_seconds: int) -> Registers:
        """As if no review had lapsed that is lifted now for anybody of the team."""
        held = (each.glass.lifts for each in self.opened if each.glass.holds_at(unix_seconds))
        return _extended(self.registers, Lifts.of(held))

    def lifts_of(self, question: Question) -> Iterator[tuple[BreakGlass, Lifts]]:
        """The exceptions for this request, and what each now lifts: only what restricts now."""
        now, day = question.circumstances.unix_seconds, question.day
        for each in self.opened:
            if not each.speaks_of(question):
                continue
            named = each.glass.lifts
            lifts = Lifts(
                tuple(rule.id for rule in each.rules if rule.does_at(now) in _LIFTABLE),
                _lapsed(named.vendors, self.registers.vendors or {}, day),
                _lapsed(named.assistants, self.registers.assistant_reviews, day),
                named.extra_nano_usd,
            )
            if lifts:
                yield each.glass, lifts

    def _mattering(self, lifts: Lifts, question: Question, allow: Allow) -> Lifts:
        """Of what is lifted, that without which the request could not go where it now may."""
        bound = self.written.by_model.get(question.facts.model, ()) if self.written else ()
        vendors = {name.partition("/")[0] for name in allow.targets}
        asking = question.circumstances.assistant
        return Lifts(
            tuple(
                each.rule.id
                for each in bound
                if each.rule.id in lifts.rules and _restricts(each, question, allow)
            ),
            tuple(name for name in lifts.vendors if name in vendors),
            tuple(name for name in lifts.assistants if name == asking),
            lifts.extra_nano_usd if any(map(self._is_budget, allow.caps)) else 0,
        )

    def _is_budget(self, cap: Cap) -> bool:
        return cap.unit is Unit.NANO_USD and cap.account == self.team.account

    def _raised(self, allow: Allow, extra_nano_usd: int) -> Allow:
        """The same with more in the team's own budgets: what counts them knows no amounts."""
        if not extra_nano_usd:
            return allow
        caps = tuple(
            replaced(each, amount=each.amount + extra_nano_usd) if self._is_budget(each) else each
            for each in allow.caps
        )
        return replaced(allow, caps=caps)

    def _without(self, lifts: Lifts) -> CompiledTeam:
        """The team's rules less these; what is added to budgets is added after."""
        lifts = replace(lifts, extra_nano_usd=0)
        team = self.without.get(lifts)
        if team is None:
            if len(self.without) >= _MOST_REMEMBERED:
                self.without.clear()
            registers = _extended(self.registers, lifts)
            team = CompiledTeam.compile(replace(self.team, registers=registers))
            if self.written is not None:
                team = replace(team, written=self.written.without(frozenset(lifts.rules)))
            self.without[lifts] = team
        return team

    def _while_waiting(self, question: Question, decision: Decision) -> Decision:
        """A denial does not last while an exception is still to begin (clocks may differ)."""
        now = question.circumstances.unix_seconds
        if isinstance(decision, Deny) and any(now < each.glass.starts for each in self.opened):
            return replace(decision, lasts=False)
        return decision


def _lifted_team(team: CompiledTeam, opened: tuple[CompiledBreakGlass, ...]) -> CompiledTeam:
    if not opened:
        return team
    return LiftedTeam(
        data_class=team.data_class,
        asking=team.asking,
        standing=team.standing,
        targets=team.targets,
        target_names=team.target_names,
        team=team.team,
        registers=team.registers,
        written=team.written,
        opened=opened,
    )


def _restricts(bound: BoundRule, question: Question, allow: Allow) -> bool:
    """Whether a rule, were it not lifted, would touch a target that is allowed now."""
    if not all(holds(question) for holds in bound.asks):
        return False
    return not bound.touched(question).isdisjoint(allow.targets)


def _lapsed(names: Sequence[str], reviews: Mapping[str, Review], day: int) -> tuple[str, ...]:
    """Of these names, those that were reviewed once, and whose review has lapsed."""
    return tuple(name for name in names if name in reviews and reviews[name].has_lapsed(day))


def _extended(registers: Registers, lifts: Lifts) -> Registers:
    """The registers as if these reviews had not lapsed; what was never reviewed stays out."""
    vendors, assistants = registers.vendors, registers.assistants
    if vendors is not None:
        vendors = {
            name: _for_ever(each) if name in lifts.vendors else each
            for name, each in vendors.items()
        }
    if assistants is not None:
        assistants = {
            name: replace(each, review=_for_ever(each.review)) if name in lifts.assistants else each
            for name, each in assistants.items()
        }
    return Registers(vendors, assistants)


def _for_ever(review: Review) -> Review:
    return replace(review, valid_until=date.max)
