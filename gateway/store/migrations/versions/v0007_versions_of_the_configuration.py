"""Configurations that were in force are kept, with what people order of them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_DIGEST = sa.String(64)


def upgrade() -> None:
    op.create_table(
        "configuration_version",
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("first_unix_us", sa.BigInteger, nullable=False),
        sa.Column("last_unix_us", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("file_count", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("files", sa.LargeBinary, nullable=False),
        sa.Column("changes", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_configuration_version"),
    )
    op.create_index(
        "ix_configuration_version_last_unix_us", "configuration_version", ["last_unix_us"]
    )
    state = op.create_table(
        "configuration_state",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("digest", _DIGEST),
        sa.Column("origin", sa.String(16)),
        sa.Column("refused", _DIGEST),
        sa.PrimaryKeyConstraint("id", name="pk_configuration_state"),
    )
    op.bulk_insert(state, [{"id": 1}])
    op.create_table(
        "configuration_order",
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("digest", _DIGEST),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor_kind", sa.String(16), nullable=False),
        sa.Column("actor_name", sa.Text),
        sa.Column("asked_unix_us", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("answer", sa.Text),
        sa.PrimaryKeyConstraint("number", name="pk_configuration_order"),
    )


def downgrade() -> None:
    for table in ("configuration_order", "configuration_state", "configuration_version"):
        op.drop_table(table)
