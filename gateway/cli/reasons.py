"""An explanation of a decision as it is told: in lines for people, or as one object."""

from collections.abc import Iterator

from policy.rulebook.explain import Explanation, Standing, Told
from policy.rulebook.rule import CompiledRule
from policy.types import Allow, Deny

TABLE = ("RULE", "WHERE", "IT", "BECAUSE")
_ITS_OWN = "the team's document in gatehouse.yaml"


def lines_of(told: Explanation) -> Iterator[str]:
    """The decision, and the rule that came nearest to another one."""
    decision = told.decision
    if isinstance(decision, Deny):
        yield f"denied by {decision.rule} ({_place(told, decision.rule)})"
        yield f"  reason: {decision.reason}"
        if decision.alternative:
            yield f"  instead: {decision.alternative}"
        return
    yield f"allowed, as {decision.data_class.label}, to {', '.join(decision.targets)}"
    for warning in decision.warnings:
        yield f"  warned: {warning}"
    if decision.notices:
        rules = ", ".join(each.rule for each in decision.notices)
        yield f"  shown inside the assistant, once a session: {rules}"
    for cap in decision.caps:
        yield f"  within {cap.amount:,} {cap.unit} ({cap.window.label}) of {cap.account}"
    if decision.shadow:
        yield f"  would be denied, were they enforced, by {', '.join(decision.shadow)}"
    if told.nearest is not None:
        yield f"nearest to a denial: {_named(told.nearest.rule)}"
        for each in told.nearest.missed:
            yield f"  {each.field}: it wants {each.wanted}, and this is {each.seen}"


def rows_of(told: Explanation) -> Iterator[tuple[str, str, str, str]]:
    """Every rule, and what became of it."""
    for each in told.rules:
        yield each.rule.id, each.rule.written.place, each.standing.value, _because(each)


def object_of(told: Explanation) -> dict[str, object]:
    """The same for a script."""
    decision, nearest = told.decision, told.nearest
    found: dict[str, object] = {"effect": told.effect, "speaking": list(told.speaking)}
    if isinstance(decision, Allow):
        found |= {
            "data_class": decision.data_class.label,
            "targets": list(decision.targets),
            "warnings": list(decision.warnings),
            "shown_inside": [each.rule for each in decision.notices],
            "shadow": list(decision.shadow),
            "exceptions": list(decision.exceptions),
        }
    else:
        found |= {
            "rule": decision.rule,
            "place": _place(told, decision.rule),
            "reason": decision.reason,
            "alternative": decision.alternative,
        }
    return {
        **found,
        "nearest": None if nearest is None else _object(nearest),
        "rules": [_object(each) for each in told.rules],
    }


def _object(told: Told) -> dict[str, object]:
    return {
        "rule": told.rule.id,
        "place": told.rule.written.place,
        "standing": told.standing.value,
        "missed": [
            {"field": each.field, "wanted": each.wanted, "seen": each.seen} for each in told.missed
        ],
        "exempted_by": list(told.exempted_by),
        "lifted_by": list(told.lifted_by),
    }


def _because(told: Told) -> str:
    document = told.rule.written.document
    if told.standing is Standing.ASLEEP:
        days = (("warn_from", document.warn_from), ("from", document.from_))
        dates = [f"{name} {day}" for name, day in (*days, ("until", document.until)) if day]
        return f"its days: {', '.join(dates)}"
    if told.missed:
        return "; ".join(f"{each.field}: {each.seen}, not {each.wanted}" for each in told.missed)
    if told.exempted_by:
        return f"exempted by {', '.join(told.exempted_by)}"
    if told.lifted_by:
        return f"lifted by {', '.join(told.lifted_by)}"
    return document.reason or ""


def _place(told: Explanation, name: str) -> str:
    found = (each.rule.written.place for each in told.rules if each.rule.id == name)
    return next(found, _ITS_OWN)


def _named(rule: CompiledRule) -> str:
    return f"{rule.id} ({rule.written.place})"
