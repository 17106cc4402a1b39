"""Hold a key to the models and networks that it was made for."""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import ClassVar, Self

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
        if scope.networks and not _is_within(question.address, scope.networks):
            return Deny(
                self.name,
                f"key {key} may be used from {', '.join(scope.networks)} only, "
                f"and this request came from {question.address or 'an unknown address'}",
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


@lru_cache(maxsize=4096)
def _is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an IP address lies in one of these; what is no address lies in none."""
    try:
        caller = ip_address(address)
    except ValueError:
        return False
    # A socket for both protocols shows IPv4 callers as ::ffff:192.0.2.7.
    caller = getattr(caller, "ipv4_mapped", None) or caller
    return any(caller in ip_network(each) for each in networks)
