"""Tables: ledger, keys, people, usage, exceptions, the configuration's versions."""

from typing import ClassVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)
from sqlmodel import Field, SQLModel


def ordered(length: int) -> String:
    """Text that is compared byte by byte, as Python does; PostgreSQL else follows a language."""
    in_bytes = String(length, collation="C")
    return String(length).with_variant(in_bytes, "postgresql")


LANE = ordered(26)
HASH = LargeBinary(32)
KIND = String(16).with_variant(String(32), "postgresql")
"""SQLite holds no text to a length: there the first one stands, for a copy of the table costs."""


class Base(SQLModel):
    """One metadata for all tables, with names for constraints that migrations can rely on."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class AuditLane(Base, table=True):
    """One run of one writer. All that was admitted up to `settled_seq` has its end.

    `beat` grows while the writer lives, on PostgreSQL; nobody is expected to write to a lane that
    has none. `recovered_seq` is set where another process ended what the writer had left open, up
    to there. `purpose` marks lanes that are none such: those of `gateway.store.change_lane`.
    """

    __tablename__ = "audit_lane"

    lane: str = Field(sa_column=Column(LANE, primary_key=True))
    opened_unix_us: int = Field(sa_type=BigInteger)
    settled_seq: int = Field(sa_type=BigInteger)
    purpose: str | None = Field(default=None, sa_type=String(16))
    beat: int | None = Field(default=None, sa_type=BigInteger)
    recovered_seq: int | None = Field(default=None, sa_type=BigInteger)


class AuditLeaf(Base, table=True):
    """A record's place in its chain. Kept for ever, also when the body is pruned."""

    __tablename__ = "audit_leaf"
    __table_args__ = ({"sqlite_with_rowid": False},)

    lane: str = Field(sa_column=Column(LANE, primary_key=True))
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    record_id: str = Field(sa_type=String(32))
    record_hash: bytes = Field(sa_type=HASH)
    prev_hash: bytes = Field(sa_type=HASH)
    time_unix_us: int = Field(sa_type=BigInteger)


class AuditBody(Base, table=True):
    """A record's canonical JSON, and the columns by which it is found.

    `exchange_id` is the id of what the record tells of: an exchange, or what was changed (a key).
    `kind` is the record's own, but `late` for an end that came when the exchange had been given
    another. `outcome` is a `completed` record's outcome, a `denied` or `repeated` record's rule,
    and `unknown` for the kind of that name. `response_id` is a `completed` record's, where a later
    request may name it.
    """

    __tablename__ = "audit_body"

    lane: str = Field(sa_column=Column(LANE, primary_key=True))
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    exchange_id: str = Field(sa_column=Column(ordered(29), nullable=False, index=True))
    kind: str = Field(sa_type=KIND)
    time_unix_us: int = Field(sa_type=BigInteger, index=True)
    team: str | None = Field(default=None, sa_type=Text)
    subject: str | None = Field(default=None, sa_type=Text)
    model: str | None = Field(default=None, sa_type=Text)
    outcome: str | None = Field(default=None, sa_type=Text)
    cost_nano_usd: int | None = Field(default=None, sa_type=BigInteger)
    total_tokens: int | None = Field(default=None, sa_type=BigInteger)
    response_id: str | None = Field(default=None, sa_type=Text)
    body: str = Field(sa_type=Text)


class AuditCursor(Base, table=True):
    """How far a sink has taken a lane: everything up to and including `seq`."""

    __tablename__ = "audit_cursor"

    sink: str = Field(sa_column=Column(String(64), primary_key=True))
    lane: str = Field(sa_column=Column(LANE, primary_key=True))
    seq: int = Field(sa_type=BigInteger)


class VirtualKey(Base, table=True):
    """A key as it is kept: a keyed digest, never the key.

    `roles`, `models` and `networks` are sorted and comma-separated.
    """

    __tablename__ = "virtual_key"

    id: str = Field(sa_column=Column(String(16), primary_key=True))
    digest: bytes = Field(sa_type=HASH, unique=True)
    last_four: str = Field(sa_type=String(4))
    team: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    roles: str = Field(sa_type=Text)
    created_unix_us: int = Field(sa_type=BigInteger)
    expires_unix_us: int | None = Field(default=None, sa_type=BigInteger)
    revoked_unix_us: int | None = Field(default=None, sa_type=BigInteger)
    changed_revision: int = Field(sa_type=BigInteger, index=True)
    models: str | None = Field(default=None, sa_type=Text)
    networks: str | None = Field(default=None, sa_type=Text)
    is_service: bool = Field(
        default=False, sa_column=Column(Boolean, nullable=False, server_default=false())
    )
    successor_id: str | None = Field(default=None, sa_type=String(16))
    lapsed_unix_us: int | None = Field(default=None, sa_type=BigInteger)


