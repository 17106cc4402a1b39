"""The table of contents of the client protocols."""

from gateway.wire import NOTE_FORMS, WIRES, wires
from providers.base import WireName


def test_every_protocol_is_offered_once_at_a_path_of_its_own() -> None:
    offered = wires(lambda model, text_bytes: text_bytes)
    assert len(offered) == len(WIRES)
    assert [wire.path for wire in offered] == [
        "/v1/chat/completions",
        "/v1/responses",
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/completions",
        "/v1/fim/completions",
        "/v1/embeddings",
        "/v1/rerank",
    ]
    assert [wire.path for wire in offered if wire.counting] == ["/v1/messages/count_tokens"]


def test_the_estimate_is_the_one_that_was_given() -> None:
    asked: list[tuple[str, int]] = []

    def estimate(model: str, text_bytes: int) -> int:
        asked.append((model, text_bytes))
        return 42

    offered = wires(estimate)
    estimates = [wire.read(body_of(wire.name)).facts.input_tokens_estimate for wire in offered]
    assert estimates == [42] * len(WIRES)
    assert [model for model, _ in asked] == ["m"] * len(WIRES)


def body_of(name: WireName) -> bytes:
    if name is WireName.OPENAI_RESPONSES:
        return b'{"model":"m","input":[]}'
    return b'{"model":"m","messages":[],"prompt":"","input":"","query":"","documents":[""]}'


def test_notes_stand_in_the_protocols_that_people_talk_by() -> None:
    talked = {"openai_chat", "openai_responses", "anthropic_messages", "gemini"}
    assert {name.value for name in NOTE_FORMS} == talked
