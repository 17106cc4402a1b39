"""Rules as people write them, and what a team is told by them."""

from datetime import UTC, datetime

from policy.engine import Policy
from policy.rulebook.document import RuleDocument
from policy.rulebook.rule import CompiledRule, Placed
from policy.types import Circumstances, DataClass, Decision, Identity, TargetFacts
from tests.fakes.policy_facts import a_team_document, some_facts

HOUSE = TargetFacts("house/qwen3", True, DataClass.RESTRICTED, "eu", "de", "none", None, True)
ANTHROPIC = TargetFacts(
    "anthropic/claude", False, DataClass.CONFIDENTIAL, "us", "us", "30 days", None, True
)
SILENT = TargetFacts("silent/model", False, DataClass.CONFIDENTIAL, price_known=True)
TARGETS = {
    "coder": (HOUSE, ANTHROPIC, SILENT),
    "claude-opus": (ANTHROPIC,),
    "qwen": (HOUSE,),
}
ALL = tuple(each.name for each in TARGETS["coder"])


def a_rule(name: str = "r", effect: str = "deny", **written: object) -> Placed:
    """A rule; conditions and all other fields by their names, `start` for `from`."""
    fields = {
        *("exempts", "cap", "alternative", "owner", "show", "mode"),
        *("warn_from", "until", "time_zone"),
    }
    rule = {name: written.pop(name) for name in fields & written.keys()}
    if "start" in written:
        rule["from"] = written.pop("start")
    if effect not in {"allow", "cap"} or "reason" in written:
        rule["reason"] = written.pop("reason", f"{name} says so")
    document = {"id": name, "effect": effect, "match": written, **rule}
    return Placed(RuleDocument.model_validate(document), "policy/a.yaml", 3)


def compiled(name: str = "r", effect: str = "deny", **written: object) -> CompiledRule:
    return CompiledRule.compile(a_rule(name, effect, **written))


def a_policy_of(*rules: Placed, data_class: str = "internal") -> Policy:
    teams = {team: a_team_document(tuple(TARGETS), data_class) for team in ("web", "ops")}
    return Policy.compile(teams, TARGETS, rules)


UNPRICED = TargetFacts("new/model", False, DataClass.CONFIDENTIAL)


def a_policy_with(target: TargetFacts, *rules: Placed) -> Policy:
    """Of one team, whose model coder has this target behind the one in the house."""
    teams = {"web": a_team_document(("coder",))}
    return Policy.compile(teams, {"coder": (HOUSE, target)}, rules)


def at(moment: str, assistant: str = "claude-code", version: str | None = "2.1.200", **more: str):
    """Circumstances; the moment as `2026-07-10T09:00`, UTC."""
    when = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return Circumstances(int(when.timestamp()), assistant, version, **more)


def decided(
    policy: Policy,
    *,
    team: str = "web",
    user: str = "ada",
    roles: tuple[str, ...] = ("developer",),
    now: Circumstances | None = None,
    label: DataClass | None = None,
    **facts: object,
) -> Decision:
    identity = Identity(user, team, frozenset(roles), "key-1")
    return policy.decide(identity, some_facts(**facts), now or at("2026-06-01T12:00"), label)


def targets_of(decision: Decision) -> tuple[str, ...]:
    """Where a request may go; nowhere when it is denied."""
    return getattr(decision, "targets", ())
