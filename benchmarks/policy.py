"""What a decision costs by the rules that people wrote, beside a plain scan of the same rules.

    .venv/bin/python -m benchmarks.policy [--rules N] [--requests N]

30 teams, 20 models of three targets each, 200 rules of every kind, and requests of all teams with
the tools, assistants, addresses and times that rules ask for; 100 sets of 38 tools, as agents send
theirs again and again. Engine and scan must agree before either is timed. Times are of this
process's CPU.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import quantiles

from benchmarks.naive_policy import targets_left
from policy.document import TeamDocument
from policy.engine import Policy
from policy.rulebook.document import RuleDocument
from policy.rulebook.rule import Placed
from policy.types import (
    Allow,
    Circumstances,
    DataClass,
    Identity,
    Operation,
    RequestFacts,
    TargetFacts,
)

TEAMS = tuple(f"team-{number}" for number in range(30))
MODELS = tuple(f"model-{number}" for number in range(20))
VENDORS = ("house", "one", "two", "three")
REGIONS = ("here", "eu", "us", "cn")
ASSISTANTS = ("claude-code", "codex", "gemini-cli", "opencode", "unrecognised")
TOOLS = tuple(f"mcp__server{number % 7}__tool{number}" for number in range(40))
TOOL_SETS = 100
JULY_UNIX_SECONDS = 1_783_000_000
P99_BAR_US = 200.0

Ask = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Request:
    """What policy is asked about."""

    identity: Identity
    facts: RequestFacts
    circumstances: Circumstances


@dataclass(frozen=True, slots=True)
class Times:
    """CPU microseconds of a decision."""

    median: float
    p99: float


def targets() -> dict[str, tuple[TargetFacts, ...]]:
    """Every model at three vendors, one of them in the house."""
    return {
        model: tuple(
            TargetFacts(
                f"{VENDORS[at]}/{model}", at == 0, DataClass.RESTRICTED, REGIONS[at], REGIONS[at]
            )
            for at in (0, 1 + number % 3, 1 + (number + 1) % 3)
        )
        for number, model in enumerate(MODELS)
    }


def rules(count: int, chance: random.Random) -> tuple[Placed, ...]:
    """One in seven is an exception to a rule before it, half of them are of some teams only."""
    made: list[Placed] = []
    for number in range(count):
        is_exception = number % 7 == 6
        match = _match(chance)
        written = {"id": f"r{number}", "effect": "deny", "reason": "because", "match": match}
        if is_exception:
            names = (f"r{number - 1}", f"r{number - 2}")
            written |= {"effect": "allow", "exempts": names}
        elif number % 5 == 0:
            written |= {"effect": "require_in_house"}
        elif number % 11 == 0:
            written |= {"effect": "warn"}
        document = RuleDocument.model_validate(written)
        made.append(Placed(document, "policy/bench.yaml", number + 1))
    return tuple(made)


def _match(chance: random.Random) -> dict[str, object]:
    """Two or three conditions, which together hold for few requests."""
    conditions: dict[str, object] = {
        "teams": tuple(chance.sample(TEAMS, 3)),
        "users": (f"user-{chance.randrange(50)}",),
        "assistants": (f"{chance.choice(ASSISTANTS[:-1])} < 2.{chance.randrange(9)}",),
        "models": (f"model-{chance.randrange(9)}*",),
        "vendors": (chance.choice(VENDORS),),
        "regions": (chance.choice(REGIONS),),
        "tools": (f"mcp__server{chance.randrange(9)}__tool{chance.randrange(40)}*",),
        "input_tokens_over": chance.randrange(400_000),
        "hours": ("22:00-06:00",),
        "networks": (f"10.{chance.randrange(9)}.0.0/16",),
        "data_from": chance.choice(("internal", "confidential", "restricted")),
    }
    return {name: conditions[name] for name in chance.sample(sorted(conditions), 3)}


def requests(count: int, chance: random.Random) -> Iterator[Request]:
    """Requests of agents: 40 tools, long contexts, every team and assistant."""
    tools = [tuple(chance.sample(TOOLS, 38)) for _ in range(TOOL_SETS)]
    for _ in range(count):
        facts = RequestFacts(
            chance.choice(MODELS), True, Operation.CHAT, 200_000, chance.randrange(200_000),
            None, 1, chance.choice(tools), tuple,
        )  # fmt: skip
        user = f"user-{chance.randrange(50)}"
        yield Request(
            Identity(user, chance.choice(TEAMS), frozenset({"developer"}), "key"),
            facts,
            Circumstances(
                JULY_UNIX_SECONDS + chance.randrange(86_400),
                chance.choice(ASSISTANTS),
                f"2.{chance.randrange(9)}.1",
                f"10.{chance.randrange(12)}.1.1",
            ),
        )


def policy_of(written: Sequence[Placed]) -> Policy:
    """Teams that may use every model, under these rules."""
    team = TeamDocument.model_validate({"models": MODELS, "data_class": "internal"})
    return Policy.compile(dict.fromkeys(TEAMS, team), targets(), written)


def scan(written: Sequence[RuleDocument], bare: Policy, asked: Request) -> tuple[str, ...]:
    """The same decision by a plain reading of every rule."""
    allowed = bare.decide(asked.identity, asked.facts, asked.circumstances)
    assert isinstance(allowed, Allow)
    team = bare.teams[asked.identity.team]
    question = team.ask(asked.identity, asked.facts, asked.circumstances, None)
    return targets_left(written, question, allowed.targets)


def agree(policy: Policy, bare: Policy, written: Sequence[Placed], asked: Request) -> bool:
    """Whether engine and scan leave the same targets."""
    decision = policy.decide(asked.identity, asked.facts, asked.circumstances)
    left = decision.targets if isinstance(decision, Allow) else ()
    return left == scan([each.document for each in written], bare, asked)


def times_of(asks: Sequence[Ask]) -> Times:
    """What each costs; the first hundred only warm up."""
    for ask in asks[:100]:
        ask()
    taken: list[float] = []
    for ask in asks:
        start = time.process_time_ns()
        ask()
        taken.append((time.process_time_ns() - start) / 1000)
    cuts = quantiles(taken, n=100)
    return Times(cuts[49], cuts[98])


def measure(rule_count: int, request_count: int) -> dict[str, Times]:
    """The engine with and without rules, and the scan. Raises where engine and scan disagree."""
    chance = random.Random(10)
    written = rules(rule_count, chance)
    policy, bare = policy_of(written), policy_of(())
    asked = list(requests(request_count, chance))
    if not all(agree(policy, bare, written, each) for each in asked[:500]):
        raise RuntimeError("the engine and the plain scan decide otherwise")
    documents = [each.document for each in written]

    def by(decider: Policy) -> list[Ask]:
        return [
            lambda each=each: decider.decide(each.identity, each.facts, each.circumstances)
            for each in asked
        ]

    plain: list[Ask] = [lambda each=each: scan(documents, bare, each) for each in asked[:500]]
    return {
        "no rules": times_of(by(bare)),
        "the engine": times_of(by(policy)),
        "a plain scan": times_of(plain),
    }


def table(found: dict[str, Times]) -> str:
    """The figures, and each as a multiple of the engine's."""
    engine = found["the engine"]
    lines = [f"{'CPU us a decision':<18} {'median':>8} {'p99':>8} {'ratio':>8}"]
    for name, each in found.items():
        ratio = each.median / engine.median
        lines.append(f"{name:<18} {each.median:>8.1f} {each.p99:>8.1f} {ratio:>8.2f}")
    return "\n".join(lines)


def main() -> None:
    """Measure, and say whether the bar is met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--requests", type=int, default=5000)
    asked = parser.parse_args()
    found = measure(asked.rules, asked.requests)
    print(table(found))
    is_met = found["the engine"].p99 < P99_BAR_US
    print(f"p99 under {P99_BAR_US:.0f} us: {'yes' if is_met else 'no'}")
    raise SystemExit(0 if is_met else 1)


if __name__ == "__main__":
    main()
