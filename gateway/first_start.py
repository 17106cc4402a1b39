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


async def issue_first_keys(issuer: KeyIssuer, developer_team: str) -> FirstKeys:
    """Make both keys. The administrator's does not reach models, the developer's only that."""
    admin = await issuer.issue(ADMINISTRATORS, FIRST_USER, frozenset({Role.ADMIN}))
    developer = await issuer.issue(developer_team, FIRST_USER)
    return FirstKeys(admin.secret.reveal(), developer.secret.reveal())
