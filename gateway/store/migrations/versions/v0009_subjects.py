"""What was decided about somebody, whatever they prove who they are with: roles, a block."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "subject",
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("is_service", sa.Boolean, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("blocked_unix_us", sa.BigInteger),
        sa.Column("changed_revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("subject", "is_service", name="pk_subject_standing"),
    )
    op.create_index("ix_subject_changed_revision", "subject", ["changed_revision"])


def downgrade() -> None:
    op.drop_table("subject")
