"""A lane says whether its writer lives, and how far another process has ended what it left."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit_lane", sa.Column("beat", sa.BigInteger))
    op.add_column("audit_lane", sa.Column("recovered_seq", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("audit_lane", "recovered_seq")
    op.drop_column("audit_lane", "beat")
