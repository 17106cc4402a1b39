"""What differs between two versions of a policy: its rules, and what becomes of the tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policy.engine import Policy
from policy.rulebook.cases import PlacedCase, run
from policy.rulebook.document import RuleDocument
from policy.rulebook.explain import Explanation
from policy.types import Allow

if TYPE_CHECKING:
    from gateway.configuration.build import Configuration
    from gateway.configuration.differences import Difference


@dataclass(frozen=True, slots=True)
class ChangedRule:
    """A rule that was `added`, `removed` or `changed`, and in the last case its fields."""

    what: str
    rule: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flip:
    """A test that the two versions decide otherwise."""

    name: str
    old: str
    new: str


def changes_of_rules(old: Policy, new: Policy) -> Iterator[ChangedRule]:
    """In the order of the old rules, then the new ones."""
    before = {each.id: each.written.document for each in old.rules}
    after = {each.id: each.written.document for each in new.rules}
    for name, rule in before.items():
        if name not in after:
            yield ChangedRule("removed", name)
        elif fields := tuple(_changed(rule, after[name])):
            yield ChangedRule("changed", name, fields)
    for name in after:
        if name not in before:
            yield ChangedRule("added", name)


def other_changes(old: "Configuration", new: "Configuration") -> Iterator["Difference"]:
    """What differs beside the rules: teams, limits, models, vendors, registers, as written."""
    from gateway.configuration.differences import differences

    if old.stored is None or new.stored is None:
        return
    for each in differences(old.stored, new.stored):
        if each.path != "rules" and not each.path.startswith("rules."):
            yield each


def flips_of_cases(
    old: "Configuration", new: "Configuration", now_unix_seconds: int
) -> Iterator[Flip]:
    """The tests of both versions, asked of both."""
    cases: dict[str, PlacedCase] = {}
    for each in (*old.policy_tests, *new.policy_tests):
        cases[each.document.model_dump_json(include={"request"})] = each
    before = run(old.policy, cases.values(), old.canonical, now_unix_seconds)
    after = run(new.policy, cases.values(), new.canonical, now_unix_seconds)
    for one, other in zip(before, after, strict=True):
        was, becomes = _told(one.explanation), _told(other.explanation)
        if was != becomes:
            yield Flip(one.case.document.name, was, becomes)


def _changed(old: RuleDocument, new: RuleDocument) -> Iterator[str]:
    for name, field in RuleDocument.model_fields.items():
        if name != "match" and getattr(old, name) != getattr(new, name):
            yield field.alias or name
    for name in type(old.match).model_fields:
        if getattr(old.match, name) != getattr(new.match, name):
            yield f"match.{name}"


def _told(explanation: Explanation) -> str:
    by = f" by {', '.join(explanation.speaking)}" if explanation.speaking else ""
    decision = explanation.decision
    to = f" to {', '.join(decision.targets)}" if isinstance(decision, Allow) else ""
    return f"{explanation.effect}{by}{to}"
