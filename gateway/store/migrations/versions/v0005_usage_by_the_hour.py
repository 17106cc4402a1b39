"""What was used, summed by the hour: made from the ledger, and at any time made anew."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KEY = ("hour_unix_seconds", "team", "subject", "is_service", "model", "assistant", "target")
_SUMS = (
    "requests",
    "denied",
    "failed",
    "unpriced",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "cost_nano_usd",
)


def upgrade() -> None:
    op.create_table(
        "usage_hour",
        sa.Column("hour_unix_seconds", sa.BigInteger, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("is_service", sa.Boolean, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("assistant", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        *[sa.Column(name, sa.BigInteger, nullable=False) for name in _SUMS],
        sa.PrimaryKeyConstraint(*_KEY, name="pk_usage_hour"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_usage_hour_subject_is_service_team", "usage_hour", ["subject", "is_service", "team"])


def downgrade() -> None:
    op.drop_table("usage_hour")
    op.execute("DELETE FROM audit_cursor WHERE sink = 'usage'")
