"""A change of policy that people have to approve: what would come in place of what, and who did."""

import base64
from collections.abc import Callable, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

from gateway.configuration.stored import StoredConfiguration
from gateway.store.changes import Actor

PROPOSAL_DAYS: Final = 14
"""So long a proposal, and whoever stands behind it, counts; later it is to be proposed anew."""

PROPOSAL_PREFIX: Final = "pc_"

_DAY_US: Final = 24 * 3600 * 1_000_000


def new_proposal_id(random_bytes: Callable[[int], bytes]) -> str:
    """A new id, from random bytes."""
    return PROPOSAL_PREFIX + base64.b32encode(random_bytes(8)).decode().lower()[:12]


class ProposalState(StrEnum):
    """How a proposal stands."""

    WAITING = "waiting"  # people have to approve it, or it has to come into force
    TAKEN = "taken"  # it came into force: its approvals are used up
    REFUSED = "refused"  # somebody refused or withdrew it
    REPLACED = "replaced"  # the files say something else now, or something else came into force
    LAPSED = "lapsed"  # too old


class Backing(StrEnum):
    """How somebody stands behind a proposal."""

    PROPOSED = "proposed"
    APPROVED = "approved"


@dataclass(frozen=True, slots=True)
class Backer:
    """Somebody who stands behind a proposal, by their own key, since then (UTC microseconds)."""

    actor: Actor
    backing: Backing
    since_unix_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration that would replace the one whose digest is `base`, and nothing else.

    `is_of_files`: a gateway found it in its files. `ended_as` is None while it waits; `ended_by`
    and `end_reason` say who refused it, and why. Times are UTC microseconds.
    """

    id: str
    stored: StoredConfiguration
    base: str
    needs: int
    is_of_files: bool
    proposed_unix_us: int
    backers: tuple[Backer, ...] = ()
    ended_as: ProposalState | None = None
    ended_by: Actor | None = None
    end_reason: str | None = None

    @property
    def digest(self) -> str:
        """What it would put in force."""
        return self.stored.digest

    @property
    def is_approved(self) -> bool:
        """Whether enough people stand behind it, of whom all but one approved it."""
        approved = sum(each.backing is Backing.APPROVED for each in self.backers)
        return len(self.backers) >= self.needs and approved >= self.needs - 1

    @property
    def missing(self) -> int:
        """How many more have to approve it."""
        approved = sum(each.backing is Backing.APPROVED for each in self.backers)
        return max(self.needs - len(self.backers), self.needs - 1 - approved, 0)

    def state(self, now_unix_us: int) -> ProposalState:
        """How it stands at a moment."""
        if self.ended_as is not None:
            return self.ended_as
        is_old = now_unix_us - self.proposed_unix_us >= PROPOSAL_DAYS * _DAY_US
        return ProposalState.LAPSED if is_old else ProposalState.WAITING

    def one_of_them(self, actor: Actor) -> Backer | None:
        """Whoever stands behind it and is the same person, by name or by credential."""
        for each in self.backers:
            if _is_same(each.actor, actor):
                return each
        return None

    def backed_by(self, actor: Actor, backing: Backing, now_unix_us: int, reason: str) -> Self:
        """The same with one more behind it."""
        backer = Backer(actor, backing, now_unix_us, reason)
        return replace(self, backers=(*self.backers, backer))

    def without(self, revoked_keys: Set[str], blocked: Set[str]) -> Self:
        """The same without whoever stood behind it with such a key, or is blocked by name."""
        left = tuple(
            each
            for each in self.backers
            if each.actor.credential_id not in revoked_keys and each.actor.name not in blocked
        )
        return replace(self, backers=left)

    def ended(
        self, state: ProposalState, by: Actor | None = None, reason: str | None = None
    ) -> Self:
        """The same, over."""
        return replace(self, ended_as=state, ended_by=by, end_reason=reason)


def _is_same(one: Actor, other: Actor) -> bool:
    if one.credential_id is not None and one.credential_id == other.credential_id:
        return True
    return (one.name or "").casefold() == (other.name or "").casefold()
