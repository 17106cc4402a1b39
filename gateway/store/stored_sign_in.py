"""A machine that waits for somebody to sign in, as it is kept; its codes are only digests."""

from dataclasses import dataclass
from enum import StrEnum


class SignInState(StrEnum):
    """How far it has come."""

    WAITING = "waiting"
    APPROVED = "approved"  # somebody signed in; its tokens were not fetched yet
    DENIED = "denied"
    TAKEN = "taken"  # the tokens were fetched: nothing more comes of it


@dataclass(frozen=True, slots=True)
class StoredSignIn:
    """What is waited for. Times are UTC microseconds.

    `machine` is what it calls itself, `address` where it asked from, `team` the one it asked for.
    """

    device_digest: bytes
    user_digest: bytes
    machine: str
    address: str | None
    team: str | None
    created_unix_us: int
    expires_unix_us: int
    interval_seconds: int
    state: SignInState = SignInState.WAITING
    polled_unix_us: int | None = None
    session_id: str | None = None

    def is_open(self, now_unix_us: int) -> bool:
        """Whether somebody may still sign in for it."""
        return self.state is SignInState.WAITING and now_unix_us < self.expires_unix_us
