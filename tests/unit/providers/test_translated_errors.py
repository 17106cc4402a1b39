"""What the vendor answered decides what a failure is, whatever LiteLLM called it."""

import json
from typing import Any

import httpx
import openai
import pytest

from providers.errors import (
    ProviderBusy,
    ProviderCredentials,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    ReplyCut,
)
from providers.http.reply import Timeouts
from providers.translated_errors import translate_failure
from providers.translation.departure import Cargo
from providers.translation.hub import Losses
from providers.translation.watch import ReplyWatch
from providers.watched_http import Errand
from tests.fakes.translation import CHAT, target

NOISE = ValueError("Traceback: the secret prompt")


def errand(status: int | None = None, body: bytes = b"", **headers: str) -> Errand:
    watch = ReplyWatch(answers=1)
    watch.status, watch.headers = status, headers
    watch.feed(body)
    return Errand(
        target=target("qwen", "http://x"),
        speaks=CHAT,
        path="/",
        cargo=Cargo.copy({"messages": []}, CHAT),
        losses=Losses(),
        watch=watch,
        timeouts=Timeouts(),
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, ProviderUnavailable),
        (400, ProviderRejected),
        (401, ProviderCredentials),
        (402, ProviderCredentials),
        (403, ProviderCredentials),
        (404, ProviderRejected),
        (408, ProviderTimeout),
        (418, ProviderRejected),
        (429, ProviderBusy),
        (500, ProviderUnavailable),
        (504, ProviderTimeout),
        (529, ProviderBusy),
    ],
)
def test_a_status_decides(status, kind):
    found = translate_failure(NOISE, errand(status))
    assert type(found) is kind
    assert found.target == "qwen/m-1"
    assert "secret" not in found.message


@pytest.mark.parametrize(
    ("told", "seconds"), [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("soon", None), ("", None)]
)
def test_how_long_to_wait_is_told_in_seconds(told, seconds):
    found = translate_failure(NOISE, errand(429, **{"retry-after": told}))
    assert isinstance(found, ProviderBusy)
    assert found.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"error":{"message":"too long","code":"context_length"}}', "too long", "context_length"),
        (b'{"error":"plain"}', "plain", None),
        (b'{"message":"bare","code":7}', "bare", None),
        (b"<html>", "the vendor answered 400", None),
        (b"[1]", "the vendor answered 400", None),
    ],
)
def test_the_vendors_words_are_told_in_openais_form(body: bytes, message: str, code: Any) -> None:
    found = translate_failure(NOISE, errand(400, body))
    assert isinstance(found, ProviderRejected)
    error = json.loads(found.body)["error"]
    assert (error["message"], error["code"]) == (message, code)


def test_what_the_way_out_saw_comes_first():
    ran = errand(200)
    ran.failure = ProviderTimeout("silent")
    assert translate_failure(NOISE, ran) is ran.failure


def test_a_stream_that_fails_is_cut():
    ran = errand(200)
    ran.watch.is_stream = True
    assert isinstance(translate_failure(NOISE, ran), ReplyCut)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NOISE, ProviderUnavailable),
        (openai.APITimeoutError(httpx.Request("POST", "http://x")), ProviderTimeout),
        (
            openai.BadRequestError(
                "the secret prompt",
                response=httpx.Response(400, request=httpx.Request("POST", "http://x")),
                body=None,
            ),
            ProviderRejected,
        ),
    ],
)
def test_what_never_left_is_told_without_quoting(error, kind):
    found: ProviderError = translate_failure(error, errand())
    assert type(found) is kind
    assert "secret" not in found.message + str(getattr(found, "body", ""))


def test_googles_400_for_a_bad_key_is_about_our_key():
    body = b'{"error":{"details":[{"reason":"API_KEY_INVALID"}]}}'
    assert type(translate_failure(NOISE, errand(400, body))) is ProviderCredentials
