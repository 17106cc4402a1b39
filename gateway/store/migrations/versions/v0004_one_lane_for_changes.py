"""The lane that told of changes of keys tells of all changes that people make."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE audit_lane SET purpose = 'changes' WHERE purpose = 'keys'")


def downgrade() -> None:
    op.execute("UPDATE audit_lane SET purpose = 'keys' WHERE purpose = 'changes'")
