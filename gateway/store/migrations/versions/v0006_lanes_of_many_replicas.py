"""Many replicas: a lane says whether its writer lives, and all hold to one pepper."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit_lane", sa.Column("beat", sa.BigInteger))
    op.add_column("audit_lane", sa.Column("recovered_seq", sa.BigInteger))
    op.create_table(
        "installation",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("pepper_check", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_installation"),
    )


def downgrade() -> None:
    op.drop_table("installation")
    op.drop_column("audit_lane", "recovered_seq")
    op.drop_column("audit_lane", "beat")
