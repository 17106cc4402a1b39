"""What was decided about somebody, whatever they prove who they are with: roles, a block."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredSubject:
    """Of a person or a service. `roles` were granted, besides those of keys and groups.

    `blocked_unix_us` (UTC microseconds) is since when nothing of theirs is taken.
    """

    subject: str
    is_service: bool = False
    roles: frozenset[str] = frozenset()
    blocked_unix_us: int | None = None

    @property
    def is_blocked(self) -> bool:
        """Whether nothing of theirs is taken."""
        return self.blocked_unix_us is not None

    @property
    def kind(self) -> str:
        """`person`, or `service` for what is none."""
        return "service" if self.is_service else "person"


class SubjectBlocked(Exception):
    """Nothing can be made for somebody who is blocked; the message says what to do."""

    def __init__(self, stored: StoredSubject) -> None:
        option = " --service" if stored.is_service else ""
        super().__init__(
            f"{stored.kind} {stored.subject!r} is blocked; "
            f"`gatehouse user unblock{option}` comes first"
        )


class RolesStayApart(Exception):
    """Two roles that nobody may have together; the message says which and why."""


class RoleNotGranted(Exception):
    """A role that nobody granted cannot be taken back; the message says where it comes from."""


class GrantToOneself(Exception):
    """Nobody changes their own roles."""
