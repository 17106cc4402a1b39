"""Hold a key to the models and networks that it was made for."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Self

from policy.networks import is_within, parse_address, spans_of
from policy.question import Question, Team
from policy.types import Decision, Deny, Identity


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
        displaced = displaced_key(question.identity, question.circumstances.address)
        if displaced is not None:
            return displaced
        if question.targets and not scope.covers(question.facts.model):
            return Deny(
                self.name,
                f"key {question.identity.credential_id} is for {', '.join(scope.models)} only, "
                f"not for {question.facts.asked_model}",
                "GET /v1/models lists what it is for",
            )
        return question.allow()


def displaced_key(identity: Identity, address: str | None) -> Deny | None:
    """The denial of a key that is used from outside its networks, whatever is asked with it."""
    networks = () if identity.scope is None else identity.scope.networks
    if not networks or _comes_from(address, networks):
        return None
    return Deny(
        KeyScope.name,
        f"key {identity.credential_id} may be used from {', '.join(networks)} only, "
        f"and this request came from {address or 'an unknown address'}",
        "ask your platform team for a key for where you are",
        lasts=False,  # the same turn may come again from another place
    )


_spans_of = lru_cache(maxsize=4096)(spans_of)


def _comes_from(address: str | None, networks: tuple[str, ...]) -> bool:
    """Whether a caller is in one of these; one whose address is not known is in none."""
    caller = parse_address(address)
    return caller is not None and is_within(caller, _spans_of(networks))
