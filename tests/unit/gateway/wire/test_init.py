"""The table of contents of the client protocols."""

from gateway.wire import WIRES, wires


def test_every_protocol_is_offered_once_at_a_path_of_its_own() -> None:
    offered = wires(lambda model, text_bytes: text_bytes)
    assert len(offered) == len(WIRES)
    assert [wire.path for wire in offered] == [
        "/v1/chat/completions",
        "/v1/responses",
        "/v1/messages",
        "/v1/messages/count_tokens",
    ]
    assert [wire.counting for wire in offered] == [False, False, False, True]


def test_the_estimate_is_the_one_that_was_given() -> None:
    asked: list[tuple[str, int]] = []

    def estimate(model: str, text_bytes: int) -> int:
        asked.append((model, text_bytes))
        return 42

    body = b'{"model":"coder","messages":[],"input":[]}'
    estimates = [wire.read(body).facts.input_tokens_estimate for wire in wires(estimate)]
    assert estimates == [42, 42, 42, 42]
    assert asked == [("coder", 2)] * 4
