"""What is measured: bodies, connections, rates and streams, one name each."""

import math
from dataclasses import dataclass

OPENAI, ANTHROPIC = "openai_chat", "anthropic_messages"
COMPLETIONS = "openai_completions"
PATHS = {
    OPENAI: "/v1/chat/completions",
    ANTHROPIC: "/v1/messages",
    COMPLETIONS: "/v1/completions",
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of load.

    Closed loop: each of `connections` asks again as soon as it has its answer. Open loop
    (`arrivals_per_second`): Poisson arrivals over at most `connections`, each latency counted
    from the scheduled arrival, so that a stalled server is charged for those it kept waiting.
    Streams: `chunks` of content, `chunk_delay_us` apart, the first requests spread over
    `ramp_seconds`.
    """

    name: str
    body: str
    connections: int
    wire: str = OPENAI
    arrivals_per_second: int = 0
    chunks: int = 0
    chunk_delay_us: int = 0
    ramp_seconds: float = 0.0
    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()

    @property
    def streamed(self) -> bool:
        """Whether the answer comes as events."""
        return self.chunks > 0

    def window_seconds(self, wanted: float) -> float:
        """The measured time: whole lives of a stream, or a window would count some twice."""
        life = self.chunks * self.chunk_delay_us / 1e6
        if not self.ramp_seconds or not life:
            return wanted
        return math.ceil(wanted / life) * life

    def covers(self, system: str) -> bool:
        """Whether this scenario says anything about `system`."""
        return system not in self.without and (not self.only or system in self.only)


# More streams than these carry on one core would measure their queues, not their work.
FEW_STREAMS = frozenset({"litellm-proxy"})
SOME_STREAMS = frozenset({"litellm-proxy", "portkey"})
# The peers speak OpenAI chat here; nginx and the stand-in do not mind.
MESSAGES = frozenset({"direct", "nginx", "gatehouse"})

SCENARIOS = (
    Scenario("1kb-c1", "1kb", 1),
    Scenario("1kb-c16", "1kb", 16),
    Scenario("1kb-c64", "1kb", 64),
    Scenario("1kb-open100", "1kb", 200, arrivals_per_second=100),
    Scenario("100kb-c1", "100kb", 1),
    Scenario("100kb-c16", "100kb", 16),
    Scenario("1mb-c4", "1mb", 4),
    Scenario("1kb-stream-c1", "1kb", 1, chunks=10, chunk_delay_us=4_000),
    Scenario("1kb-stream-burst-c16", "1kb", 16, chunks=50),
    Scenario(
        "100kb-stream-open10",
        "100kb",
        400,
        arrivals_per_second=10,
        chunks=50,
        chunk_delay_us=20_000,
    ),
    Scenario("1mb-stream-c4", "1mb", 4, chunks=50, chunk_delay_us=2_000),
    Scenario("streams-20x50", "1kb", 20, chunks=50, chunk_delay_us=20_000, ramp_seconds=1),
    Scenario(
        "streams-200x50",
        "1kb",
        200,
        chunks=50,
        chunk_delay_us=20_000,
        ramp_seconds=1,
        without=FEW_STREAMS,
    ),
    Scenario(
        "streams-500x50",
        "1kb",
        500,
        chunks=50,
        chunk_delay_us=20_000,
        ramp_seconds=1,
        without=SOME_STREAMS,
    ),
    Scenario(
        "streams-1000x20",
        "1kb",
        1000,
        chunks=40,
        chunk_delay_us=50_000,
        ramp_seconds=1.5,
        without=SOME_STREAMS,
    ),
    Scenario("messages-1kb-c16", "1kb", 16, wire=ANTHROPIC, only=MESSAGES),
    Scenario("messages-100kb-c16", "100kb", 16, wire=ANTHROPIC, only=MESSAGES),
    Scenario(
        "messages-1kb-stream-c1",
        "1kb",
        1,
        wire=ANTHROPIC,
        chunks=10,
        chunk_delay_us=4_000,
        only=MESSAGES,
    ),
    Scenario(
        "messages-streams-200x50",
        "1kb",
        200,
        wire=ANTHROPIC,
        chunks=50,
        chunk_delay_us=20_000,
        ramp_seconds=1,
        only=MESSAGES,
    ),
    Scenario("fim-4kb-c1", "4kb", 1, wire=COMPLETIONS),
    Scenario("fim-4kb-c16", "4kb", 16, wire=COMPLETIONS),
    Scenario("fim-4kb-stream-c1", "4kb", 1, wire=COMPLETIONS, chunks=10, chunk_delay_us=4_000),
)
BY_NAME = {each.name: each for each in SCENARIOS}

# The least that lets every bar be judged.
QUICK = (
    "1kb-c1",
    "1kb-c16",
    "100kb-c16",
    "1mb-c4",
    "1kb-stream-c1",
    "streams-20x50",
    "streams-200x50",
    "streams-1000x20",
)


def pick(names: str) -> tuple[Scenario, ...]:
    """The scenarios of a comma-separated list. Raises `ValueError` naming an unknown one."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in BY_NAME:
            raise ValueError(f"no scenario {name!r}; there are: {', '.join(BY_NAME)}")
    return tuple(BY_NAME[name] for name in wanted)
