"""What an upstream says on responses, as the hub's chat: OpenAI's events and lesser ones."""

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.translation import response_items
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


NAMELESS = {"id": None, "call_id": None}


def test_calls_without_any_id_are_as_many_as_began():
    pieces = [delta("function_call_arguments", "{}", output_index=at) for at in (2, 0, 1)]
    begun = [added(call("", **NAMELESS, name=name), at) for at, name in enumerate("fgh")]
    response = {"type": "response.created", "response": {"id": "resp_1"}}
    expected = [["call_resp_1_0", "f", "{}"], ["call_resp_1_1", "g", "{}"]]
    expected.append(["call_resp_1_2", "h", "{}"])
    assert told(response, *begun, *pieces, end())["calls"] == expected
    equal = [call("{}", **NAMELESS)] * 2
    assert [each[0] for each in told(end(*equal))["calls"]] == ["call_0", "call_1"]


@pytest.mark.parametrize("named", [NAMELESS, {}])
@pytest.mark.parametrize("reply_id", [None, "resp_1"])
def test_equal_calls_of_a_document_stay_as_many(named, reply_id):
    output = [call("{}", **named)] * 2
    whole = UpstreamResponse().document({"id": reply_id, "status": "completed", "output": output})
    calls = whole["choices"][0]["message"]["tool_calls"]
    assert [each["function"] for each in calls] == [{"name": "f", "arguments": "{}"}] * 2
    assert all(each["id"].startswith("call_") for each in calls)


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


def at_place(text: str, at: int, **more: Any) -> Json:
    return {**message(text_part(text)), "id": f"msg_{at}", **more}


FIRST, SECOND = at_place("one.", 0), at_place("and two.", 1)
ONE_ID = [{**each, "id": "m"} for each in (FIRST, SECOND)]
BEGUN = [added({**message(), "id": f"msg_{at}"}, at) for at in (0, 1)]
SPOKEN = delta("output_text", "one.", output_index=0)


@pytest.mark.parametrize(
    "events",
    [
        [*BEGUN, SPOKEN, done(FIRST, 0), done(SECOND, 1), end(FIRST, SECOND)],
        [*BEGUN, SPOKEN, done(FIRST, 0), end(FIRST, SECOND)],
        [BEGUN[0], SPOKEN, done(FIRST, 0), done(SECOND, 1), end()],
        [BEGUN[0], SPOKEN, done(FIRST, 0), delta("output_text", "and two.", output_index=1), end()],
        [BEGUN[0], SPOKEN, done(FIRST), delta("output_text", "and two.", item_id="msg_1"), end()],
        [*BEGUN, SPOKEN, delta("output_text", "and", output_index=1), end(FIRST, SECOND)],
        [BEGUN[0], SPOKEN, end(FIRST, SECOND)],
        [
            *[added({**message(), "id": "m"}, at) for at in (0, 1)],
            SPOKEN,
            *[done(each, at) for at, each in enumerate(ONE_ID)],
            end(*ONE_ID),
        ],
        [end(FIRST, SECOND)],
    ],
)
def test_no_message_is_lost(events):
    assert told(*events)["content"] == "one.\n\nand two."


@pytest.mark.parametrize(
    "last",
    [
        end(message(text_part("one two")), status="incomplete"),
        end({**message(text_part("one two")), "id": "other"}),
        done(message(text_part("one two"))),
        done({**message(text_part("one two")), "id": "other"}),
    ],
)
def test_the_rest_of_a_message_is_told(last):
    assert told(added(message()), delta("output_text", "one"), last)["content"] == "one two"


@pytest.mark.parametrize("place", [{}, {"item_id": "other"}])
def test_words_of_a_message_named_otherwise_are_told_once(place):
    whole = told(
        added(message(), None),
        delta("output_text", "one", **place),
        done(message(text_part("one")), None),
        end(message(text_part("one"))),
    )
    assert whole["content"] == "one"


@pytest.mark.parametrize("last", ["one", "\n\n one ", "", "o n e"])
def test_words_that_come_trimmed_are_the_same(last):
    words = message(text_part(last))
    events = [added(message()), delta("output_text", "one\r\n"), done(words), end(words)]
    assert told(*events)["content"] == "one\r\n"


def test_the_same_words_cut_up_otherwise_are_told_once():
    one = message(text_part("one.and two."))
    assert told(done(one), end(FIRST, SECOND))["content"] == "one.and two."
    both = told(done(FIRST), done(SECOND, 1), end({**one, "id": "other"}))
    assert both["content"] == "one.\n\nand two."


@pytest.mark.parametrize("last", [done, end])
@pytest.mark.parametrize("kind", ["output_text", "refusal"])
def test_a_contradiction_about_words_is_no_answer(last, kind):
    with pytest.raises(StrangeReply, match="contradicts"):
        told(added(message()), delta(kind, "one"), last(message(text_part("two", kind))))