class KeyRevision(Base, table=True):
    """One row: a number that grows with each change of who may ask."""

    __tablename__ = "key_revision"

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    revision: int = Field(sa_type=BigInteger)


class Subject(Base, table=True):
    """What was decided about a person or a service: `roles` that were granted, sorted and
    comma-separated, and since when they are blocked."""

    __tablename__ = "subject"

    subject: str = Field(sa_column=Column(Text, primary_key=True))
    is_service: bool = Field(sa_column=Column(Boolean, primary_key=True))
    roles: str = Field(sa_type=Text)
    blocked_unix_us: int | None = Field(default=None, sa_type=BigInteger)
    changed_revision: int = Field(sa_type=BigInteger, index=True)


class ConfigurationVersion(Base, table=True):
    """A configuration that was in force, by its digest. `files` are packed, without keys.

    `first_unix_us` and `last_unix_us` are when it came into force for the first and the last time.
    `changes` is what it changed then for the first time, as the ledger's record tells it (JSON).
    """

    __tablename__ = "configuration_version"

    digest: str = Field(sa_column=Column(String(64), primary_key=True))
    first_unix_us: int = Field(sa_type=BigInteger)
    last_unix_us: int = Field(sa_type=BigInteger, index=True)
    source: str | None = Field(default=None, sa_type=Text)
    file_count: int = Field(sa_type=BigInteger)
    size_bytes: int = Field(sa_type=BigInteger)
    files: bytes = Field(sa_type=LargeBinary)
    changes: str = Field(sa_type=Text)


class ConfigurationState(Base, table=True):
    """One row: what came into force last, which files were refused last, and how many people a
    change of policy takes."""

    __tablename__ = "configuration_state"

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    digest: str | None = Field(default=None, sa_type=String(64))
    origin: str | None = Field(default=None, sa_type=String(16))
    refused: str | None = Field(default=None, sa_type=String(64))
    approvers: int = Field(
        default=1, sa_column=Column(BigInteger, nullable=False, server_default=text("1"))
    )


class ConfigurationOrder(Base, table=True):
    """What somebody ordered: a version by its digest, or (without) that the files count again.

    `state` is `asked`, `taken` or `refused`, and then `answer` says why. The newest that was taken
    holds.
    """

    __tablename__ = "configuration_order"

    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    digest: str | None = Field(default=None, sa_type=String(64))
    reason: str = Field(sa_type=Text)
    actor_kind: str = Field(sa_type=String(16))
    actor_name: str | None = Field(default=None, sa_type=Text)
    asked_unix_us: int = Field(sa_type=BigInteger)
    state: str = Field(sa_type=String(16))
    answer: str | None = Field(default=None, sa_type=Text)
    actor_credential_id: str | None = Field(default=None, sa_type=Text)


class ConfigurationProposal(Base, table=True):
    """A change of policy that people have to approve: what would come in place of `base`, and who
    stands behind it (JSON). `files` are packed, without keys."""

    __tablename__ = "configuration_proposal"

    id: str = Field(sa_column=Column(String(16), primary_key=True))
    digest: str = Field(sa_type=String(64))
    base: str = Field(sa_type=String(64))
    source: str | None = Field(default=None, sa_type=Text)
    files: bytes = Field(sa_type=LargeBinary)
    needs: int = Field(sa_type=BigInteger)
    is_of_files: bool = Field(sa_type=Boolean)
    proposed_unix_us: int = Field(sa_type=BigInteger)
    backers: str = Field(sa_type=Text)
    ended_as: str | None = Field(default=None, sa_type=String(16))
    ended_by: str | None = Field(default=None, sa_type=Text)
    end_reason: str | None = Field(default=None, sa_type=Text)


class BreakGlassRow(Base, table=True):
    """An exception from policy that somebody asked for, and what became of it.

    `lifts`, `scope` and who did what are JSON. It is open from `opened_unix_us` to `until_unix_us`
    unless it was closed; `ended_unix_us` says when its end was noticed and recorded.
    """

    __tablename__ = "break_glass"

    id: str = Field(sa_column=Column(String(16), primary_key=True))
    reason: str = Field(sa_type=Text)
    lifts: str = Field(sa_type=Text)
    scope: str = Field(sa_type=Text)
    for_seconds: int = Field(sa_type=BigInteger)
    proposed_unix_us: int = Field(sa_type=BigInteger)
    proposed_by: str = Field(sa_type=Text)
    approved_by: str | None = Field(default=None, sa_type=Text)
    opened_unix_us: int | None = Field(default=None, sa_type=BigInteger)
    until_unix_us: int | None = Field(default=None, sa_type=BigInteger)
    closed_unix_us: int | None = Field(default=None, sa_type=BigInteger)
    closed_by: str | None = Field(default=None, sa_type=Text)
    ended_unix_us: int | None = Field(default=None, sa_type=BigInteger)


