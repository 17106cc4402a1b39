"""What an upstream says on responses, as the hub's chat: OpenAI's events and lesser ones."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.translation.from_responses import UpstreamResponse, chat_usage
from providers.translation.hub import Json
from providers.translation.response_items import StrangeReply

USAGE = {
    "input_tokens": 40,
    "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 4},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 47,
}


def text_part(text: str, kind: str = "output_text") -> Json:
    return {"type": kind, "refusal" if kind == "refusal" else "text": text}


def message(*parts: Json) -> Json:
    return {"type": "message", "id": "msg_1", "content": list(parts)}


def reasoning(*, full: str = "", short: tuple[str, ...] = ()) -> Json:
    content = [text_part(full, "reasoning_text")] if full else []
    summary = [text_part(each, "summary_text") for each in short]
    return {"type": "reasoning", "id": "rs_1", "content": content, "summary": summary}


def call(arguments: str, at: int = 0, **more: Any) -> Json:
    named = {"id": f"fc_{at}", "call_id": f"call_{at}", "name": "f"}
    return {"type": "function_call", **named, "arguments": arguments, **more}


def added(item: Json, at: int | None = 0) -> Json:
    place = {} if at is None else {"output_index": at}
    return {"type": "response.output_item.added", **place, "item": item}


def done(item: Json, at: int | None = 0) -> Json:
    return {**added(item, at), "type": "response.output_item.done"}


def delta(kind: str, text: str, **place: Any) -> Json:
    return {"type": f"response.{kind}.delta", "delta": text, **place}


def end(*output: Json, status: str = "completed", **more: Any) -> Json:
    response = {"status": status, "output": list(output), **more}
    return {"type": f"response.{status}", "response": response}


def told(*events: Json) -> Json:
    """The chunks of a stream put together."""
    reader, whole = UpstreamResponse(), dict[str, Any](calls=[])
    for event in events:
        for chunk in reader.read(event):
            (choice,) = chunk["choices"]
            whole["finish"] = choice["finish_reason"]
            whole["usage"] = chunk.get("usage")
            for name, said in choice["delta"].items():
                if name != "tool_calls":
                    whole[name] = whole.get(name, "") + said
                    continue
                for piece in said:
                    if piece["index"] == len(whole["calls"]):
                        whole["calls"].append([piece["id"], piece["function"]["name"], ""])
                    whole["calls"][piece["index"]][2] += piece["function"]["arguments"]
    return whole


def test_words_calls_and_the_end_are_told_piece_by_piece():
    whole = told(
        {"type": "response.created", "response": {"status": "in_progress", "output": []}},
        added(reasoning()),
        delta("reasoning_text", "Hm."),
        done(reasoning(full="Hm.")),
        added(message(), 1),
        delta("output_text", "Let "),
        delta("output_text", "me."),
        done(message(text_part("Let me.")), 1),
        added(call(""), 2),
        delta("function_call_arguments", '{"a"', item_id="fc_0", output_index=2),
        delta("function_call_arguments", ": 1}", item_id="fc_0", output_index=2),
        done(call('{"a": 1}'), 2),
        end(message(text_part("Let me.")), call('{"a": 1}'), usage=USAGE),
    )
    assert (whole["reasoning_content"], whole["content"]) == ("Hm.", "Let me.")
    assert whole["calls"] == [["call_0", "f", '{"a": 1}']]
    assert (whole["finish"], whole["usage"]) == ("tool_calls", chat_usage(USAGE))


@pytest.mark.parametrize("place", [{"item_id": "fc_1"}, {"output_index": 1}, {}])
def test_arguments_find_their_call_by_whatever_the_engine_names(place):
    numbers = (0, 1) if place else (None, None)
    whole = told(
        added(call("", 0), numbers[0]),
        added(call("", 1), numbers[1]),
        delta("function_call_arguments", '{"b": 2}', **place),
        done(call("{}", 0)),
        end(),
    )
    assert whole["calls"] == [["call_0", "f", "{}"], ["call_1", "f", '{"b": 2}']]


def test_interleaved_arguments_stay_apart():
    pieces = [
        delta("function_call_arguments", text, item_id=f"fc_{at}")
        for text in ('{"x"', ": 1}")
        for at in (1, 0)
    ]
    whole = told(added(call("", 0)), added(call("", 1), 1), *pieces, end())
    assert [each[2] for each in whole["calls"]] == ['{"x": 1}', '{"x": 1}']


@pytest.mark.parametrize(
    "events",
    [
        [done(call("{}"))],
        [added(call("")), done(call("{}"))],
        [added(call("")), delta("function_call_arguments", "{", item_id="fc_0"), done(call("{}"))],
        [
            added(call("")),
            {"type": "response.function_call_arguments.done", "item_id": "fc_0", "arguments": "{}"},
        ],
        [added({"type": "function_call", "id": "fc_0"}), done(call("{}"))],
        [added(call("")), delta("function_call_arguments", "{", item_id="fc_0")],
        [],
    ],
)
def test_what_was_not_streamed_is_supplied_once(events):
    whole = told(*events, end(call("{}")))
    assert whole["calls"] == [["call_0", "f", "{}"]]


def test_arguments_of_a_call_without_a_name_wait_for_it():
    whole = told(
        added(call("", 0)),
        added({"type": "function_call", "id": "fc_1"}, 1),
        delta("function_call_arguments", "{}", item_id="fc_1", output_index=1),
        end(call("", 0), call("{}", 1)),
    )
    assert whole["calls"] == [["call_0", "f", ""], ["call_1", "f", "{}"]]


RENAMED = {"id": "fc_other", "call_id": "call_other"}


@pytest.mark.parametrize(
    "events",
    [
        [added(call("")), delta("function_call_arguments", "{", item_id="fc_0"), done(call("{}"))],
        [added(call("")), done(call("{}", **RENAMED))],
        [added(call("", call_id=None)), done(call("{}"))],
        [added(call("", id=None, call_id=None)), done(call("{}"))],
        [added(call("", id=None)), delta("function_call_arguments", "{}", item_id="call_0")],
        [added(call("")), added(call("")), done(call("{}"))],
        [added(call("")), done(call("{}"), 1)],
        [done(call("{}"))],
        [],
    ],
)
@pytest.mark.parametrize("last", [{}, RENAMED, {"id": None}, {"id": None, "call_id": None}])
def test_a_call_is_told_once_whatever_it_is_called_later(events, last):
    whole = told(*events, end(call("{}", **last)))
    assert [each[1:] for each in whole["calls"]] == [["f", "{}"]]


def test_equal_calls_are_as_many_as_the_whole_answer_holds():
    whole = told(
        added(call("")),
        done(call("{}")),
        end(*[call("{}", id=f"fc_other_{at}", call_id=f"call_other_{at}") for at in range(3)]),
    )
    called = ["call_0", "call_other_1", "call_other_2"]
    assert whole["calls"] == [[each, "f", "{}"] for each in called]


@pytest.mark.parametrize("other", [{"name": "g"}, {"arguments": '{"a": 2}'}])
def test_a_call_named_anew_that_says_something_else_is_no_answer(other):
    last = {**call('{"a": 1}'), **RENAMED, **other}
    begun = [added(call("")), delta("function_call_arguments", '{"a": 1}', item_id="fc_0")]
    with pytest.raises(StrangeReply, match="contradicts"):
        told(*begun, done(last))
    with pytest.raises(StrangeReply, match="contradicts"):
        told(*begun, done(call('{"a": 1}')), end(last))


@pytest.mark.parametrize("place", [0, None])
def test_an_engine_that_counts_all_places_the_same_keeps_its_calls_apart(place):
    first, second = call('{"a": 1}', 0), call('{"a": 2}', 1)
    whole = told(done(first, place), done(second, place), end(first, second))
    assert [each[2] for each in whole["calls"]] == ['{"a": 1}', '{"a": 2}']


def test_calls_that_began_late_are_paired_by_their_place():
    unnamed = {"type": "function_call", "id": "fc_0"}
    pair = [call('{"a": 1}', 0), call('{"a": 2}', 1)]
    renamed = [{**each, "id": f"x{at}", "call_id": f"y{at}"} for at, each in enumerate(pair)]
    whole = told(added(unnamed, 0), done(pair[1], 1), done(pair[0], 0), end(*renamed))
    assert [each[2] for each in whole["calls"]] == ['{"a": 2}', '{"a": 1}']


def test_arguments_written_anew_are_no_contradiction():
    whole = told(
        added(call("")),
        delta("function_call_arguments", '{"a":1}', item_id="fc_0"),
        end(call('{"a": 1}')),
    )
    assert whole["calls"][0][2] == '{"a":1}'


@pytest.mark.parametrize("last", ['{"a": 2}', '{"a'])
def test_a_contradiction_about_arguments_is_no_answer(last):
    with pytest.raises(StrangeReply, match="contradicts"):
        told(
            added(call("")),
            delta("function_call_arguments", '{"a": 1}', item_id="fc_0"),
            end(call(last)),
        )


def test_a_call_without_an_id_of_its_own_has_its_items():
    assert told(end(call("{}", call_id=None)))["calls"] == [["fc_0", "f", "{}"]]


@pytest.mark.parametrize(
    "events",
    [
        [added(message()), delta("output_text", "a"), delta("output_text", "b")],
        [added(message()), done(message(text_part("a"), text_part("b")))],
        [],
    ],
)
def test_words_are_told_once(events):
    assert told(*events, end(message(text_part("ab"))))["content"] == "ab"


def test_messages_and_summaries_are_paragraphs():
    whole = told(
        added(reasoning()),
        {"type": "response.reasoning_summary_part.added"},
        delta("reasoning_summary_text", "one"),
        {"type": "response.reasoning_summary_part.added"},
        delta("reasoning_summary_text", "two"),
        added(message(), 1),
        delta("output_text", "First."),
        added(message(), 2),
        delta("output_text", "Second."),
        end(),
    )
    assert whole["reasoning_content"] == "one\n\ntwo"
    assert whole["content"] == "First.\n\nSecond."
    assert whole["finish"] == "stop"


def test_thoughts_told_in_full_and_in_short_are_told_once():
    whole = told(
        added(reasoning()),
        delta("reasoning_text", "in full"),
        delta("reasoning_summary_text", "in short"),
        end(),
    )
    assert whole["reasoning_content"] == "in full"


@pytest.mark.parametrize(
    ("last", "finish"),
    [
        (end(), "stop"),
        (end(call("{}")), "tool_calls"),
        (end(status="incomplete", incomplete_details={"reason": "max_output_tokens"}), "length"),
        (end(status="incomplete", incomplete_details={"reason": "max_tool_calls"}), "length"),
        (end(status="incomplete"), "length"),
        (end(call("{"), status="incomplete"), "length"),
        (
            end(status="incomplete", incomplete_details={"reason": "content_filter"}),
            "content_filter",
        ),
        ({"type": "response.incomplete", "response": {}}, "length"),
        ({"type": "response.completed"}, "stop"),
    ],
)
def test_the_end_has_chats_word(last, finish):
    assert told(last)["finish"] == finish


@pytest.mark.parametrize(
    "kind", ["custom_tool_call", "mcp_approval_request", "computer_call", None]
)
def test_an_item_that_wants_something_nobody_can_be_told_is_no_answer(kind):
    with pytest.raises(StrangeReply, match="unknown here"):
        told(added({"type": kind}))
    with pytest.raises(StrangeReply, match="unknown here"):
        told(end({"type": kind}))
    with pytest.raises(StrangeReply, match="unknown here"):
        UpstreamResponse().document({"output": [{"type": kind}]})


def test_what_the_upstream_did_by_itself_is_passed_over():
    searched = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    whole = told(added(searched), done(searched), end(searched, message(text_part("Found."))))
    assert whole["content"] == "Found."


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": 5},
        {"type": "response.output_item.done", "item": {"type": "message", "content": [5, {}]}},
        {"type": "response.output_text.delta", "delta": {"text": "x"}},
        {"type": "response.function_call_arguments.delta", "delta": "x", "item_id": []},
        {"type": "response.new_in_some_year", "item": 5},
    ],
)
def test_what_is_not_understood_says_nothing(event):
    assert UpstreamResponse().read(event) == []


def test_a_document_is_what_its_stream_would_have_been():
    output = [
        reasoning(short=("one", "two")),
        message(text_part("First.")),
        call('{"a": "ü"}', 0),
        call("", 1),
        message(text_part("Second."), text_part("No.", "refusal")),
    ]
    whole = UpstreamResponse().document({"status": "completed", "output": output, "usage": USAGE})
    (choice,) = whole["choices"]
    said = choice["message"]
    assert said["reasoning_content"] == "one\n\ntwo"
    assert (said["content"], said["refusal"]) == ("First.\n\nSecond.", "No.")
    named = [(each["id"], each["function"]["name"]) for each in said["tool_calls"]]
    assert named == [("call_0", "f"), ("call_1", "f")]
    written = [each["function"]["arguments"] for each in said["tool_calls"]]
    assert [json.loads(each or "{}") for each in written] == [{"a": "ü"}, {}]
    assert choice["finish_reason"] == "tool_calls"
    assert whole["usage"] == chat_usage(USAGE)


def test_full_thoughts_of_a_document_come_before_their_summary():
    item = reasoning(full="in full", short=("in short",))
    whole = UpstreamResponse().document({"status": "completed", "output": [item]})
    assert whole["choices"][0]["message"]["reasoning_content"] == "in full"


NAMINGS = ("as streamed", "anew", "by nothing")


@given(
    written=st.lists(st.integers(0, 2), min_size=1, max_size=4),
    turns=st.lists(st.integers(0, 3), max_size=16),
    naming=st.sampled_from(NAMINGS),
    data=st.data(),
)
def test_calls_of_any_interleaving_are_told_once(written, turns, naming, data):
    texts = [json.dumps({"a": each}) for each in written]
    begun = [added(call("", at), at) for at in range(len(texts))]
    sent, deltas = [0] * len(texts), []
    for at in (turn % len(texts) for turn in turns):
        piece = texts[at][sent[at] : sent[at] + 3]
        sent[at] += 3
        deltas.append(delta("function_call_arguments", piece, output_index=at))
    finished = data.draw(st.lists(st.sampled_from(range(len(texts))), unique=True))
    ends = [done(call(texts[at], at), at) for at in finished]
    last = [{**call(text, at), **named_at_the_end(naming, at)} for at, text in enumerate(texts)]
    whole = told(*begun, *deltas, *ends, end(*last))
    assert whole["calls"] == [[f"call_{at}", "f", text] for at, text in enumerate(texts)]


def named_at_the_end(naming: str, at: int) -> Json:
    if naming == "anew":
        return {"id": f"other_{at}", "call_id": f"another_{at}"}
    return {"id": None, "call_id": None} if naming == "by nothing" else {}


def test_usage_has_chats_names():
    assert chat_usage(USAGE) == {
        "prompt_tokens": 40,
        "completion_tokens": 7,
        "total_tokens": 47,
        "prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    assert chat_usage(None) is None
