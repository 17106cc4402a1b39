"""The engine leaves the targets that the plainest reading of the same rules leaves."""

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.naive_policy import targets_left
from policy.types import Circumstances, Identity
from tests.fakes.policy_facts import some_facts
from tests.fakes.rules import TARGETS, a_policy_of, at, targets_of
from tests.fakes.some_rules import MOMENTS, some_rules

some_circumstances = st.builds(
    lambda moment, assistant, version, address: at(moment, assistant, version, address=address),
    st.sampled_from(MOMENTS),
    st.sampled_from(("claude-code", "codex", "unrecognised")),
    st.sampled_from(("2.1.199", "2.1.200", "2.1.200-rc.1", "1.0-beta", "nightly", None)),
    st.sampled_from(("10.1.1.1", "8.8.8.8", None)),
)
some_identity = st.builds(
    Identity,
    st.sampled_from(("ada", "bob")),
    st.sampled_from(("web", "ops")),
    st.frozensets(st.sampled_from(("developer", "ci"))),
    st.sampled_from(("key-1", "key-2")),
)
some_tools = st.sampled_from(((), ("bash",), ("bash", "mcp__db"), ("READ",)))


@settings(max_examples=400, deadline=None)
@given(some_rules(), some_identity, st.sampled_from(tuple(TARGETS)), some_circumstances, some_tools)
def test_the_engine_and_the_plain_reading_agree(
    rules, identity: Identity, model: str, now: Circumstances, tools
):
    policy, facts = a_policy_of(*rules), some_facts(model, tools=tools)
    asked = policy.teams[identity.team].ask(identity, facts, now, None)
    without_rules = targets_of(a_policy_of().decide(identity, facts, now))
    documents = [each.document for each in rules]
    left = targets_left(documents, asked, without_rules)
    assert targets_of(policy.decide(identity, facts, now)) == left
