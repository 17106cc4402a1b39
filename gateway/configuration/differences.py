"""What differs between two stored configurations, as people wrote them: paths, before and after."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from gateway.configuration.stored import StoredConfiguration
from gateway.configuration.tree import Unreadable, read_tree

MOST_TEXT = 200
"""Characters of one value, before or after."""

_RULES = "rules"


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is another, or stands in one of the two only (the other is then None).

    Values are as written: `${NAME}` is not filled in, and keys are markers. A rule's path is
    `rules.ID.FIELD`, whichever file it stands in.
    """

    path: str
    old: str | None
    new: str | None

    @property
    def what(self) -> str:
        """`added`, `removed` or `changed`."""
        if self.old is None:
            return "added"
        return "removed" if self.new is None else "changed"

    @property
    def before_and_after(self) -> str:
        """Both values in words."""
        if self.old is None or self.new is None:
            return str(self.old if self.new is None else self.new)
        return f"{self.old} before, {self.new} after"


@dataclass(frozen=True, slots=True)
class FileChanges:
    """Files by name; one that is `changed` may say the same (a comment, a key that is not kept)."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    """Whose files those are that were added or changed."""


class _AsWritten(Mapping[str, str]):
    """An environment in which every variable is what refers to it."""

    def __getitem__(self, name: str) -> str:
        return f"${{{name}}}"

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def differences(old: StoredConfiguration, new: StoredConfiguration) -> Iterator[Difference]:
    """In the order of the old one, then what is new. Tests of rules are left out."""
    return _compared((), _plain(old), _plain(new))


def file_changes(old: StoredConfiguration, new: StoredConfiguration) -> FileChanges:
    """Which files came, went and became others."""
    before = {each.name: each for each in old.files}
    after = {each.name: each for each in new.files}
    added = tuple(name for name in after if name not in before)
    changed = tuple(
        name for name in after if name in before and after[name].text != before[name].text
    )
    owners = {after[name].owner for name in (*added, *changed)}
    return FileChanges(
        added,
        tuple(name for name in before if name not in after),
        changed,
        tuple(sorted(owner for owner in owners if owner is not None)),
    )


def as_written(text: str) -> dict[str, Any]:
    """What a stored file says. Raises `Unreadable`."""
    value = read_tree(text.encode(), _AsWritten()).value
    return value if isinstance(value, dict) else {}


def _plain(stored: StoredConfiguration) -> dict[str, Any]:
    """Everything the files say, rules by their ids."""
    whole: dict[str, Any] = {}
    rules: dict[str, Any] = {}
    for each in stored.files:
        try:
            said = as_written(each.text)
        except Unreadable:  # written by a version that read more than this one does
            continue
        if each.role == "configuration":
            whole |= said
        elif each.role.startswith("policy."):
            rules |= {str(rule.get("id")): _without_id(rule) for rule in said.get(_RULES) or ()}
        else:
            whole[f"{each.role} register"] = said.get(each.role)
    return whole | ({_RULES: rules} if rules else {})


def _without_id(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rule.items() if name != "id"}


def _compared(path: tuple[str, ...], old: Any, new: Any) -> Iterator[Difference]:  # noqa: ANN401 - what YAML holds
    if isinstance(old, dict) and isinstance(new, dict):
        for name in (*old, *(each for each in new if each not in old)):
            yield from _compared((*path, str(name)), old.get(name), new.get(name))
    elif old != new:
        yield Difference(".".join(path), _text(old), _text(new))


def _text(value: object) -> str | None:
    if value is None:
        return None
    is_plain = isinstance(value, str | Decimal)
    text = str(value) if is_plain else orjson.dumps(value, default=str).decode()
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"
