"""What may be kept of a file that people wrote: its text, without the keys that stand in it.

A reference (`${NAME}`, `file:/run/secrets/name`) is kept as it is written. A key that stands in the
file itself is not: in its place stands a marker that names where it stood. In comments, whatever
looks like a key is taken out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import yaml
from pydantic import BaseModel
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gateway.configuration.problems import Path
from gateway.configuration.reading import Document, Written
from providers.base import Secret

NOT_KEPT = "not-kept:"
"""What a marker begins with; behind it the path of the key, its steps divided by `/`."""

_BOM = "\ufeff"
_REFERENCE = re.compile(r"file:.*|(?:\$\{[A-Za-z_][A-Za-z0-9_]*\})+", re.DOTALL)
_ANCHOR = re.compile(r"&\S+\s+")
_NAMED_KEY = re.compile(
    r"(?i)((?:key|secret|token|passw(?:or)?d|credentials?|bearer|authorization)[\"']?\s*[:=]?\s+"
    r"|(?:key|secret|token|passw(?:or)?d)[\"']?[:=])(?!file:|\$\{)(?:bearer\s+)?\S+"
)
_LIKE_A_KEY = re.compile(r"(?=\S*[0-9])(?=\S*[A-Za-z])[A-Za-z0-9_+/=-]{20,}")
_HIDDEN = "(not kept)"
_SHORTEST_KEY = 8  # characters; to look for anything shorter would garble the text


def kept_text(written: Written[Document]) -> str:
    """The file's text as it may be stored and shown."""
    text = written.content.decode()
    bom, text = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    literals: list[str] = []
    spans: dict[tuple[int, int], str] = _comments(text)
    for path, _ in secrets_of(written.document):
        node = _node_at(root, path)
        if node is not None and _REFERENCE.fullmatch(node.value) is None:
            start, end = node.start_mark.index, node.end_mark.index
            spans[start, end] = _marked(text[start:end], path)
            if len(node.value) >= _SHORTEST_KEY:
                literals.append(node.value)
    masked = _replaced(text, spans)
    for each in sorted(literals, key=len, reverse=True):
        masked = masked.replace(each, _HIDDEN)
    return bom + masked


def secrets_of(value: object, path: Path = ()) -> Iterator[tuple[Path, Secret]]:
    """Every secret of a document, and where it stands."""
    if isinstance(value, Secret):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from secrets_of(getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from secrets_of(each, (*path, key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for at, each in enumerate(value):
            yield from secrets_of(each, (*path, at))


def marked_path(secret: Secret) -> tuple[str, ...] | None:
    """Where the key stood that this marker stands for; None for what is no marker."""
    text = secret.reveal()
    return tuple(text.removeprefix(NOT_KEPT).split("/")) if text.startswith(NOT_KEPT) else None


def _marked(written: str, path: Path) -> str:
    """The marker, with whatever else stood in the scalar's span: an anchor, a line's end."""
    anchor = _ANCHOR.match(written)
    end = written[len(written.rstrip("\r\n")) :]
    where = "/".join(str(step) for step in path)
    return f'{anchor[0] if anchor else ""}"{NOT_KEPT}{where}"{end}'


def _node_at(root: Node | None, path: Path) -> ScalarNode | None:
    node = root
    for step in path:
        if isinstance(node, MappingNode):
            node = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, SequenceNode) and isinstance(step, int):
            node = node.value[step]
        else:
            return None
    return node if isinstance(node, ScalarNode) else None


def _comments(text: str) -> dict[tuple[int, int], str]:
    """The comments that hold something like a key, and what may be kept of them."""
    spans: dict[tuple[int, int], str] = {}
    end = 0
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        start = token.start_mark.index
        between = text[end:start]
        if "#" in between:
            kept = _LIKE_A_KEY.sub(_HIDDEN, _NAMED_KEY.sub(rf"\1{_HIDDEN}", between))
            if kept != between:
                spans[end, start] = kept
        end = max(end, token.end_mark.index)
    return spans


def _replaced(text: str, spans: Mapping[tuple[int, int], str]) -> str:
    for (start, end), instead in sorted(spans.items(), reverse=True):
        text = text[:start] + instead + text[end:]
    return text
