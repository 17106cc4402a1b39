"""Who comes to the sign-in: whether there is one, from where they come, and how often."""

from fastapi import Request

from gateway.configuration.identity_settings import Login
from gateway.oauth.limits import Limits
from gateway.pipeline import InForce


class Visitors:
    """Asks the configuration in force."""

    def __init__(self, in_force: InForce, limits: Limits) -> None:
        self._in_force = in_force
        self._limits = limits

    def login(self) -> Login | None:
        """How people sign in, if they do."""
        return self._in_force.configuration.identity.login

    def address(self, request: Request) -> str | None:
        """Where a request came from, by the word of trusted proxies."""
        peer = None if request.client is None else request.client.host
        proxies = self._in_force.configuration.proxies
        if proxies is None:
            return peer
        return proxies.caller(peer, tuple(request.scope["headers"]))

    def allows(self, what: str, request: Request, per_minute: int, of_all: int) -> bool:
        """Whether there may be one more of it from where this request came."""
        return self._limits.allows(what, self.address(request), per_minute, of_all)
