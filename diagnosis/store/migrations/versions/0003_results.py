"""Explanations and transcripts that were computed."""

import sqlalchemy as sa
from alembic import op

from diagnosis.store.tables import Count, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of results."""
    op.create_table(
        "results",
        sa.Column("id", Count, nullable=False, autoincrement=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("key_sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("n_bytes", Count, nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_results"),
    )
    op.create_index("ix_results_kind_key_sha256", "results", ["kind", "key_sha256"], unique=True)


def downgrade() -> None:
    """Take it away."""
    op.drop_table("results")
