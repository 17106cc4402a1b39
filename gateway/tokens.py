"""Estimate tokens from bytes, learn each model's own measure, and count where it matters."""

import asyncio
import base64
import hashlib
import importlib.util
import logging
import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from policy.types import Segment

if TYPE_CHECKING:
    from tiktoken import Encoding

BYTES_PER_TOKEN: Final = 2.8
"""Of JSON with code and prose in it, on the low side: a reservation had better be too high."""

SMOOTHING: Final = 0.05
"""How far one answer moves a model's factor. Small: answers on their way know an older one."""

LEAST_FACTOR: Final = 0.25
MOST_FACTOR: Final = 4.0
MOST_MODELS: Final = 512
MOST_COUNTED_CHARACTERS: Final = 8_000_000
"""Text beyond this is not counted but estimated from the part that was."""

_PIECE: Final = 20_000  # characters counted at once: bounds what odd text costs; a cut may add one

_VOCABULARY_FILE: Final = "fb374d419588a4632f3f557e76b4b70aebbca790"
_VOCABULARY_SHA256: Final = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
_UPPER: Final = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER: Final = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_WORD_START: Final = r"[^\r\n\p{L}\p{N}]?"
_CONTRACTION: Final = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
# What defines o200k_base beside its file: how text is split before pairs are merged.
_SPLIT: Final = "|".join(
    (
        f"{_WORD_START}{_UPPER}*{_LOWER}+{_CONTRACTION}",
        f"{_WORD_START}{_UPPER}+{_LOWER}*{_CONTRACTION}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)

log = logging.getLogger(__name__)


def bundled_vocabulary() -> Path | None:
    """The o200k_base vocabulary that the LiteLLM wheel carries, found without importing LiteLLM."""
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "litellm_core_utils" / "tokenizers" / _VOCABULARY_FILE
    return path if path.is_file() else None


class TokenEstimator:
    """How many tokens a text has: at once by its bytes, or exactly (o200k_base) in a thread.

    `vocabulary` is a local file; None counts nothing. Nothing is ever fetched. The estimates
    belong to one event loop; `count` runs in one thread of its own.
    """

    def __init__(
        self, vocabulary: Path | None, *, most_counted_characters: int = MOST_COUNTED_CHARACTERS
    ) -> None:
        self._vocabulary = vocabulary
        self._most_counted_characters = most_counted_characters
        self._factors: OrderedDict[str, float] = OrderedDict()
        self._encoding: Encoding | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokens")

    def estimate(self, model: str, text_bytes: int) -> int:
        """Estimated tokens of `text_bytes` bytes for `model`."""
        return math.ceil(text_bytes / BYTES_PER_TOKEN * self._factors.get(model, 1.0))

    def learn(self, model: str, estimated: int, actual: int) -> None:
        """Take in that what was estimated at `estimated` tokens had in truth `actual`."""
        if estimated <= 0 or actual <= 0:
            return
        ratio = _clamp(actual / estimated)
        factor = self._factors.pop(model, 1.0) * ratio**SMOOTHING
        self._factors[model] = _clamp(factor)
        if len(self._factors) > MOST_MODELS:
            self._factors.popitem(last=False)

    async def count(self, segments: Sequence[Segment]) -> int | None:
        """The tokens of these texts by o200k_base; None where there is no usable vocabulary.

        Text is taken as text: what looks like a special token is counted as its letters.
        """
        if self._vocabulary is None:
            return None
        texts = [segment.text for segment in segments]
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._count_now, texts)

    def close(self) -> None:
        """Let the thread go; counts that wait are dropped."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _count_now(self, texts: Iterable[str]) -> int | None:
        encoding = self._encoding or self._load()
        if encoding is None:
            return None
        counted = skipped = tokens = 0
        for piece in _pieces(texts):
            if counted >= self._most_counted_characters:
                skipped += len(piece)
                continue
            counted += len(piece)
            tokens += len(encoding.encode(piece, disallowed_special=()))
        return tokens + (skipped * tokens // counted if skipped else 0)

    def _load(self) -> "Encoding | None":
        assert self._vocabulary is not None
        ranks = _read_ranks(self._vocabulary)
        if ranks is None:
            log.error("vocabulary_unusable", extra={"path": str(self._vocabulary)})
            self._vocabulary = None
            return None
        from tiktoken import Encoding

        self._encoding = Encoding(
            name="o200k_base", pat_str=_SPLIT, mergeable_ranks=ranks, special_tokens={}
        )
        return self._encoding


def _read_ranks(path: Path) -> dict[bytes, int] | None:
    """A token in base64 and its rank on each line; None unless it is the known file."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content).hexdigest() != _VOCABULARY_SHA256:
        return None
    pairs = (line.split() for line in content.splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in pairs}


def _pieces(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for start in range(0, len(text), _PIECE):
            yield text[start : start + _PIECE]


def _clamp(factor: float) -> float:
    return min(max(factor, LEAST_FACTOR), MOST_FACTOR)
