"""Rules of every kind, made up by hypothesis, for the names that `tests.fakes.rules` has."""

from itertools import permutations

from hypothesis import strategies as st

from policy.rulebook.rule import Placed
from tests.fakes.rules import a_rule

VENDORS = ("house", "anthropic", "silent", "deepseek", "moonshot")
MOMENTS = ("2026-06-01T12:00", "2026-07-09T23:59", "2026-07-10T00:00", "2026-08-01T00:00")


def _some(*values: str) -> st.SearchStrategy[tuple[str, ...]]:
    """One to three of them in any order: as `st.lists` has it, with far fewer draws."""
    sizes = range(1, min(3, len(values)) + 1)
    return st.one_of(*[st.sampled_from(tuple(permutations(values, size))) for size in sizes])


some_match = st.fixed_dictionaries(
    {},
    optional={
        "teams": _some("web", "ops", "payments"),
        "users": _some("ada", "bob"),
        "roles": _some("developer", "ci"),
        "keys": _some("key-1", "key-2"),
        "assistants": _some(
            "claude-code",
            "claude-code < 2.1.200",
            "claude-code == 2.1.200",
            "codex >= 1",
            "unrecognised",
        ),
        "models": _some("*", "c*", "coder", "CODER", "q?en", "other"),
        "vendors": _some(*VENDORS),
        "regions": _some("eu", "us", "EU"),
        "jurisdictions": _some("de", "us", "cn"),
        "retentions": _some("none", "30 days"),
        "in_house": st.booleans(),
        "data_from": st.sampled_from(("public", "internal", "confidential")),
        "data_up_to": st.sampled_from(("internal", "confidential")),
        "tools": _some("bash", "mcp__*", "*", "Read"),
        "operations": _some("chat", "embeddings"),
        "request_bytes_over": st.sampled_from((0, 100, 5000)),
        "input_tokens_over": st.sampled_from((0, 299, 5000)),
        "hours": _some("00:00-12:00", "22:00-06:00", "12:00-24:00"),
        "weekdays": _some("mon", "thu", "sat"),
        "networks": _some("10.0.0.0/8", "::1", "::/0"),
    },
)
some_dates = st.fixed_dictionaries(
    {},
    optional={
        "start": st.just("2026-07-10"),
        "until": st.sampled_from(("2026-08-01", "2026-07-11")),
        "time_zone": st.sampled_from(("UTC", "Asia/Shanghai")),
    },
)


@st.composite
def some_rules(draw: st.DrawFn) -> tuple[Placed, ...]:
    """Restrictions, and exceptions to some of them, in any order."""
    effects = draw(st.lists(st.sampled_from(("deny", "deny", "require_in_house")), max_size=5))
    rules = [
        a_rule(f"r{at}", effect, **draw(some_match), **draw(some_dates))
        for at, effect in enumerate(effects)
    ]
    if rules:
        names = tuple(f"r{at}" for at in range(len(rules)))
        for at in range(draw(st.integers(0, 2))):
            match, dates = draw(some_match), draw(some_dates)
            rules.append(a_rule(f"e{at}", "allow", exempts=names[at:] or names, **match, **dates))
    return tuple(draw(st.permutations(rules)))
