"""What was decided about people and services, in memory: who is blocked, who was granted a role."""

from collections.abc import Iterable

from gateway.store.stored_subject import StoredSubject

NO_ROLES: frozenset[str] = frozenset()


class KnownSubjects:
    """All that was decided, as far as it was learnt. Most people are not in it."""

    def __init__(self) -> None:
        self._blocked: set[tuple[str, bool]] = set()
        self._roles: dict[str, frozenset[str]] = {}

    def learn(self, subjects: Iterable[StoredSubject]) -> None:
        """Take what has changed."""
        for each in subjects:
            who = (each.subject, each.is_service)
            if each.is_blocked:
                self._blocked.add(who)
            else:
                self._blocked.discard(who)
            if each.is_service:
                continue
            if each.roles:
                self._roles[each.subject] = each.roles
            else:
                self._roles.pop(each.subject, None)

    def is_blocked(self, subject: str, is_service: bool) -> bool:
        """Whether nothing of theirs is taken."""
        return (subject, is_service) in self._blocked

    def roles_of(self, subject: str) -> frozenset[str]:
        """The roles that a person was granted."""
        return self._roles.get(subject, NO_ROLES)
