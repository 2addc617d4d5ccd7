"""Reports that clinicians edited and signed; dictations that wait to be confirmed."""

import sqlalchemy as sa
from alembic import op

from diagnosis.store.tables import Count, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "reports",
        sa.Column("id", Count, nullable=False, autoincrement=True),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("assessment_id", Count, nullable=False),
        sa.Column("draft", sa.Text(), nullable=False),
        sa.Column("draft_text", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("diff", sa.Text(), nullable=False),
        sa.Column("is_signed", sa.Boolean(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(128), nullable=False),
        sa.ForeignKeyConstraint(["token"], ["cases.token"], name="fk_reports_token"),
        sa.ForeignKeyConstraint(["assessment_id"], ["assessments.id"], name="fk_reports_assessment_id"),
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
    )
    op.create_index("ix_reports_token_id", "reports", ["token", "id"])
    op.create_table(
        "recordings",
        sa.Column("id", Count, nullable=False, autoincrement=True),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("sound", sa.LargeBinary(), nullable=False),
        sa.Column("suffix", sa.String(8), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(128), nullable=False),
        sa.ForeignKeyConstraint(["token"], ["cases.token"], name="fk_recordings_token"),
        sa.PrimaryKeyConstraint("id", name="pk_recordings"),
    )
    op.create_index("ix_recordings_token_made_by", "recordings", ["token", "made_by"], unique=True)


def downgrade() -> None:
    """Take both away."""
    op.drop_table("recordings")
    op.drop_table("reports")
