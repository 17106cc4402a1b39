"""What a gateway elsewhere knows of people and services, over its admin API."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from gateway.cli.server import AdminServer

if TYPE_CHECKING:
    from gateway.roles import Role
    from gateway.store.people import Person
    from gateway.store.stored_subject import StoredSubject

_TAKEN_BACK: Final = "`gatehouse role list` shows whether it was taken back"


class ServerSubjects:
    """Changes are in the ledger in the name of the key that asks.

    As `gateway.cli.ports.Subjects` says.
    """

    def __init__(self, server: AdminServer) -> None:
        self._server = server

    def list(self) -> "Sequence[StoredSubject]":
        """Everybody who is blocked or was granted a role."""
        with self._server.understood():
            pages = self._server.pages("/subjects")
            return [_stored(each) for page in pages for each in page["subjects"]]

    def everybody(self, team: str | None) -> "Sequence[Person]":
        """Everybody who has or had a key, or has asked."""
        with self._server.understood():
            pages = self._server.pages("/users", team=team)
            return [_person(each) for page in pages for each in page["users"]]

    def block(self, name: str, *, is_service: bool) -> "StoredSubject":
        """Take nothing of theirs any more."""
        return self._post("block", {"service" if is_service else "user": name})

    def unblock(self, name: str, *, is_service: bool) -> "StoredSubject":
        """Take again what holds of theirs."""
        return self._post("unblock", {"service" if is_service else "user": name})

    def grant(self, user: str, role: "Role") -> "StoredSubject":
        """Give a person a role."""
        return self._post("grant", {"user": user, "role": role.value})

    def take_back(self, user: str, role: "Role") -> "StoredSubject":
        """Take a granted role back."""
        return self._post("take-back", {"user": user, "role": role.value}, _TAKEN_BACK)

    def _post(
        self, what: str, body: Mapping[str, object], lost: str | None = None
    ) -> "StoredSubject":
        told = self._server.post(f"/subjects/{what}", body, lost=lost)
        with self._server.understood():
            return _stored(told)


def _stored(told: Mapping[str, Any]) -> "StoredSubject":
    from gateway.store.stored_subject import StoredSubject

    return StoredSubject(
        told["user"],
        told["kind"] == "service",
        frozenset(told["granted_roles"]),
        told["blocked_unix_us"],
    )


def _person(told: Mapping[str, Any]) -> "Person":
    from gateway.store.people import Person

    last = told["last_seen_unix_us"]
    return Person(
        told["user"],
        told["kind"] == "service",
        tuple(told["teams"]),
        told["keys"],
        told["active_keys"],
        None if last is None else last // 1_000_000,
    )
