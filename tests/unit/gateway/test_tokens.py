"""Estimates learn each model's measure within bounds; counts come from a local file only."""

import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import tiktoken

from gateway.tokens import (
    LEAST_FACTOR,
    MOST_FACTOR,
    MOST_MODELS,
    TokenEstimator,
    bundled_vocabulary,
)
from policy.types import Segment, Zone

ROOT = Path(__file__).parents[3]
SAMPLE = (
    "def f(x):\n    return {\"a\": x}\r\n\r\n\t# Don't! You'LL see ÉCOLE straße 1234567 "
    "你好\uff0c世界 😀👍🏽 \u200b e\u0301  \n\n   x <|endoftext|> HTTPServer fooBarBaz\n"
)


def user(*texts: str) -> list[Segment]:
    return [Segment("messages.0.content", Zone.USER, text) for text in texts]


@pytest.fixture
async def counting() -> AsyncIterator[TokenEstimator]:
    estimator = TokenEstimator(bundled_vocabulary())
    yield estimator
    estimator.close()


@pytest.fixture
def estimating() -> TokenEstimator:
    return TokenEstimator(None)


def test_an_unknown_model_is_estimated_by_its_bytes(estimating: TokenEstimator) -> None:
    assert estimating.estimate("any", 0) == 0
    assert estimating.estimate("any", 1) == 1
    assert estimating.estimate("any", 28_000) == 10_000


def test_a_model_converges_to_what_its_answers_say(estimating: TokenEstimator) -> None:
    for _ in range(300):
        estimating.learn("dense", estimating.estimate("dense", 28_000), 15_000)
    assert estimating.estimate("dense", 28_000) == pytest.approx(15_000, rel=0.01)
    assert estimating.estimate("other", 28_000) == 10_000


def test_many_answers_that_know_an_old_factor_do_not_run_away(estimating: TokenEstimator) -> None:
    for _ in range(20):
        estimated = estimating.estimate("busy", 28_000)
        for _ in range(20):
            estimating.learn("busy", estimated, 15_000)
    assert estimating.estimate("busy", 28_000) == pytest.approx(15_000, rel=0.02)


@pytest.mark.parametrize(("actual", "factor"), [(1, LEAST_FACTOR), (10**12, MOST_FACTOR)])
def test_a_factor_stays_within_its_bounds(
    estimating: TokenEstimator, actual: int, factor: float
) -> None:
    for _ in range(1_000):
        estimating.learn("odd", estimating.estimate("odd", 2_800), actual)
    assert estimating.estimate("odd", 2_800_000) == pytest.approx(1_000_000 * factor, rel=1e-4)


def test_one_wild_figure_moves_a_model_little(estimating: TokenEstimator) -> None:
    estimating.learn("steady", 1_000, 10**9)
    assert estimating.estimate("steady", 2_800) < 1_100


@pytest.mark.parametrize(("estimated", "actual"), [(0, 5), (-1, 5), (5, 0), (5, -1)])
def test_figures_of_nothing_teach_nothing(
    estimating: TokenEstimator, estimated: int, actual: int
) -> None:
    estimating.learn("any", estimated, actual)
    assert estimating.estimate("any", 28_000) == 10_000


def test_the_model_least_lately_heard_of_is_forgotten(estimating: TokenEstimator) -> None:
    estimating.learn("first", 1_000, 2_000)
    estimating.learn("second", 1_000, 2_000)
    estimating.learn("first", 1_000, 2_000)
    for number in range(MOST_MODELS - 1):
        estimating.learn(f"model-{number}", 1_000, 2_000)
    assert estimating.estimate("second", 28_000) == 10_000
    assert estimating.estimate("first", 28_000) > 10_100


async def test_counts_equal_the_vocabularys_own(
    counting: TokenEstimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    vocabulary = bundled_vocabulary()
    assert vocabulary is not None
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(vocabulary.parent))
    own = tiktoken.get_encoding("o200k_base")
    assert await counting.count(user(SAMPLE)) == len(own.encode(SAMPLE, disallowed_special=()))
    assert await counting.count(user("hello world", "hi")) == 3


async def test_a_special_token_is_counted_as_its_letters(counting: TokenEstimator) -> None:
    counted = await counting.count(user("<|endoftext|>"))
    assert counted is not None
    assert counted > 1


async def test_nothing_at_all_is_no_tokens(counting: TokenEstimator) -> None:
    assert await counting.count([]) == 0
    assert await counting.count(user("")) == 0


@pytest.mark.parametrize("text", [" " * 300_000, "x" * 300_000, "\n" * 300_000, "😀" * 100_000])
async def test_odd_text_is_counted_too(counting: TokenEstimator, text: str) -> None:
    counted = await counting.count(user(text))
    assert counted is not None
    assert 0 < counted <= len(text)


async def test_text_beyond_the_bound_is_estimated_from_the_rest() -> None:
    estimator = TokenEstimator(bundled_vocabulary(), most_counted_characters=60_000)
    words = "word " * 4_000  # one piece
    whole = await estimator.count(user(words))
    assert whole is not None
    assert await estimator.count(user(*[words] * 10)) == whole * 10
    estimator.close()


async def test_nothing_is_counted_without_a_vocabulary(estimating: TokenEstimator) -> None:
    assert await estimating.count(user("hello")) is None


@pytest.mark.parametrize("content", [b"", b"aGVsbG8= 0\n", b"not a vocabulary"])
async def test_a_file_that_is_not_the_vocabulary_is_refused_and_said_so(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "vocabulary"
    path.write_bytes(content)
    estimator = TokenEstimator(path)
    with caplog.at_level(logging.ERROR):
        assert await estimator.count(user("hello")) is None
        assert await estimator.count(user("hello")) is None
    estimator.close()
    assert [record.message for record in caplog.records] == ["vocabulary_unusable"]


async def test_a_missing_file_counts_nothing(tmp_path: Path) -> None:
    estimator = TokenEstimator(tmp_path / "absent")
    assert await estimator.count(user("hello")) is None
    estimator.close()


OFFLINE = """
import asyncio, os, socket, sys

def refused(*arguments, **options):
    raise AssertionError("a socket was asked for")

class NoSocket(socket.socket):
    connect = connect_ex = refused

before = dict(os.environ)
from gateway.tokens import TokenEstimator, bundled_vocabulary
from policy.types import Segment, Zone

async def main():
    estimator = TokenEstimator(bundled_vocabulary())
    socket.socket, socket.getaddrinfo, socket.create_connection = NoSocket, refused, refused
    tokens = await estimator.count([Segment("a", Zone.USER, "hello world")])
    estimator.close()
    return tokens

print(asyncio.run(main()), "litellm" in sys.modules, dict(os.environ) == before)
"""


def test_counting_needs_no_socket_no_litellm_and_no_environment(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    counted = subprocess.run(
        [sys.executable, "-c", OFFLINE],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=tmp_path,
    )
    assert (counted.stdout, counted.stderr) == ("2 False True\n", "")
    assert list(tmp_path.iterdir()) == []


def test_the_socket_guard_of_these_tests_refuses() -> None:
    guarded = OFFLINE.partition("async def main")[0] + "NoSocket().connect(('127.0.0.1', 9))"
    tried = subprocess.run(
        [sys.executable, "-c", guarded], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert "a socket was asked for" in tried.stderr
