"""People sign in at their provider: what is waited for, the sessions, and the tokens of each."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_HASH = sa.LargeBinary(32)


def upgrade() -> None:
    _create_sessions()
    _create_tokens()
    _create_sign_ins()


def _create_sessions() -> None:
    op.create_table(
        "session",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("provider_sub", sa.Text, nullable=False),
        sa.Column("provider_subject", sa.Text, nullable=False),
        sa.Column("provider_session", sa.Text),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("groups", sa.Text, nullable=False),
        sa.Column("team", sa.Text),
        sa.Column("machine", sa.Text, nullable=False),
        sa.Column("created_unix_us", sa.BigInteger, nullable=False),
        sa.Column("expires_unix_us", sa.BigInteger, nullable=False),
        sa.Column("checked_unix_us", sa.BigInteger, nullable=False),
        sa.Column("claimed_unix_us", sa.BigInteger),
        sa.Column("provider_secret", sa.LargeBinary),
        sa.Column("ended_unix_us", sa.BigInteger),
        sa.Column("ended_reason", sa.String(32)),
        sa.Column("changed_revision", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
    )
    op.create_index("ix_session_changed_revision", "session", ["changed_revision"])
    op.create_index("ix_session_subject", "session", ["subject"])
    op.create_index("ix_session_provider_sub", "session", ["provider_sub"])
    op.create_index("ix_session_provider_session", "session", ["provider_session"])


def _create_tokens() -> None:
    op.create_table(
        "session_token",
        sa.Column("digest", _HASH, nullable=False),
        sa.Column("session_id", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("expires_unix_us", sa.BigInteger, nullable=False),
        sa.Column("successor", _HASH),
        sa.Column("replaced_unix_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("digest", name="pk_session_token"),
    )
    op.create_index("ix_session_token_session_id", "session_token", ["session_id"])


def _create_sign_ins() -> None:
    op.create_table(
        "sign_in",
        sa.Column("device_digest", _HASH, nullable=False),
        sa.Column("user_digest", _HASH, nullable=False),
        sa.Column("state_digest", _HASH),
        sa.Column("browser_digest", _HASH),
        sa.Column("machine", sa.Text, nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("team", sa.Text),
        sa.Column("created_unix_us", sa.BigInteger, nullable=False),
        sa.Column("expires_unix_us", sa.BigInteger, nullable=False),
        sa.Column("polled_unix_us", sa.BigInteger),
        sa.Column("interval_seconds", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("session_id", sa.String(16)),
        sa.PrimaryKeyConstraint("device_digest", name="pk_sign_in"),
        sa.UniqueConstraint("user_digest", name="uq_sign_in_user_digest"),
        sa.UniqueConstraint("state_digest", name="uq_sign_in_state_digest"),
    )
    op.create_index("ix_sign_in_expires_unix_us", "sign_in", ["expires_unix_us"])


def downgrade() -> None:
    op.drop_table("sign_in")
    op.drop_table("session_token")
    op.drop_table("session")
