"""A conversation that a vendor keeps: with that vendor, for the one it belongs to, or refused."""

import pytest

from gateway.continuation import CaughtUp, Held, Origin, held_to_origin, only_at
from policy.types import Allow, DataClass, Deny, Identity
from tests.fakes.road import FakeOrigins

ANN = Identity("ann", "web", frozenset({"developer"}), "key_1")
ALLOW = Allow(("house/a", "house/b"), DataClass.INTERNAL, warnings=("w",))


async def held(origin: Origin | None, identity: Identity = ANN) -> Held | Deny:
    origins = FakeOrigins()
    if origin is not None:
        origins.known["resp_1"] = origin
    return await held_to_origin(origins, "resp_1", identity, ALLOW)


async def test_only_the_target_that_made_the_answer_is_left() -> None:
    decision = await held(Origin("ann", "web", "house/b", kept_tokens=70))
    left = Allow(("house/b",), DataClass.INTERNAL, warnings=("w",))
    assert decision == Held(left, "house/b", 70)


@pytest.mark.parametrize(
    "origin",
    [None, Origin("bob", "web", "house/b"), Origin("ann", "lab", "house/b")],
    ids=["unknown", "a colleague's", "another team's"],
)
async def test_what_is_not_the_callers_own_does_not_exist(origin: Origin | None) -> None:
    decision = await held(origin)
    assert isinstance(decision, Deny)
    assert decision.code == "previous_response_not_found"
    assert decision.reason == "the answer this goes on from is not known here"
    assert decision.alternative is not None
    assert "'input'" in decision.alternative


async def test_a_target_that_may_not_be_asked_any_more_is_named() -> None:
    decision = await held(Origin("ann", "web", "openai/gpt"))
    assert isinstance(decision, Deny)
    assert "openai/gpt, which may not be asked" in decision.reason


def test_what_policy_allows_anew_is_narrowed_to_the_same_target() -> None:
    assert only_at("house/b", ALLOW) == Allow(("house/b",), DataClass.INTERNAL, warnings=("w",))
    assert isinstance(only_at("openai/gpt", ALLOW), Deny)


@pytest.mark.parametrize("origin", [None, Origin("ann", "web", "openai/gpt")])
async def test_a_refusal_does_not_last_the_answer_may_be_known_a_moment_later(
    origin: Origin | None,
) -> None:
    decision = await held(origin)
    assert isinstance(decision, Deny)
    assert not decision.lasts


class LateOrigins(FakeOrigins):
    """Knows an answer once it has been told to catch up."""

    flushes = 0

    async def flush(self) -> None:
        self.flushes += 1
        self.known["resp_1"] = Origin("ann", "web", "house/b")


async def test_an_answer_that_is_only_just_durable_is_found() -> None:
    late = LateOrigins()
    origins = CaughtUp(late, late)
    assert await origins.origin_of("resp_1") == Origin("ann", "web", "house/b")
    assert await origins.origin_of("resp_1") is not None
    assert late.flushes == 1
    assert await origins.origin_of("resp_2") is None
