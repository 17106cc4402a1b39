"""Hold a key to the models and networks that it was made for."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Self

from policy.networks import is_within, parse_address, spans_of
from policy.question import Question, Team
from policy.types import Decision, Deny


@dataclass(frozen=True, slots=True)
class KeyScope:
    """Deny what the caller's key is not for. A model that the team lacks is for another rule."""

    name: ClassVar[str] = "key_scope"
    is_standing: ClassVar[bool] = False

    @classmethod
    def compile(cls, team: Team) -> Self:
        """Any team may have keys that are limited."""
        return cls()

    def decide(self, question: Question) -> Decision:
        """The network first: from the wrong place a key is good for nothing."""
        scope = question.identity.scope
        if scope is None:
            return question.allow()
        key = question.identity.credential_id
        address = question.circumstances.address
        if scope.networks and not _comes_from(address, scope.networks):
            return Deny(
                self.name,
                f"key {key} may be used from {', '.join(scope.networks)} only, "
                f"and this request came from {address or 'an unknown address'}",
                "ask your platform team for a key for where you are",
                lasts=False,  # the same turn may come again from another place
            )
        if question.targets and not scope.covers(question.facts.model):
            return Deny(
                self.name,
                f"key {key} is for {', '.join(scope.models)} only, "
                f"not for {question.facts.asked_model}",
                "GET /v1/models lists what it is for",
            )
        return question.allow()


_spans_of = lru_cache(maxsize=4096)(spans_of)


def _comes_from(address: str | None, networks: tuple[str, ...]) -> bool:
    """Whether a caller is in one of these; one whose address is not known is in none."""
    caller = parse_address(address)
    return caller is not None and is_within(caller, _spans_of(networks))