def test_a_message_that_said_nothing_is_not_taken_for_another():
    blank = {**message(), "id": "blank"}
    whole = told(added(blank), done(blank), done(FIRST, 1), end(at_place("one.", 0, id="x")))
    assert whole["content"] == "one."


def test_a_refusal_behind_words_is_told():
    both = message(text_part("one."), text_part("No.", "refusal"))
    whole = told(added(message()), SPOKEN, end(both))
    assert (whole["content"], whole["refusal"]) == ("one.", "No.")


def test_thoughts_that_were_not_streamed_are_told_beside_others():
    second = {**reasoning(short=("two",)), "id": "rs_2"}
    whole = told(
        added(reasoning()),
        added(second, 1),
        delta("reasoning_text", "one", output_index=0),
        done(reasoning(full="one")),
        done(second, 1),
        end(),
    )
    assert whole["reasoning_content"] == "one\n\ntwo"


def test_an_answer_without_bounds_is_given_up(monkeypatch):
    monkeypatch.setattr(response_items, "DOCUMENT_LIMIT_BYTES", 1000)
    with pytest.raises(StrangeReply, match="too large"):
        told(*[delta("output_text", "x" * 100)] * 10)
    with pytest.raises(StrangeReply, match="too large"):
        told(*[added(message(), at) for at in range(10)])


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


def test_a_document_of_many_parts_and_messages_is_put_together():
    output = [message(*[text_part("x" * 100)] * 20_000), *[message(text_part("y"))] * 20_000]
    whole = UpstreamResponse().document({"status": "completed", "output": output})
    said = whole["choices"][0]["message"]["content"]
    assert said == "\n\n".join(["x" * 2_000_000, *["y"] * 20_000])


def test_arguments_concluded_again_and_again_are_told_once():
    concluded = {"type": "response.function_call_arguments.done", "output_index": 0}
    rounds = [delta("function_call_arguments", "x", output_index=0), {**concluded, "arguments": ""}]
    whole = told(added(call("")), *rounds * 20_000, {**concluded, "arguments": "x" * 20_001}, end())
    assert whole["calls"][0][2] == "x" * 20_001


def test_full_thoughts_of_a_document_come_before_their_summary():
    item = reasoning(full="in full", short=("in short",))
    whole = UpstreamResponse().document({"status": "completed", "output": [item]})
    assert whole["choices"][0]["message"]["reasoning_content"] == "in full"


@st.composite
def tellings(draw: st.DrawFn, item: Json, at: int, least: int) -> list[Json]:
    """The events of one item: any of them may be missing, and so may the end of its words."""
    is_call = item["type"] == "function_call"
    kind = "function_call_arguments" if is_call else "output_text"
    text = item["arguments"] if is_call else item["content"][0]["text"]
    stops = draw(st.sets(st.integers(least, len(text)), min_size=least, max_size=3))
    marks = [0, *sorted(stops)]
    pieces = [text[start:stop] for start, stop in pairwise(marks)]
    begin = added(call("", at) if is_call else {**item, "content": []}, at)
    events = [begin] if is_call or draw(st.booleans()) else []
    place: Json = {"item_id": item["id"], "output_index": at}
    if events:
        place.pop(draw(st.sampled_from(["item_id", "output_index", ""])), None)
    events = [*events, *[delta(kind, each, **place) for each in pieces]]
    return [*events, done(item, at)] if draw(st.booleans()) else events


@given(
    kinds=st.lists(st.sampled_from(["message", "function_call"]), min_size=1, max_size=5),
    naming=st.sampled_from(["as streamed", "anew", "by nothing"]),
    data=st.data(),
)
def test_any_interleaving_of_any_events_tells_every_item_once(kinds, naming, data):
    output = [
        call(json.dumps({"a": "x" * at}), at) if kind == "function_call" else words_of(at)
        for at, kind in enumerate(kinds)
    ]
    # Where the end names nothing as the stream did, it is the words that have to tell.
    least = 0 if naming == "as streamed" else 1
    left = [data.draw(tellings(item, at, least)) for at, item in enumerate(output)]
    turns = data.draw(st.permutations([at for at, each in enumerate(left) for _ in each]))
    streamed = [left[at].pop(0) for at in turns]
    whole = told(*streamed, end(*[{**each, **renamed(naming, each)} for each in output]))
    wanted = [each for each in output if each["type"] == "function_call"]
    assert sorted(each[2] for each in whole["calls"]) == sorted(
        each["arguments"] for each in wanted
    )
    said = Counter(whole.get("content", "").replace("\n\n", ""))
    assert said == {letter_of(at): 5 for at, kind in enumerate(kinds) if kind == "message"}


def letter_of(at: int) -> str:
    return "abcde"[at]


def words_of(at: int) -> Json:
    return {**message(text_part(letter_of(at) * 5)), "id": f"msg_{at}"}


def renamed(naming: str, item: Json) -> Json:
    if naming == "anew":
        return {"id": f"other_{item['id']}", "call_id": f"another_{item['id']}"}
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
