"""Hold a request that goes on from a kept answer to the target that made the answer.

Only that vendor has the conversation. Where it is not known, or not the caller's own, the
request is refused: any other target would answer without the conversation, or with a stranger's.
"""

from dataclasses import dataclass
from typing import Protocol

import msgspec

from policy.types import Allow, Deny, Identity

RULE = "continuation"
CODE = "previous_response_not_found"  # OpenAI's own word
_INSTEAD = "send the whole conversation in 'input', without 'previous_response_id'"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who was given an answer, and by which target.

    `kept_tokens` were billed for it: input and output together, which is what the vendor now
    keeps, and bills as input of what goes on from there.
    """

    subject: str
    team: str
    target: str
    kept_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """Where a conversation may go on, and how much of it is there already."""

    allow: Allow
    target: str
    kept_tokens: int


class Origins(Protocol):
    """Where answers came from: the ledger knows."""

    async def origin_of(self, response_id: str) -> Origin | None:
        """The origin of the newest answer of this id; None when there is none."""
        ...


class Recorder(Protocol):
    """What is durable, and on its way to those who read."""

    async def flush(self) -> None:
        """Return once they find all that is durable. Raises `LedgerUnavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """Origins in a ledger that is filled a little later than its records are durable."""

    origins: Origins
    recorder: Recorder

    async def origin_of(self, response_id: str) -> Origin | None:
        """As `Origins` says; who asks on right behind an answer is not told that there is none.

        Raises `LedgerUnavailable`.
        """
        found = await self.origins.origin_of(response_id)
        if found is None:
            await self.recorder.flush()
            found = await self.origins.origin_of(response_id)
        return found


async def held_to_origin(
    origins: Origins, response_id: str, identity: Identity, allow: Allow
) -> Held | Deny:
    """The decision, narrowed to the target that made the answer."""
    origin = await origins.origin_of(response_id)
    if origin is None or (origin.subject, origin.team) != (identity.subject, identity.team):
        # One answer for both: whether a stranger's id exists is nobody's business.
        return _unable("the answer this goes on from is not known here")
    narrowed = only_at(origin.target, allow)
    if isinstance(narrowed, Deny):
        return narrowed
    return Held(narrowed, origin.target, origin.kept_tokens)


def only_at(target: str, allow: Allow) -> Allow | Deny:
    """The decision, narrowed to one target; a refusal where it may not be asked."""
    if target not in allow.targets:
        return _unable(f"the answer this goes on from was made by {target}, which may not be asked")
    return msgspec.structs.replace(allow, targets=(target,))


def _unable(reason: str) -> Deny:
    """A refusal that does not last: an answer that is being made now is known a moment later."""
    return Deny(RULE, reason, _INSTEAD, CODE, lasts=False)
