"""Cases, assessments, reviews, edits, and the audit trail."""

import sqlalchemy as sa
from alembic import op

from diagnosis.store.tables import Count, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables, and the one row that is the trail's head."""
    _create_cases()
    _create_records()
    _create_trail()


def downgrade() -> None:
    """Take them away."""
    for table in ("audit_head", "audit_events", "edits", "reviews", "assessments", "cases"):
        op.drop_table(table)


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("collection", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(128), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("age_years", sa.Double()),
        sa.Column("sex", sa.String(1)),
        sa.Column("dated_on", sa.Date(), nullable=False),
        sa.Column("is_study_date", sa.Boolean(), nullable=False),
        sa.Column("parts", sa.String(32), nullable=False),
        sa.Column("has_region", sa.Boolean(), nullable=False),
        sa.Column("is_gone", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.Column("assessment_id", Count),
        sa.Column("assessed_at", UtcDateTime()),
        sa.Column("finding", sa.String(64)),
        sa.Column("probability", sa.Double()),
        sa.Column("low", sa.Double()),
        sa.Column("high", sa.Double()),
        sa.Column("threshold", sa.Double()),
        sa.Column("is_flagged", sa.Boolean()),
        sa.Column("prediction_set", sa.String(16)),
        sa.Column("review_state", sa.String(16), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_cases"),
    )
    for columns in (
        ["collection", "is_gone", "urgency", "probability"],
        ["collection", "case_id"],
        ["collection", "dated_on"],
    ):
        op.create_index("ix_cases_" + "_".join(columns), "cases", columns)


def _create_records() -> None:
    op.create_table(
        "assessments",
        sa.Column("id", Count, autoincrement=True, nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(128), nullable=False),
        sa.Column("bundle_name", sa.String(128), nullable=False),
        sa.Column("bundle_version", sa.String(32), nullable=False),
        sa.Column("bundle_sha256", sa.String(64), nullable=False),
        sa.Column("inputs_sha256", sa.String(64), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_assessments"),
        sa.ForeignKeyConstraint(["token"], ["cases.token"], name="fk_assessments_token"),
    )
    op.create_index("ix_assessments_token_id", "assessments", ["token", "id"])
    op.create_index("ix_assessments_bundle_sha256_made_at", "assessments", ["bundle_sha256", "made_at"])
    op.create_table(
        "reviews",
        sa.Column("id", Count, autoincrement=True, nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("assessment_id", Count, nullable=False),
        sa.Column("finding", sa.String(64), nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("value", sa.String(16)),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("seat", sa.String(8), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
        sa.ForeignKeyConstraint(["token"], ["cases.token"], name="fk_reviews_token"),
        sa.ForeignKeyConstraint(["assessment_id"], ["assessments.id"], name="fk_reviews_assessment_id"),
        sa.CheckConstraint("decision IN ('accept', 'override', 'defer')", name="decision"),
        sa.CheckConstraint("seat IN ('first', 'second')", name="seat"),
    )
    op.create_index("ix_reviews_token_id", "reviews", ["token", "id"])
    op.create_table(
        "edits",
        sa.Column("id", Count, autoincrement=True, nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("part", sa.String(16), nullable=False),
        sa.Column("original", sa.Text(), nullable=False),
        sa.Column("edited", sa.Text(), nullable=False),
        sa.Column("is_confirmed", sa.Boolean(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_edits"),
        sa.ForeignKeyConstraint(["token"], ["cases.token"], name="fk_edits_token"),
        sa.CheckConstraint("part IN ('note', 'transcript', 'region')", name="part"),
    )
    op.create_index("ix_edits_token_id", "edits", ["token", "id"])


def _create_trail() -> None:
    op.create_table(
        "audit_events",
        sa.Column("seq", Count, autoincrement=False, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_events"),
    )
    op.create_index("ix_audit_events_subject_seq", "audit_events", ["subject", "seq"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", Count, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
        sa.CheckConstraint("id = 1", name="one_row"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "sha256": "0" * 64}])
