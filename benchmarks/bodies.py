"""Write the request bodies: 1 KB, 4 KB (an editor's autocomplete), 100 KB (a coding agent's turn)
and 1 MB, in each protocol."""

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODEL = "mock-model"
SEED = 7
CODE = """\
def return self class import async await for in if not None True raise except value index buffer
parse header token stream request response client server config path file line error test assert
result user project const let function => { } ( ) [ ] : ; = == != + - * / % \\n \\t "name" 'key'
0 1 2 42 3.14 #"""
WORDS = CODE.split()


@dataclass(frozen=True, slots=True)
class Shape:
    """How big a body is: messages, tools, and characters in each."""

    messages: int
    tools: int
    message_chars: int
    tool_chars: int


SHAPES = {
    "1kb": Shape(1, 0, 400, 0),
    "4kb": Shape(1, 0, 1800, 0),
    "100kb": Shape(60, 20, 1130, 190),
    "1mb": Shape(120, 20, 8000, 190),
}


def text(source: random.Random, chars: int) -> str:
    """Text that looks like code to a parser: quotes, escapes and newlines among short words."""
    words: list[str] = []
    size = 0
    while size < chars:
        words.append(source.choice(WORDS))
        size += len(words[-1]) + 1
        if source.random() < 0.1:
            words.append("\n    ")
            size += 5
    return " ".join(words)[:chars]


def turns(source: random.Random, shape: Shape) -> list[tuple[str, str, str]]:
    """The conversation without a protocol: (role, call id, text); calls and results in pairs."""
    if not shape.tools:
        return [("user", "", text(source, shape.message_chars)) for _ in range(shape.messages)]
    roles = ("user", "call", "result")
    return [
        (roles[i % 3], f"call_{i - i % 3:06d}", text(source, shape.message_chars))
        for i in range(shape.messages)
    ]


def openai_message(role: str, call_id: str, content: str) -> dict[str, Any]:
    """One turn as OpenAI chat completions writes it."""
    if role == "result":
        return {"role": "tool", "tool_call_id": call_id, "content": content}
    if role == "user":
        return {"role": "user", "content": content}
    said, passed = content[: len(content) // 2], content[len(content) // 2 :]
    call = {"name": "tool_1", "arguments": json.dumps({"arg0": passed})}
    return {
        "role": "assistant",
        "content": said,
        "tool_calls": [{"id": call_id, "type": "function", "function": call}],
    }


def anthropic_message(role: str, call_id: str, content: str) -> dict[str, Any]:
    """One turn as Anthropic messages writes it."""
    if role == "result":
        block = {"type": "tool_result", "tool_use_id": call_id, "content": content}
        return {"role": "user", "content": [block]}
    if role == "user":
        return {"role": "user", "content": content}
    said, passed = content[: len(content) // 2], content[len(content) // 2 :]
    call = {"type": "tool_use", "id": call_id, "name": "tool_1", "input": {"arg0": passed}}
    return {"role": "assistant", "content": [{"type": "text", "text": said}, call]}


def tool_schema(source: random.Random, chars: int) -> dict[str, Any]:
    """Four described string arguments."""
    arguments = {
        f"arg{n}": {"type": "string", "description": text(source, chars)} for n in range(4)
    }
    return {"type": "object", "properties": arguments, "required": ["arg0"]}


def openai_body(shape: Shape, *, streamed: bool) -> dict[str, Any]:
    """A chat completions request; a streamed one asks for usage, as assistants do."""
    source = random.Random(SEED)
    system = "You are a careful coding assistant. " + text(source, shape.message_chars)
    body: dict[str, Any] = {"model": MODEL, "max_tokens": 1024, "stream": streamed}
    body["temperature"] = 0.2
    body["messages"] = [
        {"role": "system", "content": system},
        *(openai_message(*turn) for turn in turns(source, shape)),
    ]
    if streamed:
        body["stream_options"] = {"include_usage": True}
    if shape.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": f"tool_{n}",
                    "description": text(source, shape.tool_chars),
                    "parameters": tool_schema(source, shape.tool_chars),
                },
            }
            for n in range(shape.tools)
        ]
    return body


def anthropic_body(shape: Shape, *, streamed: bool) -> dict[str, Any]:
    """A messages request of the same size."""
    source = random.Random(SEED)
    system = "You are a careful coding assistant. " + text(source, shape.message_chars)
    body: dict[str, Any] = {"model": MODEL, "max_tokens": 1024, "stream": streamed}
    body["system"] = system
    body["messages"] = [anthropic_message(*turn) for turn in turns(source, shape)]
    if shape.tools:
        body["tools"] = [
            {
                "name": f"tool_{n}",
                "description": text(source, shape.tool_chars),
                "input_schema": tool_schema(source, shape.tool_chars),
            }
            for n in range(shape.tools)
        ]
    return body


def completions_body(shape: Shape, *, streamed: bool) -> dict[str, Any]:
    """A fill-in-the-middle of the same size, written into the prompt as editors do."""
    source = random.Random(SEED)
    size = shape.message_chars * (shape.messages + 1)
    before, after = text(source, size * 3 // 4), text(source, size // 4)
    prompt = f"<|fim_prefix|>{before}<|fim_suffix|>{after}<|fim_middle|>"
    body: dict[str, Any] = {"model": MODEL, "prompt": prompt, "max_tokens": 64, "stream": streamed}
    body |= {"temperature": 0.01, "stop": ["<|fim_prefix|>", "<|endoftext|>", "\n\n"]}
    if streamed:
        body["stream_options"] = {"include_usage": True}
    return body


def path_of(folder: Path, wire: str, size: str, *, streamed: bool) -> Path:
    """Where `write_all` puts a body."""
    return folder / f"{wire}-{size}{'-streamed' if streamed else ''}.json"


def write_all(folder: Path) -> None:
    """Write every body of every wire into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for size, shape in SHAPES.items():
        for streamed in (False, True):
            for wire, make in (
                ("openai_chat", openai_body),
                ("anthropic_messages", anthropic_body),
                ("openai_completions", completions_body),
            ):
                target = path_of(folder, wire, size, streamed=streamed)
                target.write_text(json.dumps(make(shape, streamed=streamed)))
