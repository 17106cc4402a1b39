"""Ask a team's rules about one request: what policy allowed becomes less, and never more.

Rules are bound to each team's models when they are compiled: which team, which model and which
targets is then known, and only the rest is asked. A denial wins; an exception exempts from the
rules it names only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from policy.question import Question, unpriced_denial
from policy.rulebook.conditions import Holds
from policy.rulebook.moments import NEVER
from policy.rulebook.rule import CompiledRule, Does
from policy.types import Allow, Cap, Decision, Deny, Notice, TargetFacts


@dataclass(frozen=True, slots=True)
class Exemption:
    """An exception to a rule, and the targets for which it is one."""

    rule: CompiledRule
    targets: frozenset[str]

    def holds(self, asked: Question) -> bool:
        """Whether it is one for this request, at this moment."""
        now = asked.circumstances.unix_seconds
        return self.rule.does_at(now) is not None and self.rule.speaks_of(asked)


@dataclass(frozen=True, slots=True)
class BoundRule:
    """A rule as it concerns one team and one model, with its exceptions."""

    rule: CompiledRule
    touches: frozenset[str]
    exemptions: tuple[Exemption, ...]
    asks: tuple[Holds, ...]
    """What only a request can answer."""
    lasts: bool
    """Whether its denial of a turn holds when the turn is asked again."""
    unpriced: frozenset[str] = frozenset()
    """Where it limits money: the targets that nobody knows the price of."""

    @property
    def is_about_assistants(self) -> bool:
        """Whether it, or an exception to it, asks which assistant it is."""
        rules = (self.rule, *(each.rule for each in self.exemptions))
        return any(each.written.document.match.assistants is not None for each in rules)

    def touched(self, asked: Question) -> frozenset[str]:
        """The targets it touches for this request, those exempted left out."""
        touched = self.touches
        for each in self.exemptions:
            if each.holds(asked):
                touched -= each.targets
        return touched


Gentle = tuple[BoundRule, Does, frozenset[str]]
"""A rule that does not deny, what it does, and the targets it touches."""


@dataclass(frozen=True, slots=True)
class TeamRules:
    """What a team's rules say of each of its models, in the order they are written."""

    by_model: Mapping[str, tuple[BoundRule, ...]]

    @classmethod
    def bind(
        cls,
        team: str,
        rules: Sequence[CompiledRule],
        targets: Mapping[str, tuple[TargetFacts, ...]],
    ) -> Self:
        """Keep, for each model, the rules that can touch one of its targets."""
        of_team = [each for each in rules if each.is_for_team(team)]
        by_model = {
            model: bound
            for model, served in targets.items()
            if (bound := tuple(_bound(of_team, model, served)))
        }
        return cls(by_model)

    def without(self, ids: frozenset[str]) -> Self:
        """The same, as if these rules did not stand there."""
        return replace(
            self,
            by_model={
                model: tuple(each for each in bound if each.rule.id not in ids)
                for model, bound in self.by_model.items()
            },
        )

    def for_any_assistant(self) -> Self:
        """Those of the rules that are not about assistants."""
        return replace(
            self,
            by_model={
                model: tuple(each for each in bound if not each.is_about_assistants)
                for model, bound in self.by_model.items()
            },
        )

    def narrow(self, asked: Question, allow: Allow) -> Decision:
        """What is left of a permission after all rules."""
        bound = self.by_model.get(asked.facts.model)
        if bound is None:
            return allow
        now = asked.circumstances.unix_seconds
        left, lasts = allow.targets, True
        gentle: list[Gentle] = []
        for each in bound:
            for holds in each.asks:  # unrolled: most rules end at their first condition
                if not holds(asked):
                    break
            else:
                does = each.rule.does_at(now)
                if does is None or not (touched := each.touched(asked)):
                    continue
                if does is not Does.DENY:
                    gentle.append((each, does, touched))
                    continue
                left = tuple([name for name in left if name not in touched])
                lasts = lasts and each.lasts
                if not left:
                    return denial_by(each.rule, lasts)
        if not gentle and left == allow.targets:
            return allow
        return _with_the_gentle(asked, allow, left, gentle)


def denial_by(rule: CompiledRule, lasts: bool) -> Deny:
    """The denial in the rule's own words."""
    document = rule.written.document
    return Deny(rule.id, document.reason or "", document.alternative, lasts=lasts)


def _lasts(rule: CompiledRule, exemptions: Iterable[Exemption]) -> bool:
    """Neither the rule's end nor an exception's beginning, nor what passes, can turn it."""
    return (
        rule.is_steady
        and rule.ends == NEVER
        and all(each.rule.is_steady and each.rule.starts == -NEVER for each in exemptions)
    )


def _with_the_gentle(
    asked: Question, allow: Allow, left: tuple[str, ...], gentle: Sequence[Gentle]
) -> Decision:
    """Warnings, caps and shadows count where a target they touch may still be tried."""
    for bound, _, touched in gentle:  # first: what a cap counts depends on what is left
        if bound.unpriced:
            unpriced = bound.unpriced & touched
            narrowed = tuple([name for name in left if name not in unpriced])
            if not narrowed:
                return _denial_unpriced(bound, left)
            left = narrowed
    warnings: tuple[str, ...] = allow.warnings
    notices: tuple[Notice, ...] = allow.notices
    caps: tuple[Cap, ...] = allow.caps
    shadow: tuple[str, ...] = allow.shadow
    for bound, does, touched in gentle:
        rule = bound.rule
        if does is Does.SHADOW:
            if touched.issuperset(left):
                shadow += (rule.id,)
        elif touched.isdisjoint(left):
            continue
        elif does is Does.CAP:
            caps += _caps(asked, rule, touched, left)
        else:
            warnings += (rule.warning,)
            if rule.notice is not None:
                notices += (rule.notice,)
    return Allow(left, allow.data_class, caps, warnings, shadow, notices)


def _caps(
    asked: Question, rule: CompiledRule, touched: frozenset[str], left: tuple[str, ...]
) -> tuple[Cap, ...]:
    if rule.caps is None:
        return ()
    counted = [each for each in asked.targets if each.name in touched and each.name in left]
    return rule.caps.of(asked, counted, is_all=len(counted) == len(left))


def _denial_unpriced(bound: BoundRule, targets: Sequence[str]) -> Deny:
    """Money is limited, and nobody knows what any of the targets costs that were left."""
    rule = bound.rule
    deny = unpriced_denial(rule.id, "it limits what may be spent", targets)
    reason = rule.written.document.reason
    told = f"{reason}: {deny.reason}" if reason else deny.reason
    return Deny(rule.id, told, deny.alternative, lasts=bound.lasts)


def _bound(
    rules: Sequence[CompiledRule], model: str, targets: tuple[TargetFacts, ...]
) -> Iterable[BoundRule]:
    about = [each for each in rules if each.is_for_model(model)]
    exceptions = [each for each in about if each.does is Does.EXEMPT]
    for rule in about:
        touches = rule.touched(targets)
        if rule.does is Does.EXEMPT or not touches:
            continue
        named = [each for each in exceptions if rule.id in (each.written.document.exempts or ())]
        exemptions = tuple(
            Exemption(each, exempted)
            for each in named
            if (exempted := each.touched(targets) & touches)
        )
        asks = tuple(each.holds for each in rule.conditions)
        limits_money = rule.caps is not None and rule.caps.has_money
        unpriced = frozenset(each.name for each in targets if limits_money and not each.price_known)
        lasts = _lasts(rule, exemptions)
        yield BoundRule(rule, touches, exemptions, asks, lasts, unpriced & touches)
