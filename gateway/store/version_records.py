"""What the ledger says of a change of the configuration: who put what in place of what, and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.audit.bounds import bounded
from gateway.audit.record import RecordBody
from gateway.configuration.approval import changes_policy
from gateway.configuration.differences import (
    Difference,
    FileChanges,
    differences,
    file_changes,
)
from gateway.configuration.orders import Order
from gateway.configuration.stored import Origin, StoredConfiguration
from gateway.store.changes import GATEWAY, Actor, begun
from gateway.store.stored_proposal import Proposal

MOST_CHANGES = 64
"""So many differences stand in a record; the rest is counted."""

MOST_NAMES = 64


class ConfigurationEvent(StrEnum):
    """What can happen to the configuration: the kinds of record that tell of it."""

    CHANGED = "config_changed"  # another one is in force, or the same from elsewhere
    REFUSED = "config_refused"  # files, or an order, that could not be put in force
    PINNED = "config_pinned"  # somebody ordered a stored version
    RESUMED = "config_resumed"  # somebody ended that: the files count again


@dataclass(frozen=True, slots=True)
class Changed:
    """A configuration that comes into force, beside the one before (None: there was none)."""

    digest: str
    origin: Origin
    previous_digest: str | None
    files: FileChanges
    differences: Sequence[Difference]
    is_of_policy: bool = True
    """Whether who may do what is another, and not only where state, traces and listeners are."""


def changed(before: StoredConfiguration, now: StoredConfiguration, origin: Origin) -> Changed:
    """What one changes that comes in place of another. It reads both: not for the event loop."""
    return Changed(
        now.digest,
        origin,
        before.digest,
        file_changes(before, now),
        tuple(differences(before, now)),
        changes_policy(before, now),
    )


def id_of(digest: str) -> str:
    """The id by which a version's records are found."""
    return f"cfg_{digest[:24]}"


class VersionRecords:
    """Makes the records. `random_bytes` gives random bytes."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes

    def changed(
        self, change: Changed, by: Actor, now_unix_us: int, approved: Proposal | None = None
    ) -> RecordBody:
        """Another configuration is in force, where that took people because they `approved` it."""
        body = self._begun(ConfigurationEvent.CHANGED, change.digest, by, now_unix_us)
        body["origin"] = change.origin.value
        if change.previous_digest is not None:
            body["previous_digest"] = change.previous_digest
        if approved is not None:
            body["proposal"] = approved.id
            body["approved_by"] = [each.actor.told() for each in approved.backers]
        return body | summary_of(change)

    def refused(self, digest: str, problems: Sequence[str], now_unix_us: int) -> RecordBody:
        """Files that were not taken; `digest` names their contents."""
        body = self._begun(ConfigurationEvent.REFUSED, digest, GATEWAY, now_unix_us)
        return body | {
            "origin": Origin.FILES.value,
            "problem": bounded(problems[0]),
            "problems": len(problems),
        }

    def ordered(self, order: Order, version: str, now_unix_us: int) -> RecordBody:
        """An order that was carried out. `version` is what it pins, or what it no longer does."""
        event = ConfigurationEvent.RESUMED if order.digest is None else ConfigurationEvent.PINNED
        body = self._begun(event, version, actor_of(order), now_unix_us)
        return body | {"order": order.number, "reason": bounded(order.reason)}

    def order_refused(
        self, order: Order, version: str, problem: str, now_unix_us: int
    ) -> RecordBody:
        """An order that could not be carried out."""
        body = self._begun(ConfigurationEvent.REFUSED, version, actor_of(order), now_unix_us)
        return body | {
            "origin": (Origin.FILES if order.digest is None else Origin.PIN).value,
            "order": order.number,
            "reason": bounded(order.reason),
            "problem": bounded(problem),
            "problems": 1,
        }

    def _begun(
        self, event: ConfigurationEvent, digest: str, by: Actor, now_unix_us: int
    ) -> RecordBody:
        return begun(event.value, by, now_unix_us, self._random_bytes) | {
            "about_id": id_of(digest),
            "digest": digest,
        }


def actor_of(order: Order) -> Actor:
    """Who ordered it."""
    return Actor(order.actor_kind, order.actor_name, order.actor_credential_id)


def summary_of(change: Changed) -> RecordBody:
    """What changed, in bounds: names of files, and values as people wrote them."""
    told: RecordBody = {}
    for name, values in (
        ("files_added", change.files.added),
        ("files_removed", change.files.removed),
        ("files_changed", change.files.changed),
        ("file_owners", change.files.owners),
    ):
        if values:
            told[name] = [bounded(each) for each in values[:MOST_NAMES]]
    if change.differences:
        told["changes"] = [_told(each) for each in change.differences[:MOST_CHANGES]]
    if len(change.differences) > MOST_CHANGES:
        told["changes_omitted"] = len(change.differences) - MOST_CHANGES
    return told


def _told(difference: Difference) -> RecordBody:
    told: RecordBody = {"path": bounded(difference.path)}
    if difference.old is not None:
        told["old"] = bounded(difference.old)
    if difference.new is not None:
        told["new"] = bounded(difference.new)
    return told