class UsageHour(Base, table=True):
    """What one hour (UTC) of exchanges used, by who asked what with which assistant of whom.

    Summed from the ledger by `gateway.store.rollup`, and at any time made anew from it. Nothing in
    the key is null: what is not known is empty text. An exchange belongs to the hour of its end.
    """

    __tablename__ = "usage_hour"
    __table_args__ = ({"sqlite_with_rowid": False},)

    hour_unix_seconds: int = Field(
        sa_column=Column(BigInteger, primary_key=True, autoincrement=False)
    )
    team: str = Field(sa_column=Column(Text, primary_key=True))
    subject: str = Field(sa_column=Column(Text, primary_key=True))
    is_service: bool = Field(sa_column=Column(Boolean, primary_key=True))
    model: str = Field(sa_column=Column(Text, primary_key=True))
    assistant: str = Field(sa_column=Column(Text, primary_key=True))
    target: str = Field(sa_column=Column(Text, primary_key=True))
    requests: int = Field(sa_type=BigInteger)
    denied: int = Field(sa_type=BigInteger)
    failed: int = Field(sa_type=BigInteger)
    unpriced: int = Field(sa_type=BigInteger)
    input_tokens: int = Field(sa_type=BigInteger)
    cache_read_tokens: int = Field(sa_type=BigInteger)
    cache_write_tokens: int = Field(sa_type=BigInteger)
    output_tokens: int = Field(sa_type=BigInteger)
    cost_nano_usd: int = Field(sa_type=BigInteger)


class AccountQuarter(Base, table=True):
    """What an account of caps used in a quarter of an hour (UTC), summed as `UsageHour` is.

    Every team has an account; others are in it from when a cap counted for them.
    """

    __tablename__ = "account_quarter"
    __table_args__ = ({"sqlite_with_rowid": False},)

    account: str = Field(sa_column=Column(Text, primary_key=True))
    quarter_unix_seconds: int = Field(
        sa_column=Column(BigInteger, primary_key=True, autoincrement=False)
    )
    requests: int = Field(sa_type=BigInteger)
    tokens: int = Field(sa_type=BigInteger)
    cost_nano_usd: int = Field(sa_type=BigInteger)


class Installation(Base, table=True):
    """One row: what all replicas have in common. `pepper_check` tells their pepper from another."""

    __tablename__ = "installation"

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    pepper_check: bytes = Field(sa_type=HASH)


def table_of(model: type[SQLModel]) -> Table:
    """The table that a model declares."""
    return Base.metadata.tables[str(model.__tablename__)]


LANES = table_of(AuditLane)
LEAVES = table_of(AuditLeaf)
BODIES = table_of(AuditBody)
CURSORS = table_of(AuditCursor)
KEYS = table_of(VirtualKey)
KEY_REVISION = table_of(KeyRevision)
SUBJECTS = table_of(Subject)
VERSIONS = table_of(ConfigurationVersion)
CONFIGURATION = table_of(ConfigurationState)
ORDERS = table_of(ConfigurationOrder)
INSTALLATION = table_of(Installation)
BREAK_GLASSES = table_of(BreakGlassRow)
PROPOSALS = table_of(ConfigurationProposal)
USAGE_HOURS = table_of(UsageHour)
ACCOUNT_QUARTERS = table_of(AccountQuarter)

# Rows without the column are most of the table: leaving them out keeps a write cheap.
Index(
    "ix_audit_body_team_time_unix_us",
    BODIES.c.team,
    BODIES.c.time_unix_us,
    sqlite_where=BODIES.c.team.is_not(None),
    postgresql_where=BODIES.c.team.is_not(None),
)
Index(
    "ix_audit_body_subject_time_unix_us",
    BODIES.c.subject,
    BODIES.c.time_unix_us,
    sqlite_where=BODIES.c.subject.is_not(None),
    postgresql_where=BODIES.c.subject.is_not(None),
)
Index(
    "ix_audit_body_response_id",
    BODIES.c.response_id,
    sqlite_where=BODIES.c.response_id.is_not(None),
    postgresql_where=BODIES.c.response_id.is_not(None),
)
# Who has ever asked anything is read from this index alone.
Index(
    "ix_usage_hour_subject_is_service_team",
    USAGE_HOURS.c.subject,
    USAGE_HOURS.c.is_service,
    USAGE_HOURS.c.team,
)
