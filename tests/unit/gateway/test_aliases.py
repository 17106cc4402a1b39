"""An alias is another spelling of its model and nothing else: not for policy, caps or books."""

import json

import orjson
import pytest
from msgspec.structs import replace

from gateway.inbound import Outbound
from tests.fakes.configurations import GOOD, configured
from tests.fakes.road import ANSWER, CHAT, MESSAGES, RESPONSES, Road, says

ALIASED = GOOD.replace(" }\nteams:", ", aliases: [claude-haiku-4-5] }\nteams:")
ALIAS = "claude-haiku-4-5"


@pytest.fixture
def road(tmp_path) -> Road:
    return Road(configured(tmp_path, ALIASED))


def told(outbound: Outbound) -> str:
    assert isinstance(outbound.body, bytes)
    return json.loads(outbound.body)["error"]["message"]


async def test_the_target_gets_its_own_name_and_the_ledger_both_of_the_callers(road):
    road.direct.replies = [says(ANSWER)]
    await road.pipeline.serve(road.ask(model=ALIAS))
    admitted, attempted, completed = road.ledger.bodies
    assert orjson.loads(road.direct.calls[0].body)["model"] == "qwen3-coder"
    assert (admitted["model"], admitted["asked_model"]) == ("coder", ALIAS)
    assert completed["model"] == "coder"
    assert [edit["kind"] for edit in attempted["edits"]] == ["model_name"]


async def test_a_model_asked_for_by_its_own_name_has_no_other_in_the_ledger(road):
    road.direct.replies = [says(ANSWER)]
    await road.pipeline.serve(road.ask())
    assert "asked_model" not in road.ledger.bodies[0]


async def test_an_alias_goes_only_where_policy_lets_its_model_go(road):
    road.direct.replies = [says(ANSWER)]
    await road.pipeline.serve(road.ask(model=ALIAS, team="payments"))
    assert road.ledger.bodies[0]["targets"] == ["house/qwen3-coder"]


async def test_the_models_caps_hold_under_every_name(tmp_path):
    road = Road(configured(tmp_path, ALIASED.replace("parallel: 40", "parallel: 1")))
    await road.books()
    answer = await road.pipeline.serve(road.ask(model=ALIAS))
    assert "parallel" in told(answer)


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
@pytest.mark.parametrize(
    "name",
    ["Claude-Haiku-4-5", "claude-haiku-4-5 ", "claude-haiku", "cl\u0430ude-haiku-4-5"],
)
async def test_another_spelling_is_an_unknown_model(road, path, name):
    await road.pipeline.serve(road.ask(path, model=name, input="hello"))
    assert road.ledger.kinds == ["denied"]
    assert road.ledger.bodies[0]["rule"] == "model_access"
    assert "asked_model" not in road.ledger.bodies[0]


async def test_a_denial_names_what_was_asked_and_not_what_it_stands_for(tmp_path):
    road = Road(configured(tmp_path, ALIASED.replace("models: [coder], data", "models: [], data")))
    answer = await road.pipeline.serve(road.ask(model=ALIAS, team="payments"))
    assert ALIAS in told(answer)
    assert "coder" not in told(answer)
    assert road.ledger.bodies[0]["model"] == "coder"


async def test_an_escaped_spelling_is_the_same_name(road):
    inbound = road.ask()
    body = inbound.reading.body.replace(b'"coder"', b'"\\u0063laude-haiku-4-5"')
    road.direct.replies = [says(ANSWER)]
    reading = inbound.wire.read(body)
    await road.pipeline.serve(replace(inbound, reading=reading))
    assert road.ledger.bodies[0]["model"] == "coder"
    assert orjson.loads(road.direct.calls[0].body)["model"] == "qwen3-coder"


async def test_what_is_learned_of_a_names_size_is_learned_under_that_name(road):
    road.direct.replies = [says(ANSWER)]
    before = road.estimator.estimate(ALIAS, 4_000)
    await road.pipeline.serve(road.ask(model=ALIAS))
    assert road.estimator.estimate(ALIAS, 4_000) != before
    assert road.estimator.estimate("coder", 4_000) == before
