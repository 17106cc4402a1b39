"""Direct targets: what leaves, what comes back, and what each refusal of a vendor means."""

import json

import pytest

from providers.base import UpstreamCall, UpstreamReply, WireName
from providers.errors import (
    ProviderBusy,
    ProviderCredentials,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from providers.http.client import HttpClient
from providers.passthrough import ERROR_BODY_BYTES, Passthrough
from tests.fakes.vendor import FakeVendor
from tests.fakes.vendor_targets import CHAT, MESSAGES, call_to, target_at

KEY = "sk-vendor/secret+key"
VERSION = ((b"anthropic-version", b"2023-06-01"), (b"anthropic-beta", b"a,b"))


@pytest.fixture
async def sender():
    client = HttpClient(tick_seconds=3600)
    yield Passthrough(client, version="0.1.0")
    await client.aclose()


@pytest.fixture
async def vendor():
    async with FakeVendor(key=KEY) as made:
        yield made


def openai_call(vendor: FakeVendor, **options) -> UpstreamCall:
    return call_to(target_at(f"{vendor.url}/v1", kind="openai", key=KEY), **options)


def anthropic_call(vendor: FakeVendor, **options) -> UpstreamCall:
    target = target_at(f"{vendor.url}/v1", kind="anthropic", key=KEY)
    return call_to(target, MESSAGES, headers=VERSION, **options)


async def read_all(reply: UpstreamReply) -> bytes:
    found = b""
    while piece := await reply.body.read():
        found += piece
    return found


async def test_an_upstream_cannot_write_headers_in_our_name(sender, vendor):
    vendor.behaves(headers=(("x-gatehouse-dropped", "tools"), ("x-request-id", "theirs")))
    reply = await sender.send(openai_call(vendor))
    await read_all(reply)
    names = {name for name, _ in reply.headers}
    assert b"x-request-id" in names
    assert not any(name.startswith(b"x-gatehouse-") for name in names)


async def test_a_chat_request_leaves_as_it_is_and_its_answer_comes_back_as_it_is(sender, vendor):
    vendor.says("forty-two")
    call = openai_call(vendor)
    reply = await sender.send(call)
    answer = json.loads(await read_all(reply))
    assert vendor.calls[0].body == call.body
    assert vendor.calls[0].path == "/v1/chat/completions"
    assert answer["choices"][0]["message"]["content"] == "forty-two"
    assert vendor.refusals == []


async def test_the_head_of_a_request_holds_these_headers_and_no_others(sender, vendor):
    await sender.send(openai_call(vendor))
    assert vendor.calls[0].headers == (
        ("host", f"127.0.0.1:{vendor.port}"),
        ("user-agent", "gatehouse/0.1.0"),
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("accept-encoding", "identity"),
        ("authorization", f"Bearer {KEY}"),
        ("content-length", str(len(vendor.calls[0].body))),
    )


async def test_a_messages_request_carries_its_key_and_version_as_anthropic_wants(sender, vendor):
    reply = await sender.send(anthropic_call(vendor, streaming=True))
    events = await read_all(reply)
    call = vendor.calls[0]
    assert events.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
    assert (call.path, call.header("x-api-key")) == ("/v1/messages", KEY)
    assert (call.header("anthropic-version"), call.header("anthropic-beta")) == (
        "2023-06-01",
        "a,b",
    )
    assert call.header("authorization") is None
    assert call.header("accept") == "text/event-stream"


async def test_a_token_count_goes_to_its_own_path(sender, vendor):
    vendor.counts(1234)
    reply = await sender.send(anthropic_call(vendor, counting=True))
    assert json.loads(await read_all(reply)) == {"input_tokens": 1234}
    assert vendor.calls[0].path == "/v1/messages/count_tokens"


@pytest.mark.parametrize("wire", [CHAT, MESSAGES])
async def test_an_engine_in_the_house_is_asked_below_its_root(sender, wire):
    async with FakeVendor(key="house-key", bearer_everywhere=True) as engine:
        target = target_at(engine.url, key="house-key")
        await sender.send(call_to(target, wire))
        assert engine.calls[0].header("authorization") == "Bearer house-key"
        assert engine.refusals == []


async def test_an_engine_without_a_key_is_shown_none(sender):
    async with FakeVendor(key=None) as engine:
        await sender.send(call_to(target_at(engine.url)))
        assert engine.calls[0].header("authorization") is None


async def test_two_models_on_a_wire_that_names_them_in_the_path_have_two_paths(sender):
    async with FakeVendor(key=None) as engine:
        for model in ("one", "two"):
            call = call_to(target_at(engine.url, model), WireName.GEMINI)
            with pytest.raises(ProviderRejected):
                await sender.send(call)
        assert [call.path for call in engine.calls] == [
            "/v1beta/models/one:generateContent",
            "/v1beta/models/two:generateContent",
        ]


async def test_headers_that_are_ours_are_never_taken_from_a_caller(sender, vendor):
    stolen = (
        (b"authorization", b"Bearer other"),
        (b"host", b"evil"),
        (b"cookie", b"a=b"),
        (b"content-length", b"1"),
        (b"accept-encoding", b"gzip"),
    )
    await sender.send(openai_call(vendor, headers=stolen))
    names = [name for name, _ in vendor.calls[0].headers]
    assert len(names) == len(set(names))
    assert vendor.calls[0].header("authorization") == f"Bearer {KEY}"
    assert vendor.calls[0].header("cookie") is None


async def test_a_header_that_breaks_out_of_its_line_never_leaves(sender, vendor):
    call = openai_call(vendor, headers=((b"anthropic-beta", b"a\r\nx-evil: b"),))
    with pytest.raises(ValueError, match="line break"):
        await sender.send(call)
    assert vendor.calls == []


async def test_a_reloaded_vendor_is_addressed_anew(sender, vendor):
    async with FakeVendor(key=None) as other:
        await sender.send(openai_call(vendor))
        await sender.send(call_to(target_at(other.url)))
        await sender.send(openai_call(vendor))
    assert (len(vendor.calls), len(other.calls)) == (2, 1)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_ours_and_not_the_callers(sender, vendor, status):
    vendor.fails(status)
    with pytest.raises(ProviderCredentials) as caught:
        await sender.send(openai_call(vendor))
    assert (caught.value.try_next, caught.value.target) == (True, "house/standin")
    assert caught.value.status == status


async def test_googles_400_for_a_bad_key_is_about_ours_too(sender, vendor):
    body = b'{"error":{"code":400,"details":[{"reason":"API_KEY_INVALID"}]}}'
    vendor.answers(400, body)
    with pytest.raises(ProviderCredentials):
        await sender.send(openai_call(vendor))


@pytest.mark.parametrize("status", [429, 529])
async def test_a_busy_vendor_says_how_long_it_is_busy(sender, vendor, status):
    vendor.fails(status, retry_after="7")
    with pytest.raises(ProviderBusy) as caught:
        await sender.send(openai_call(vendor))
    assert caught.value.retry_after_seconds == 7.0
    assert caught.value.status == status


async def test_a_408_is_a_timeout(sender, vendor):
    vendor.fails(408)
    with pytest.raises(ProviderTimeout):
        await sender.send(openai_call(vendor))


@pytest.mark.parametrize("status", [400, 404, 413, 422])
async def test_any_other_4xx_is_the_callers_to_mend(sender, vendor, status):
    vendor.fails(status, message="max_tokens is too large")
    with pytest.raises(ProviderRejected) as caught:
        await sender.send(openai_call(vendor))
    error = caught.value
    assert (error.status, error.same_protocol, error.try_next) == (status, True, False)
    assert json.loads(error.body)["error"]["message"] == "max_tokens is too large"


async def test_a_refusal_on_messages_keeps_anthropics_form(sender, vendor):
    with pytest.raises(ProviderRejected) as caught:
        await sender.send(anthropic_call(vendor, unknown_field=1))
    assert json.loads(caught.value.body)["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_5xx_is_no_answer(sender, vendor, status):
    vendor.fails(status, message="prompt was: hello")
    with pytest.raises(ProviderUnavailable) as caught:
        await sender.send(openai_call(vendor))
    assert caught.value.status == status
    assert "prompt" not in str(caught.value)
    assert caught.value.told == "prompt was: hello"


@pytest.mark.parametrize(
    ("told", "shown"),
    [(KEY, "***"), (KEY.replace("/", "\\/"), "***")],
    ids=["plain", "escaped"],
)
async def test_a_vendor_that_repeats_our_key_is_masked(sender, vendor, told, shown):
    body = b'{"error":{"message":"bad key ' + told.encode() + b'"}}'
    vendor.answers(400, body, headers=(("x-echo", f"key={told}"),))
    with pytest.raises(ProviderRejected) as caught:
        await sender.send(openai_call(vendor))
    assert caught.value.body == f'{{"error":{{"message":"bad key {shown}"}}}}'.encode()
    assert "secret" not in repr((caught.value.headers, caught.value.args, vars(caught.value)))


@pytest.mark.parametrize("status", [400, 401, 429, 500, 302, 200])
async def test_no_error_ever_shows_our_key(sender, vendor, status):
    vendor.answers(status, KEY.encode(), content_type="text/plain", headers=(("location", KEY),))
    with pytest.raises(Exception, match="the model's server") as caught:
        await sender.send(openai_call(vendor))
    assert "secret" not in repr((caught.value, vars(caught.value), caught.value.__cause__))


@pytest.mark.parametrize("key", ["two\nlines", "späß", " padded", "nul\0"])
async def test_a_key_no_header_can_carry_is_refused_without_showing_it(sender, vendor, key):
    call = call_to(target_at(f"{vendor.url}/v1", kind="openai", key=key))
    with pytest.raises(ProviderCredentials) as caught:
        await sender.send(call)
    assert key.strip() not in repr((caught.value, caught.value.__context__))
    assert vendor.calls == []


async def test_an_address_that_is_none_is_told_without_a_connection(sender):
    with pytest.raises(ProviderUnavailable, match="cannot be addressed"):
        await sender.send(call_to(target_at("ftp://house")))


async def test_a_refusal_that_is_no_json_is_not_handed_on(sender, vendor):
    vendor.answers(404, b"<html>nginx</html>", content_type="text/html")
    with pytest.raises(ProviderRejected) as caught:
        await sender.send(openai_call(vendor))
    assert (caught.value.body, caught.value.same_protocol) == (b"", False)


async def test_a_refusal_over_its_bound_is_not_handed_on(sender, vendor):
    vendor.answers(400, b'"' + b"x" * ERROR_BODY_BYTES + b'"')
    with pytest.raises(ProviderRejected) as caught:
        await sender.send(openai_call(vendor))
    assert (caught.value.body, caught.value.same_protocol) == (b"", False)


async def test_a_refusal_that_breaks_off_is_not_handed_on(sender, vendor):
    vendor.fails(400)
    vendor.cuts_after(body_bytes=10)
    with pytest.raises(ProviderRejected) as caught:
        await sender.send(openai_call(vendor))
    assert (caught.value.body, caught.value.same_protocol) == (b"", False)
