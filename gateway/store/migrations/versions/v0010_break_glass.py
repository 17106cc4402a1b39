"""Exceptions that somebody opens for a time; kinds of records have longer names."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "break_glass",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("lifts", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("for_seconds", sa.BigInteger, nullable=False),
        sa.Column("proposed_unix_us", sa.BigInteger, nullable=False),
        sa.Column("proposed_by", sa.Text, nullable=False),
        sa.Column("approved_by", sa.Text),
        sa.Column("opened_unix_us", sa.BigInteger),
        sa.Column("until_unix_us", sa.BigInteger),
        sa.Column("closed_unix_us", sa.BigInteger),
        sa.Column("closed_by", sa.Text),
        sa.Column("ended_unix_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_break_glass"),
    )
    if op.get_bind().dialect.name == "postgresql":  # SQLite holds no text to a length
        op.alter_column("audit_body", "kind", type_=sa.String(32))


def downgrade() -> None:
    op.drop_table("break_glass")
