"""A refusal reaches a developer as the exception of the client they use, with words to act on."""

from typing import Any

import anthropic
import openai
import pytest

from tests.e2e.started import Key, Started

pytestmark = pytest.mark.asyncio(loop_scope="session")

HELLO: Any = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def keys(house: Started) -> dict[str, Key]:
    """A key of each team that has limits, and one of the team that has none."""
    return house.keys_for("small", "slow", "rare")


async def test_both_lists_of_models_are_what_the_key_may_use(
    chat: openai.AsyncOpenAI, messages: anthropic.AsyncAnthropic
) -> None:
    assert [each.id async for each in chat.models.list()] == ["coder", "rehearsal"]
    listed = [each async for each in messages.models.list(limit=1000)]
    assert [(each.id, each.display_name, each.type) for each in listed] == [
        ("coder", "coder", "model"),
        ("rehearsal", "rehearsal", "model"),
    ]


async def test_one_model_is_found_by_its_name(
    chat: openai.AsyncOpenAI, messages: anthropic.AsyncAnthropic
) -> None:
    assert (await chat.models.retrieve("coder")).id == "coder"
    assert (await messages.models.retrieve("coder")).id == "coder"
    with pytest.raises(openai.NotFoundError, match="model 'secret' is not offered to you"):
        await chat.models.retrieve("secret")
    with pytest.raises(anthropic.NotFoundError, match="model 'secret' is not offered to you"):
        await messages.models.retrieve("secret")


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("model", ["gpt-9", "secret"])
async def test_a_model_that_is_not_there_or_not_granted_is_the_same_refusal_on_chat(
    house: Started, chat: openai.AsyncOpenAI, model: str, streaming: bool
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await chat.chat.completions.create(model=model, messages=HELLO, stream=streaming)
    error = refused.value
    assert (error.code, error.type) == ("model_not_found", "invalid_request_error")
    assert f"model '{model}' is not offered to team default" in error.message
    assert "GET /v1/models lists yours" in error.message
    audit_id = error.response.headers["x-gatehouse-audit-id"]
    assert audit_id in error.message
    (record,) = house.story(audit_id)
    assert (record["kind"], record["rule"], record["model"]) == ("denied", "model_access", model)


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_model_that_is_not_there_is_refused_once_on_messages(
    house: Started, messages: anthropic.AsyncAnthropic, streaming: bool
) -> None:
    asking = messages.with_options(max_retries=3)
    with pytest.raises(anthropic.APIStatusError) as refused:
        await asking.messages.create(model="gpt-9", messages=HELLO, max_tokens=5, stream=streaming)
    error = refused.value
    assert error.status_code == 451
    assert error.response.headers["x-should-retry"] == "false"
    assert error.body["error"]["type"] == "permission_error"  # type: ignore[index]
    assert "model 'gpt-9' is not offered to team default" in error.message
    assert house.story(error.response.headers["request-id"])[-1]["kind"] == "denied"


async def test_the_key_may_come_as_either_header_of_anthropics_client(house: Started) -> None:
    http = anthropic.DefaultAsyncHttpxClient(trust_env=False)
    async with anthropic.AsyncAnthropic(
        base_url=house.base_url, api_key=house.developer_key, http_client=http
    ) as client:
        reply = await client.messages.create(model="rehearsal", messages=HELLO, max_tokens=5)
    assert reply.stop_reason == "max_tokens"


@pytest.mark.parametrize(
    ("key", "told"), [("sk-other", "no valid Gatehouse key"), ("gth_wrong", "is mistyped")]
)
async def test_a_wrong_key_is_an_authentication_error_of_either_client(
    house: Started, key: str, told: str
) -> None:
    async with house.openai(key) as chat, house.anthropic(key) as messages:
        with pytest.raises(openai.AuthenticationError, match=told):
            await chat.chat.completions.create(model="coder", messages=HELLO)
        with pytest.raises(anthropic.AuthenticationError, match=told):
            await messages.messages.create(model="coder", messages=HELLO, max_tokens=5)
        with pytest.raises(openai.AuthenticationError, match=told):
            await chat.models.list()


async def test_a_revoked_key_ends_while_its_holder_works(house: Started) -> None:
    key = house.key_for("default")
    async with house.openai(key.key) as chat:
        await chat.chat.completions.create(model="rehearsal", messages=HELLO)
        house.run("key", "revoke", key.id)
        with pytest.raises(openai.AuthenticationError):
            await _ask_until_refused(chat)


async def _ask_until_refused(chat: openai.AsyncOpenAI) -> None:
    for _ in range(1000):
        await chat.chat.completions.create(model="rehearsal", messages=HELLO)


async def test_too_large_a_request_is_refused_on_both_wires(
    house: Started, keys: dict[str, Key]
) -> None:
    large: Any = [{"role": "user", "content": "x" * 2000}]
    async with (
        house.openai(keys["small"].key) as chat,
        house.anthropic(keys["small"].key) as messages,
    ):
        with pytest.raises(openai.BadRequestError, match="team small may send 1024") as on_chat:
            await chat.chat.completions.create(model="rehearsal", messages=large)
        with pytest.raises(
            anthropic.APIStatusError, match="team small may send 1024"
        ) as on_messages:
            await messages.messages.create(model="rehearsal", messages=large, max_tokens=5)
    assert on_chat.value.code == "request_too_large"
    assert on_messages.value.status_code == 451


async def test_a_short_wait_is_a_rate_limit_error_that_says_how_long(
    house: Started, keys: dict[str, Key]
) -> None:
    async with house.openai(keys["slow"].key) as chat:
        with pytest.raises(openai.RateLimitError) as refused:
            await _ask_until_refused(chat)
    assert 0 < int(refused.value.response.headers["retry-after"]) <= 20
    assert "6 requests a minute; try again in" in refused.value.message


async def test_a_long_wait_is_a_denial_that_is_not_asked_again(
    house: Started, keys: dict[str, Key]
) -> None:
    async with house.anthropic(keys["rare"].key) as messages:
        ask = messages.with_options(max_retries=3).messages.create
        await ask(model="rehearsal", messages=HELLO, max_tokens=5)
        with pytest.raises(anthropic.APIStatusError) as refused:
            await ask(model="rehearsal", messages=HELLO, max_tokens=5)
    assert refused.value.status_code == 451
    assert "rule rates" in refused.value.message


async def test_what_the_client_sends_wrongly_is_its_bad_request(
    chat: openai.AsyncOpenAI, messages: anthropic.AsyncAnthropic
) -> None:
    wrong: Any = "no list"
    with pytest.raises(openai.BadRequestError, match="messages"):
        await chat.chat.completions.create(model="coder", messages=wrong)
    with pytest.raises(anthropic.BadRequestError, match="messages"):
        await messages.messages.create(model="coder", messages=wrong, max_tokens=5)
