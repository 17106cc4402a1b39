"""An answer that its vendor keeps is found by its id."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit_body", sa.Column("response_id", sa.Text))
    condition = sa.text("response_id IS NOT NULL")
    op.create_index(
        "ix_audit_body_response_id",
        "audit_body",
        ["response_id"],
        sqlite_where=condition,
        postgresql_where=condition,
    )


def downgrade() -> None:
    op.drop_index("ix_audit_body_response_id", "audit_body")
    op.drop_column("audit_body", "response_id")
