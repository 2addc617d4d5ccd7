"""What clinicians said of regions that a program had proposed."""

import sqlalchemy as sa
from alembic import op

from diagnosis.store.tables import Count, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "proposal_decisions",
        sa.Column("id", Count, nullable=False, autoincrement=True),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("decision", sa.String(8), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(128), nullable=False),
        sa.CheckConstraint("decision IN ('confirm', 'dismiss', 'restore')", name="decision"),
        sa.ForeignKeyConstraint(["token"], ["cases.token"], name="fk_proposal_decisions_token"),
        sa.PrimaryKeyConstraint("id", name="pk_proposal_decisions"),
    )
    op.create_index("ix_proposal_decisions_token_id", "proposal_decisions", ["token", "id"])


def downgrade() -> None:
    """Take it away."""
    op.drop_table("proposal_decisions")
