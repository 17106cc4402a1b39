"""Nothing leaves for a target that policy did not allow, whatever fails and however it is asked."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as asked_anew

from benchmarks.naive_policy import targets_left
from gateway.configuration.build import Configuration
from gateway.configuration.reading import read_content
from gateway.dispatch import Dispatch
from gateway.errors import GatewayError
from policy.engine import Policy
from policy.types import Circumstances
from providers.base import UpstreamCall, UpstreamReply
from providers.errors import (
    ProviderBusy,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from tests.fakes.configurations import ENVIRON, configured
from tests.fakes.road import ANSWER, CHAT, MESSAGES, Road, says
from tests.fakes.rules import at
from tests.fakes.some_rules import MOMENTS, some_rules

TEXT = """\
vendors:
  house: { kind: in_house, base_url: "http://127.0.0.1:8000", wires: [openai_chat], region: eu,
           jurisdiction: de }
  silent: { kind: in_house, base_url: "http://127.0.0.1:8001", wires: [anthropic_messages],
            clearance: internal }
  anthropic: { kind: anthropic, api_key: sk-a, clearance: confidential, region: us }
  deepseek: { kind: deepseek, api_key: sk-d, clearance: internal }
  moonshot: { kind: moonshot, api_key: sk-m, clearance: public }
models:
  coder:
    targets: [moonshot/k3, anthropic/claude, house/qwen3, deepseek/chat, silent/model]
    aliases: [quick, claude-haiku-4-5]
  other: { targets: [deepseek/chat, house/qwen3] }
  forbidden: { targets: [house/qwen3] }
teams:
  web: { models: [coder, other], data_class: internal }
  payments: { models: [coder], data_class: confidential }
"""
# Names with invisible characters do not get this far: no wire reads them.
SPELLINGS = (
    "coder", "quick", "claude-haiku-4-5", "other", "forbidden", "Coder", "CODER", "coder ",
    "cod\u0435r", "\uff43oder", "c\u006f\u0301der", "Quick", "house/qwen3", "*",
)  # fmt: skip
FAILURES = (
    None,
    ProviderUnavailable("gone", target="x"),
    ProviderTimeout("slow", target="x"),
    ProviderBusy("full", target="x", retry_after_seconds=1),
    ProviderRejected(400, (), b"{}", same_protocol=False, target="x"),
)


class FailingSender:
    """Fails where the test says so, by target, and knows everything it was asked."""

    def __init__(self, failures: dict[str, ProviderError | None]) -> None:
        self.failures = failures
        self.asked: list[str] = []

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        self.asked.append(call.target.name)
        failure = self.failures.get(call.target.name)
        if failure is not None:
            raise failure
        return says(ANSWER)


@pytest.fixture(scope="module")
def configuration(tmp_path_factory) -> Configuration:
    return configured(tmp_path_factory.mktemp("escape"), TEXT)


def with_rules(configuration: Configuration, rules) -> Configuration:
    document = read_content(TEXT.encode(), Path("gatehouse.yaml"), ENVIRON).document
    facts = configuration.target_facts
    targets = {
        model: tuple(facts[each.name] for each in served)
        for model, served in configuration.models.items()
    }
    return replace(configuration, policy=Policy.compile(document.teams, targets, rules))


def may_be_asked(configuration: Configuration, rules, inbound, now: Circumstances) -> set[str]:
    """By the plainest reading of the documents, nothing of the engine's."""
    facts = configuration.under_its_model(inbound.reading.facts)
    team = configuration.policy.teams[inbound.identity.team]
    asked = team.ask(inbound.identity, facts, now, None)
    cleared = [each.name for each in asked.targets if each.clearance >= team.data_class]
    return set(targets_left([each.document for each in rules], asked, cleared))


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rules=some_rules(),
    team=st.sampled_from(("web", "payments")),
    model=st.sampled_from(SPELLINGS),
    path=st.sampled_from((CHAT, MESSAGES)),
    moment=st.sampled_from(MOMENTS),
    failures=st.fixed_dictionaries(
        {
            name: st.sampled_from(FAILURES)
            for name in (
                "moonshot/k3", "anthropic/claude", "house/qwen3", "deepseek/chat", "silent/model",
            )
        }
    ),
)  # fmt: skip
def test_no_attempt_is_ever_outside_the_allowed_set(
    configuration, rules, team, model, path, failures, moment
):
    ruled = with_rules(configuration, rules)

    async def ask_again_and_again() -> None:
        road = Road(ruled)
        road.clock.now_us = at(moment).unix_seconds * 1_000_000
        sender = FailingSender(failures)
        dispatch = Dispatch(sender, sender, sender, road.drains)
        pipeline = replace(road.pipeline, dispatch=dispatch)
        inbound = road.ask(path, team=team, model=model)
        now = at(moment, "codex", "1.2")
        allowed = may_be_asked(ruled, rules, inbound, now)
        for _ in range(3):
            try:
                await pipeline.serve(asked_anew(inbound, audit_id=road.records.new_audit_id()))
            except GatewayError:
                continue
        attempted = {each["target"] for each in road.ledger.bodies if each["kind"] == "attempted"}
        assert set(sender.asked) <= attempted <= allowed

    asyncio.run(ask_again_and_again())
