"""The first start of an installation: one administrator's and one developer's key, shown once."""

from dataclasses import dataclass, field

from gateway.key_wish import ADMINISTRATORS
from gateway.roles import Role
from gateway.virtual_key import KeyIssuer

FIRST_USER = "first-user"


@dataclass(frozen=True, slots=True)
class FirstKeys:
    """The keys as they are shown, this once."""

    admin: str = field(repr=False)
    developer: str = field(repr=False)


async def issue_first_keys(issuer: KeyIssuer, developer_team: str) -> FirstKeys | None:
    """Make both keys, unless there has ever been one; None then.

    The administrator's does not reach models, the developer's only that.
    """
    issued = await issuer.issue_first(
        (ADMINISTRATORS, FIRST_USER, frozenset({Role.ADMIN})),
        (developer_team, FIRST_USER, frozenset({Role.DEVELOPER})),
    )
    if issued is None:
        return None
    admin, developer = issued
    return FirstKeys(admin.secret.reveal(), developer.secret.reveal())
