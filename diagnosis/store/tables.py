"""The tables. What is written here and what the migrations make is the same: a test compares them.

Rows of `assessments`, `reviews`, `edits`, `reports`, `proposal_decisions` and `audit_events` are only ever added.
Documents are canonical JSON kept as text: a database's own JSON type would order and round them in its own way, and
their hashes would differ.
"""

from datetime import UTC, date, datetime
from typing import ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names of constraints, the same on every database, so that migrations can speak of them."""

Count = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts rows up by itself only in a column declared INTEGER."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite forgets time zones: they are taken off on the way in and put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database: refuses a time without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "store: a time without a time zone; pass one in UTC"
            raise ValueError(msg)
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar = {datetime: UtcDateTime(), float: Double()}


class CaseRow(Base):
    """A case, and the summary of what was last said of it: what the worklist searches, filters and orders by.

    Attributes:
        token: opaque; names the case in addresses.
        collection: opaque name of the folder of cases in which it lies.
        case_id: pseudonym.
        fingerprint: changes when a file of the case does.
        dated_on: the study's date where the CT's headers give one, else the day on which the case was first seen.
        is_study_date: which of the two.
        parts: kinds of evidence whose files are there, such as `ct+note`.
        is_gone: its folder was no longer there when it was last looked for.
        problem: why it cannot be used, in a sentence without patient data.
        assessment_id: the latest assessment, summarized in the columns that follow.
        prediction_set: `positive`, `negative`, `both`, `neither`, or None.
        review_state: one of `reviews.ReviewState`.
        urgency: place in the order of priority, see `worklist.urgency_of`.
    """

    __tablename__ = "cases"
    __table_args__ = (
        Index(None, "collection", "is_gone", "urgency", "probability"),
        Index(None, "collection", "case_id"),
        Index(None, "collection", "dated_on"),
    )

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    collection: Mapped[str] = mapped_column(String(64))
    case_id: Mapped[str] = mapped_column(String(128))
    fingerprint: Mapped[str] = mapped_column(String(64))
    age_years: Mapped[float | None]
    sex: Mapped[str | None] = mapped_column(String(1))
    dated_on: Mapped[date]
    is_study_date: Mapped[bool]
    parts: Mapped[str] = mapped_column(String(32))
    has_region: Mapped[bool]
    is_gone: Mapped[bool]
    first_seen_at: Mapped[datetime]
    problem: Mapped[str | None] = mapped_column(Text)
    assessment_id: Mapped[int | None] = mapped_column(Count)
    assessed_at: Mapped[datetime | None]
    finding: Mapped[str | None] = mapped_column(String(64))
    probability: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    threshold: Mapped[float | None]
    is_flagged: Mapped[bool | None]
    prediction_set: Mapped[str | None] = mapped_column(String(16))
    review_state: Mapped[str] = mapped_column(String(16))
    urgency: Mapped[int]


class AssessmentRow(Base):
    """One assessment; every one is kept.

    Attributes:
        inputs_sha256: hash over all that went in; equal inputs and an equal bundle give an equal answer.
        inputs: document of plain facts of the inputs (age, diameter, spacing, number of words ...), for drift.
        document: the whole assessment as a document.
    """

    __tablename__ = "assessments"
    __table_args__ = (Index(None, "token", "id"), Index(None, "bundle_sha256", "made_at"))

    id: Mapped[int] = mapped_column(Count, primary_key=True, autoincrement=True)
    token: Mapped[str] = mapped_column(ForeignKey("cases.token"))
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(128))
    bundle_name: Mapped[str] = mapped_column(String(128))
    bundle_version: Mapped[str] = mapped_column(String(32))
    bundle_sha256: Mapped[str] = mapped_column(String(64))
    inputs_sha256: Mapped[str] = mapped_column(String(64))
    inputs: Mapped[str] = mapped_column(Text)
    document: Mapped[str] = mapped_column(Text)


class ReviewRow(Base):
    """What a reader said of one finding of one assessment.

    Attributes:
        decision: accept, override or defer.
        value: what the reader says instead (`positive`, `negative`); for an override only.
        reason: why; required for an override.
        seat: `first` or `second` reader.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        Index(None, "token", "id"),
        CheckConstraint("decision IN ('accept', 'override', 'defer')", name="decision"),
        CheckConstraint("seat IN ('first', 'second')", name="seat"),
    )

    id: Mapped[int] = mapped_column(Count, primary_key=True, autoincrement=True)
    token: Mapped[str] = mapped_column(ForeignKey("cases.token"))
    assessment_id: Mapped[int] = mapped_column(Count, ForeignKey("assessments.id"))
    finding: Mapped[str] = mapped_column(String(64))
    decision: Mapped[str] = mapped_column(String(16))
    value: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text)
    comment: Mapped[str] = mapped_column(Text)
    seat: Mapped[str] = mapped_column(String(8))
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(128))


