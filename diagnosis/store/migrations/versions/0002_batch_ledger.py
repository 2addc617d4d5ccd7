"""The ledger of batch runs."""

import sqlalchemy as sa
from alembic import op

from diagnosis.store.tables import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of runs and their studies."""
    op.create_table(
        "batch_runs",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("bundle_sha256", sa.String(64), nullable=False),
        sa.Column("runtime", sa.String(64), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_batch_runs"),
    )
    op.create_table(
        "batch_studies",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(128), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("source_sha256", sa.String(64), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("owner", sa.String(64)),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("prepared", sa.LargeBinary()),
        sa.Column("result", sa.Text()),
        sa.Column("seconds", sa.Text()),
        sa.CheckConstraint("state IN ('waiting', 'claimed', 'done', 'failed')", name="state"),
        sa.PrimaryKeyConstraint("run_id", "case_id", name="pk_batch_studies"),
        sa.ForeignKeyConstraint(["run_id"], ["batch_runs.run_id"], name="fk_batch_studies_run_id"),
    )
    op.create_index("ix_batch_studies_run_id_state_ordinal", "batch_studies", ["run_id", "state", "ordinal"])


def downgrade() -> None:
    """Take them away."""
    op.drop_table("batch_studies")
    op.drop_table("batch_runs")
