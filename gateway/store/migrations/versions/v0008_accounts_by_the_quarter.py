"""What accounts of caps used, summed by the quarter of an hour: made from the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account_quarter",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("quarter_unix_seconds", sa.BigInteger, nullable=False),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "quarter_unix_seconds", name="pk_account_quarter"),
        sqlite_with_rowid=False,
    )
    # What teams spent was summed from it; now it costs a write and serves nobody.
    op.drop_index("ix_audit_body_spent", "audit_body")


def downgrade() -> None:
    where = sa.text("cost_nano_usd IS NOT NULL")
    op.create_index(
        "ix_audit_body_spent",
        "audit_body",
        ["time_unix_us", "team", "cost_nano_usd", "total_tokens"],
        sqlite_where=where,
        postgresql_where=where,
    )
    op.drop_table("account_quarter")
    op.execute("DELETE FROM audit_cursor WHERE sink = 'accounts'")
