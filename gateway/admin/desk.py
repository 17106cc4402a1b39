"""What the resources of the admin API work on, put together once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.admin.level import Level
from gateway.admin.reads import Reads
from gateway.caps.port import AccountState
from gateway.pipeline import InForce
from gateway.policy_changes import PolicyChangesDesk
from gateway.status import Status
from gateway.store.break_glasses import BreakGlasses
from gateway.store.changes import Actor
from gateway.store.keys import Keys
from gateway.store.ledger import Ledger
from gateway.store.passed import Passed
from gateway.store.people import People
from gateway.store.subjects import Subjects
from gateway.store.usage import UsageBook
from gateway.store.versions import Versions
from gateway.virtual_key import KeyIssuer


@dataclass(frozen=True, slots=True)
class Desk:
    """`issuer` makes keys on behalf of somebody; `refresh_keys` and `refresh_exceptions` have this
    process know of a change at once; `digest_of` gives the bytes of an id for what somebody asks
    for under a name of their own; `passed` counts what passed because of an exception.
    """

    version: str
    started_unix_us: int
    unix_us: Callable[[], int]
    in_force: InForce
    status: Status
    keys: Keys
    issuer: Callable[[Actor], KeyIssuer]
    refresh_keys: Callable[[], Awaitable[None]]
    refresh_exceptions: Callable[[], Awaitable[None]]
    digest_of: Callable[[str], bytes]
    cap_states: Callable[[], Awaitable[list[AccountState]]]
    versions: Versions
    policy_changes: PolicyChangesDesk
    ledger: Ledger
    glasses: BreakGlasses
    passed: Callable[[str, int, int], Awaitable[list[Passed]]]
    people: People
    subjects: Subjects
    usage: UsageBook
    level: Level
    reads: Reads
