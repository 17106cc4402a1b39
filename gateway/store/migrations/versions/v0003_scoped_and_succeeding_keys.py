"""Keys have a scope, a kind and a successor; the lane that tells of their changes is marked."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("virtual_key", sa.Column("models", sa.Text))
    op.add_column("virtual_key", sa.Column("networks", sa.Text))
    is_service = sa.Column("is_service", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("virtual_key", is_service)
    op.add_column("virtual_key", sa.Column("successor_id", sa.String(16)))
    op.add_column("virtual_key", sa.Column("lapsed_unix_us", sa.BigInteger))
    op.add_column("audit_lane", sa.Column("purpose", sa.String(16)))


def downgrade() -> None:
    op.drop_column("audit_lane", "purpose")
    for name in ("lapsed_unix_us", "successor_id", "is_service", "networks", "models"):
        op.drop_column("virtual_key", name)
