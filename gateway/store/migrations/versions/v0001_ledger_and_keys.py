"""The ledger with its chain, the sinks' cursors, and the virtual keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _ordered(length):
    """Text that is compared byte by byte; PostgreSQL else follows a language."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


_LANE = _ordered(26)
_HASH = sa.LargeBinary(32)


def upgrade() -> None:
    _create_ledger()
    _create_body_indexes()
    _create_keys()
    _refuse_changes("audit_leaf", "audit_body")


def downgrade() -> None:
    for table in (
        "key_revision",
        "virtual_key",
        "audit_cursor",
        "audit_body",
        "audit_leaf",
        "audit_lane",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change")


def _create_ledger() -> None:
    op.create_table(
        "audit_lane",
        sa.Column("lane", _LANE, nullable=False),
        sa.Column("opened_unix_us", sa.BigInteger, nullable=False),
        sa.Column("settled_seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("lane", name="pk_audit_lane"),
    )
    op.create_table(
        "audit_leaf",
        sa.Column("lane", _LANE, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("record_id", sa.String(32), nullable=False),
        sa.Column("record_hash", _HASH, nullable=False),
        sa.Column("prev_hash", _HASH, nullable=False),
        sa.Column("time_unix_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("lane", "seq", name="pk_audit_leaf"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_body",
        sa.Column("lane", _LANE, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("exchange_id", _ordered(29), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("time_unix_us", sa.BigInteger, nullable=False),
        sa.Column("team", sa.Text),
        sa.Column("subject", sa.Text),
        sa.Column("model", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("cost_nano_usd", sa.BigInteger),
        sa.Column("total_tokens", sa.BigInteger),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("lane", "seq", name="pk_audit_body"),
    )
    op.create_table(
        "audit_cursor",
        sa.Column("sink", sa.String(64), nullable=False),
        sa.Column("lane", _LANE, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("sink", "lane", name="pk_audit_cursor"),
    )


def _create_body_indexes() -> None:
    op.create_index("ix_audit_body_exchange_id", "audit_body", ["exchange_id"])
    op.create_index("ix_audit_body_time_unix_us", "audit_body", ["time_unix_us"])
    for name, columns, where in (
        ("ix_audit_body_team_time_unix_us", ["team", "time_unix_us"], "team IS NOT NULL"),
        ("ix_audit_body_subject_time_unix_us", ["subject", "time_unix_us"], "subject IS NOT NULL"),
        (
            "ix_audit_body_spent",
            ["time_unix_us", "team", "cost_nano_usd", "total_tokens"],
            "cost_nano_usd IS NOT NULL",
        ),
    ):
        condition = sa.text(where)
        op.create_index(
            name, "audit_body", columns, sqlite_where=condition, postgresql_where=condition
        )


def _create_keys() -> None:
    op.create_table(
        "virtual_key",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("digest", _HASH, nullable=False),
        sa.Column("last_four", sa.String(4), nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("created_unix_us", sa.BigInteger, nullable=False),
        sa.Column("expires_unix_us", sa.BigInteger),
        sa.Column("revoked_unix_us", sa.BigInteger),
        sa.Column("changed_revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_virtual_key"),
        sa.UniqueConstraint("digest", name="uq_virtual_key_digest"),
    )
    op.create_index("ix_virtual_key_changed_revision", "virtual_key", ["changed_revision"])
    revision_table = op.create_table(
        "key_revision",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_key_revision"),
    )
    op.bulk_insert(revision_table, [{"id": 1, "revision": 0}])


def _refuse_changes(*tables):
    """A tripwire, not a defence: who can write the database can drop the triggers."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"
        )
        for table in tables:
            op.execute(
                f"CREATE TRIGGER {table}_refuses_changes BEFORE UPDATE OR DELETE OR TRUNCATE "
                f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        return
    for table in tables:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            )
