"""What readers said of the findings."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import final

from sqlalchemy import select
from sqlalchemy.orm import Session

from diagnosis.errors import StoreError
from diagnosis.store.actors import Actor
from diagnosis.store.assessments import case_row, latest_row, refresh_summary
from diagnosis.store.audit import Action, record_row
from diagnosis.store.database import Store
from diagnosis.store.review_state import Decision, Seat
from diagnosis.store.tables import ReviewRow

VALUES = ("positive", "negative")
"""What a reader can say instead."""


@final
@dataclass(frozen=True)
class Review:
    """What a reader says of one finding.

    Attributes:
        assessment: number of the assessment that the reader saw.
        finding: its name.
        decision: accept, override or defer.
        value: what the finding is instead, for an override.
        reason: why; an override or a deferral needs one.
        comment: free.
        seat: first or second reader.
    """

    assessment: int
    finding: str
    decision: Decision
    value: str | None = None
    reason: str = ""
    comment: str = ""
    seat: Seat = Seat.FIRST

    def __post_init__(self) -> None:
        if self.decision is Decision.OVERRIDE and self.value not in VALUES:
            msg = "review: an override does not say what the finding is; choose positive or negative"
            raise StoreError(msg)
        if self.decision is not Decision.OVERRIDE and self.value is not None:
            msg = "review: only an override has a value of its own; leave it out"
            raise StoreError(msg)
        if self.decision is not Decision.ACCEPT and not self.reason.strip():
            msg = f"review: no reason is given to {self.decision}; write one"
            raise StoreError(msg)


@final
@dataclass(frozen=True)
class KeptReview:
    """A review with who gave it and when."""

    review: Review
    made_at: datetime
    made_by: str


def save_review(store: Store, actor: Actor, token: str, review: Review) -> None:
    """Keep a review; earlier ones stay.

    Raises:
        StoreError: the assessment is not the case's latest, the second reader is the first, or the database cannot be
            written.
    """
    with store.writing() as session:
        case = case_row(session, token)
        latest = latest_row(session, token)
        if latest is None or latest.id != review.assessment:
            msg = "review: the case was assessed again meanwhile; look at the new assessment first"
            raise StoreError(msg)
        if review.seat is Seat.SECOND:
            _require_another(session, actor, token, review)
        row = ReviewRow(
            token=token,
            assessment_id=review.assessment,
            finding=review.finding,
            decision=review.decision.value,
            value=review.value,
            reason=review.reason.strip(),
            comment=review.comment.strip(),
            seat=review.seat.value,
            made_at=datetime.now(UTC),
            made_by=actor.name,
        )
        record_row(session, actor, Action.REVIEW, row, {"decision": review.decision.value})
        refresh_summary(session, case)


def _require_another(session: Session, actor: Actor, token: str, review: Review) -> None:
    query = select(ReviewRow.made_by).where(
        ReviewRow.token == token,
        ReviewRow.assessment_id == review.assessment,
        ReviewRow.finding == review.finding,
        ReviewRow.seat == Seat.FIRST.value,
    )
    first = session.scalars(query.order_by(ReviewRow.id.desc()).limit(1)).first()
    if first is None:
        msg = "review: there is no first reader yet; review the finding as the first"
        raise StoreError(msg)
    if first == actor.name:
        msg = "review: the second reader must be another person than the first"
        raise StoreError(msg)


def reviews_of(store: Store, token: str) -> list[KeptReview]:
    """All reviews of a case, the newest first."""
    query = select(ReviewRow).where(ReviewRow.token == token).order_by(ReviewRow.id.desc())
    with store.reading() as session:
        return [_kept(row) for row in session.scalars(query)]


def _kept(row: ReviewRow) -> KeptReview:
    review = Review(
        assessment=row.assessment_id,
        finding=row.finding,
        decision=Decision(row.decision),
        value=row.value,
        reason=row.reason,
        comment=row.comment,
        seat=Seat(row.seat),
    )
    return KeptReview(review, row.made_at, row.made_by)