class EditRow(Base):
    """A clinician's change to an input, with what stood there before.

    Attributes:
        part: note, transcript or region.
        original: text before the edit; for a region its document.
        edited: text after it.
        is_confirmed: whether the clinician takes it as their own word; only then does a transcript count.
    """

    __tablename__ = "edits"
    __table_args__ = (
        Index(None, "token", "id"),
        CheckConstraint("part IN ('note', 'transcript', 'region')", name="part"),
    )

    id: Mapped[int] = mapped_column(Count, primary_key=True, autoincrement=True)
    token: Mapped[str] = mapped_column(ForeignKey("cases.token"))
    part: Mapped[str] = mapped_column(String(16))
    original: Mapped[str] = mapped_column(Text)
    edited: Mapped[str] = mapped_column(Text)
    is_confirmed: Mapped[bool]
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(128))


class ReportRow(Base):
    """A report as a clinician edited or signed it, with the draft that it was made from.

    Attributes:
        assessment_id: the assessment that the draft and the report are of.
        draft: document of the draft: each sentence with its evidence.
        draft_text: the draft as plain text.
        text: the clinician's.
        diff: unified diff from the one to the other.
        is_signed: whether the clinician stands by it.
    """

    __tablename__ = "reports"
    __table_args__ = (Index(None, "token", "id"),)

    id: Mapped[int] = mapped_column(Count, primary_key=True, autoincrement=True)
    token: Mapped[str] = mapped_column(ForeignKey("cases.token"))
    assessment_id: Mapped[int] = mapped_column(Count, ForeignKey("assessments.id"))
    draft: Mapped[str] = mapped_column(Text)
    draft_text: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    diff: Mapped[str] = mapped_column(Text)
    is_signed: Mapped[bool]
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(128))


class ProposalDecisionRow(Base):
    """What a clinician said of a region that a program had proposed.

    Attributes:
        region: the proposed region as canonical JSON.
        decision: confirm, dismiss, or restore after a dismissal.
    """

    __tablename__ = "proposal_decisions"
    __table_args__ = (
        Index(None, "token", "id"),
        CheckConstraint("decision IN ('confirm', 'dismiss', 'restore')", name="decision"),
    )

    id: Mapped[int] = mapped_column(Count, primary_key=True, autoincrement=True)
    token: Mapped[str] = mapped_column(ForeignKey("cases.token"))
    region: Mapped[str] = mapped_column(Text)
    decision: Mapped[str] = mapped_column(String(8))
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(128))


class RecordingRow(Base):
    """A dictation that waits for its speaker to confirm or discard it: work in progress, taken away by either.

    Attributes:
        sound: the file as it came.
        suffix: its kind, such as `.wav`.
        text: the words as the speaker has corrected them so far; None where nothing was corrected.
        made_by: the speaker; nobody else is shown it.
    """

    __tablename__ = "recordings"
    __table_args__ = (Index(None, "token", "made_by", unique=True),)

    id: Mapped[int] = mapped_column(Count, primary_key=True, autoincrement=True)
    token: Mapped[str] = mapped_column(ForeignKey("cases.token"))
    sound: Mapped[bytes] = mapped_column(LargeBinary)
    suffix: Mapped[str] = mapped_column(String(8))
    text: Mapped[str | None] = mapped_column(Text)
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(128))


class EventRow(Base):
    """One link of the audit trail.

    Attributes:
        seq: 1, 2, 3 ... without a gap.
        at: ISO 8601 in UTC, as text: its hash must not depend on how a database keeps times.
        action: what was done, such as `view` or `review`.
        subject: token of the case, or empty.
        detail: document.
        previous: hash of the event before, 64 zeros for the first.
        sha256: hash over all the above.
    """

    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "subject", "seq"),)

    seq: Mapped[int] = mapped_column(Count, primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(32))
    actor: Mapped[str] = mapped_column(String(128))
    role: Mapped[str] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(64))
    detail: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))


class HeadRow(Base):
    """The end of the audit trail: one row; whoever writes holds its lock."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(Count)
    sha256: Mapped[str] = mapped_column(String(64))
