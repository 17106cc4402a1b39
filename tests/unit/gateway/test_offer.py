"""What is on offer: a team's models, each with the limits that are known of its targets."""

import pytest

from gateway.errors import NotAuthenticated
from gateway.offer import Offer
from gateway.wire.model_lists import ListedModel
from providers.catalogue import Price, PriceBook
from tests.fakes.configurations import configured
from tests.fakes.road import Road

KNOWN = Price(input=1, output=1, context_tokens=128_000, output_tokens=8_192)


async def listed(tmp_path, prices) -> list[ListedModel]:
    road = Road(configured(tmp_path))
    key = (await road.a_key()).encode()
    offer = Offer(road.pipeline, PriceBook("2026-11-21", "a test", prices))
    return offer.to(((b"x-goog-api-key", key),))


async def test_a_models_limits_are_those_of_the_first_target_that_they_are_known_of(tmp_path):
    (model,) = await listed(tmp_path, {"deepseek": {"deepseek-chat": KNOWN}})
    assert (model.id, model.input_tokens_limit, model.output_tokens_limit) == (
        "coder",
        128_000,
        8_192,
    )


async def test_where_nobody_knows_a_limit_none_is_told(tmp_path):
    (model,) = await listed(tmp_path, {})
    assert (model.input_tokens_limit, model.output_tokens_limit) == (None, None)


async def test_nothing_is_on_offer_to_a_stranger(tmp_path):
    offer = Offer(Road(configured(tmp_path)).pipeline, PriceBook("", "", {}))
    with pytest.raises(NotAuthenticated):
        offer.to(())
