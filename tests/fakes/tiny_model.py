"""A real model of 470 KB, generated in a moment: random weights that llama.cpp serves in earnest.

Its text is noise, its tokenization, usage figures and grammars are real: with `tool_choice:
required` or a JSON schema llama.cpp forces valid tool calls and valid JSON out of it. One token
is one byte, so that counts can be worked out by hand.
"""

from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType
from numpy.typing import NDArray

CONTEXT_TOKENS = 8192
# ChatML, with a tool call as a name, a line end and its arguments: for this form llama.cpp's
# grammar of `tool_choice: required` allows no text before the call: even noise becomes one.
CHAT_TEMPLATE = """\
{%- if tools %}<|im_start|>system
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|im_end|>
{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{% if message.content %}{{ message.content }}{% endif %}
{%- for call in message.tool_calls or [] %}>>>{{ call.function.name }}
{{ call.function.arguments | tojson }}
{%- endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

_BLOCKS, _WIDTH, _HEADS, _FEED_FORWARD = 2, 64, 4, 128
_CONSTANT = 0  # a dimension of the state that no block reads or writes
_CONSTANT_VALUE = 8.0
_START, _END, _END_OF_TEXT = 256, 257, 258
_MATRICES = (
    ("attn_q", _WIDTH, _WIDTH),
    ("attn_k", _WIDTH, _WIDTH),
    ("attn_v", _WIDTH, _WIDTH),
    ("attn_output", _WIDTH, _WIDTH),
    ("ffn_gate", _FEED_FORWARD, _WIDTH),
    ("ffn_up", _FEED_FORWARD, _WIDTH),
    ("ffn_down", _WIDTH, _FEED_FORWARD),
)
_WRITERS = ("attn_output", "ffn_down")  # the other matrices read the state
_SPECIAL = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
_SEED = 20261121
# What it says of itself: printable ASCII, so that no answer holds half a UTF-8 character, and never
# an end, so that an answer is as long as was asked for. Grammars still reach every token; where one
# leaves it the choice between the end and another tool call (after a comma or a blank), it ends.
_SPOKEN = frozenset(range(0x21, 0x7F)) - {ord(",")}
_END_WEIGHT, _UNSPOKEN_WEIGHT = -4.0, -6.0  # on the constant dimension


def write_tiny_model(path: Path) -> Path:
    """Write the model to `path` (folders are made), always the same bytes; gives `path` back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    writer = GGUFWriter(unfinished, "llama")
    _describe(writer)
    _add_tokenizer(writer)
    _add_weights(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return unfinished.replace(path)


def _describe(writer: GGUFWriter) -> None:
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_BLOCKS)
    writer.add_feed_forward_length(_FEED_FORWARD)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(256 + len(_SPECIAL))


def _add_tokenizer(writer: GGUFWriter) -> None:
    alphabet = _byte_alphabet()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*alphabet, *_SPECIAL])
    writer.add_token_types([TokenType.NORMAL] * 256 + [TokenType.CONTROL] * len(_SPECIAL))
    # llama.cpp wants at least one merge; this one joins two control bytes that no text holds.
    writer.add_token_merges([f"{alphabet[0]} {alphabet[1]}"])
    writer.add_bos_token_id(_START)
    writer.add_eos_token_id(_END)
    writer.add_eot_token_id(_END)
    writer.add_pad_token_id(_END_OF_TEXT)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _byte_alphabet() -> list[str]:
    """GPT-2's printable stand-in for each byte: itself where printable, else from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


def _add_weights(writer: GGUFWriter) -> None:
    # RandomState, because numpy promises that its stream never changes.
    random = np.random.RandomState(_SEED)

    def weights(rows: int, columns: int) -> NDArray[np.float32]:
        return np.asarray(random.standard_normal((rows, columns)) / columns**0.5, np.float32)

    def norm(name: str) -> None:
        writer.add_tensor(name, np.ones(_WIDTH, dtype=np.float32))

    tokens = 256 + len(_SPECIAL)
    embedding = weights(tokens, _WIDTH) * _WIDTH**0.5
    embedding[:, _CONSTANT] = _CONSTANT_VALUE
    writer.add_tensor("token_embd.weight", embedding)
    for block in range(_BLOCKS):
        norm(f"blk.{block}.attn_norm.weight")
        norm(f"blk.{block}.ffn_norm.weight")
        for part, rows, columns in _MATRICES:
            matrix = weights(rows, columns)
            if part in _WRITERS:
                matrix[_CONSTANT] = 0
            else:
                matrix[:, _CONSTANT] = 0
            writer.add_tensor(f"blk.{block}.{part}.weight", matrix)
    norm("output_norm.weight")
    output = weights(tokens, _WIDTH)
    output[:, _CONSTANT] = [
        0 if token in _SPOKEN else _END_WEIGHT if token == _END else _UNSPOKEN_WEIGHT
        for token in range(tokens)
    ]
    writer.add_tensor("output.weight", output)
