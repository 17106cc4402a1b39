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
# ChatML, with tool calls written as functionary 3.2 writes them: for that form llama.cpp's grammar
# of `tool_choice: required` allows no text before the call, so that even noise becomes one.
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
_SPECIAL = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
_SEED = 20261121
# Sampling keeps the 40 likeliest tokens: with all others at zero the noise is printable ASCII, so
# that no answer holds half a UTF-8 character. Grammars still reach every token.
_SPOKEN = range(0x20, 0x7F)


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
    start, end, end_of_text = range(256, 259)
    alphabet = _byte_alphabet()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*alphabet, *_SPECIAL])
    writer.add_token_types([TokenType.NORMAL] * 256 + [TokenType.CONTROL] * len(_SPECIAL))
    # llama.cpp wants at least one merge; this one joins two control bytes that no text holds.
    writer.add_token_merges([f"{alphabet[0]} {alphabet[1]}"])
    writer.add_bos_token_id(start)
    writer.add_eos_token_id(end)
    writer.add_eot_token_id(end)
    writer.add_pad_token_id(end_of_text)
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

    def matrix(name: str, rows: int, columns: int) -> None:
        writer.add_tensor(name, weights(rows, columns))

    def norm(name: str) -> None:
        writer.add_tensor(name, np.ones(_WIDTH, dtype=np.float32))

    matrix("token_embd.weight", 256 + len(_SPECIAL), _WIDTH)
    for block in range(_BLOCKS):
        norm(f"blk.{block}.attn_norm.weight")
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            matrix(f"blk.{block}.{part}.weight", _WIDTH, _WIDTH)
        norm(f"blk.{block}.ffn_norm.weight")
        matrix(f"blk.{block}.ffn_gate.weight", _FEED_FORWARD, _WIDTH)
        matrix(f"blk.{block}.ffn_up.weight", _FEED_FORWARD, _WIDTH)
        matrix(f"blk.{block}.ffn_down.weight", _WIDTH, _FEED_FORWARD)
    norm("output_norm.weight")
    output = weights(256 + len(_SPECIAL), _WIDTH)
    output[[token for token in range(257) if token not in _SPOKEN]] = 0  # see _SPOKEN
    writer.add_tensor("output.weight", output)
