"""Orders are given with keys, too: which one it was is on record."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("configuration_order", sa.Column("actor_credential_id", sa.Text))


def downgrade() -> None:
    op.drop_column("configuration_order", "actor_credential_id")
