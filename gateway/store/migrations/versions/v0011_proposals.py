"""Changes of policy that people have to approve, and how many it takes."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "configuration_proposal",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("base", sa.String(64), nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("files", sa.LargeBinary, nullable=False),
        sa.Column("needs", sa.BigInteger, nullable=False),
        sa.Column("is_of_files", sa.Boolean, nullable=False),
        sa.Column("proposed_unix_us", sa.BigInteger, nullable=False),
        sa.Column("backers", sa.Text, nullable=False),
        sa.Column("ended_as", sa.String(16)),
        sa.Column("ended_by", sa.Text),
        sa.Column("end_reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_configuration_proposal"),
    )
    approvers = sa.Column("approvers", sa.BigInteger, nullable=False, server_default=sa.text("1"))
    op.add_column("configuration_state", approvers)


def downgrade() -> None:
    op.drop_column("configuration_state", "approvers")
    op.drop_table("configuration_proposal")
