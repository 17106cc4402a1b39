"""The versions that a gateway elsewhere keeps, over its admin API."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from gateway.cli.exits import CommandFailed, Exit
from gateway.cli.ports import KnownVersions, Ordered
from gateway.cli.server import AdminServer
from gateway.cli.stored_versions import is_digest

if TYPE_CHECKING:
    from gateway.configuration.orders import Order
    from gateway.configuration.stored import StoredConfiguration
    from gateway.store.versions import KnownVersion

_PROPOSAL: Final = "pc_"


class ServerVersions:
    """Orders are in the ledger in the name of the key that asks.

    As `gateway.cli.ports.Versions` says.
    """

    def __init__(self, server: AdminServer) -> None:
        self._server = server

    def list(self) -> KnownVersions:
        """Those that are kept, and how they stand."""
        policy = self._server.get("/policy")
        with self._server.understood():
            pages = self._server.pages("/policy/versions")
            known = [_known(each) for page in pages for each in page["versions"]]
            pin = None if policy["pin"] is None else _order(policy["pin"])
            return KnownVersions(known, policy["digest"], pin)

    def shown(self, digest: str) -> "StoredConfiguration":
        """What is kept under a digest, its beginning, or `previous`."""
        from gateway.configuration.stored import StoredConfiguration, StoredFile

        if digest.startswith(_PROPOSAL):
            raise CommandFailed(
                f"{digest} waits for approval: it is shown on the gateway's machine", Exit.USAGE
            )
        if not is_digest(digest):
            raise CommandFailed(f"{digest!r} is no digest", Exit.NOT_FOUND)
        told = self._server.get(f"/policy/versions/{digest.lower()}")
        with self._server.understood():
            files = tuple(StoredFile(**each) for each in told["files"])
            return StoredConfiguration(told["digest"], told["file"], files)

    def rollback(self, digest: str, reason: str) -> Ordered:
        """Put a version in force, whatever the files say."""
        return self._ordered("rollback", {"digest": digest.lower(), "reason": reason})

    def resume(self, reason: str) -> Ordered:
        """Have the files count again."""
        return self._ordered("resume", {"reason": reason})

    def _ordered(self, what: str, body: Mapping[str, object]) -> Ordered:
        lost = "`gatehouse policy versions` shows whether it was carried out"
        told = self._server.post(f"/policy/{what}", body, lost=lost)
        with self._server.understood():
            return Ordered(_order(told["order"]), told["in_force"])


def _known(told: Mapping[str, Any]) -> "KnownVersion":
    from gateway.store.versions import KnownVersion

    return KnownVersion(
        digest=told["digest"],
        first_unix_us=told["first_unix_us"],
        last_unix_us=told["last_unix_us"],
        source=told["file"],
        file_count=told["file_count"],
        size_bytes=told["size_bytes"],
        changes=told["changes"],
    )


def _order(told: Mapping[str, Any]) -> "Order":
    from gateway.configuration.orders import Order

    return Order(
        told["number"],
        told["digest"],
        told["reason"],
        told["by_kind"],
        told["by"],
        told["since_unix_us"],
        told["by_credential_id"],
    )
