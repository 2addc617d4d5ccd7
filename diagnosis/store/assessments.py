"""Every assessment that was made, and the summary of the latest in the worklist."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, final

from sqlalchemy import select
from sqlalchemy.orm import Session

from diagnosis.errors import StoreError
from diagnosis.record import Assessment
from diagnosis.store.actors import Actor
from diagnosis.store.audit import Action, record_event, record_row
from diagnosis.store.database import Store
from diagnosis.store.documents import assessment_document, assessment_from, canonical_json, sha256_of
from diagnosis.store.priority import Urgency, urgency_of
from diagnosis.store.review_state import Opinion, ReviewState, review_state
from diagnosis.store.tables import AssessmentRow, CaseRow, ReviewRow

_SET_NAMES: dict[tuple[str, ...], str] = {(): "neither", ("positive",): "positive", ("negative",): "negative"}


@final
@dataclass(frozen=True)
class KeptAssessment:
    """An assessment with who asked for it, when, and of what.

    Attributes:
        number: its place among all assessments of the store.
        inputs_sha256: hash over all that went in.
        inputs: plain facts of what went in.
    """

    number: int
    made_at: datetime
    made_by: str
    inputs_sha256: str
    inputs: Mapping[str, Any]
    assessment: Assessment


def save_assessment(
    store: Store, actor: Actor, token: str, assessment: Assessment, inputs: Mapping[str, Any]
) -> KeptAssessment:
    """Keep an assessment; where the latest one has the same inputs and bundle, that one is given instead.

    Args:
        store: where.
        actor: who asked for it.
        token: of the case, which `sync_cases` has made known.
        assessment: the answer.
        inputs: plain facts that say what went in, `fingerprint` of the files among them (see `inputs.inputs_of`).

    Raises:
        StoreError: the case is not in the store, or the database cannot be written.
    """
    digest = sha256_of(inputs)
    with store.writing() as session:
        case = case_row(session, token)
        latest = latest_row(session, token)
        if latest is None or (latest.inputs_sha256, latest.bundle_sha256) != (digest, assessment.bundle_sha256):
            latest = AssessmentRow(
                token=token,
                made_at=datetime.now(UTC),
                made_by=actor.name,
                bundle_name=assessment.bundle_name,
                bundle_version=assessment.bundle_version,
                bundle_sha256=assessment.bundle_sha256,
                inputs_sha256=digest,
                inputs=canonical_json(inputs),
                document=canonical_json(assessment_document(assessment)),
            )
            record_row(session, actor, Action.ASSESS, latest, {"bundle_sha256": assessment.bundle_sha256})
            case.problem = None
        refresh_summary(session, case)
        return _kept(latest)


def save_problem(store: Store, actor: Actor, token: str, problem: str) -> None:
    """Keep the sentence that says why a case could not be assessed.

    Raises:
        StoreError: as `save_assessment`.
    """
    with store.writing() as session:
        case = case_row(session, token)
        if case.problem == problem:
            return
        case.problem = problem
        refresh_summary(session, case)
        record_event(session, actor, Action.ASSESS, token, {"outcome": "problem"})


def assessments_of(store: Store, token: str) -> list[KeptAssessment]:
    """All assessments of a case, the newest first."""
    query = select(AssessmentRow).where(AssessmentRow.token == token).order_by(AssessmentRow.id.desc())
    with store.reading() as session:
        return [_kept(row) for row in session.scalars(query)]


def latest_assessment(store: Store, token: str) -> KeptAssessment | None:
    """The newest assessment of a case, or None."""
    with store.reading() as session:
        row = latest_row(session, token)
        return None if row is None else _kept(row)


def latest_row(session: Session, token: str) -> AssessmentRow | None:
    """The newest assessment of a case within a session."""
    query = select(AssessmentRow).where(AssessmentRow.token == token).order_by(AssessmentRow.id.desc()).limit(1)
    return session.scalars(query).first()


def case_row(session: Session, token: str) -> CaseRow:
    """The case with a token.

    Raises:
        StoreError: there is none.
    """
    row = session.get(CaseRow, token)
    if row is None:
        msg = "store: this case is not known; open the worklist, so that its folder is read again"
        raise StoreError(msg)
    return row


def refresh_summary(session: Session, case: CaseRow) -> None:
    """Bring a case's line of the worklist up to date with its assessments and reviews."""
    query = select(ReviewRow).where(ReviewRow.token == case.token).order_by(ReviewRow.id)
    for name, value in summary_columns(case, latest_row(session, case.token), list(session.scalars(query))).items():
        setattr(case, name, value)


def summary_columns(case: CaseRow, row: AssessmentRow | None, reviews: Sequence[ReviewRow]) -> dict[str, Any]:
    """What the summary columns of a case must hold, by its latest assessment and its reviews in order.

    An assessment of files that have changed since is kept, but no longer summarized: the case waits to be assessed.
    """
    holds = row is not None and json.loads(row.inputs).get("fingerprint") == case.fingerprint
    if row is None or not holds:
        state = ReviewState.OUTDATED if reviews else ReviewState.OPEN
        waits = Urgency.PROBLEM if case.problem is not None else Urgency.WAITING
        blank = ("assessment_id", "assessed_at", "finding", "probability", "low", "high", "threshold", "is_flagged")
        return dict.fromkeys((*blank, "prediction_set")) | {"review_state": state.value, "urgency": int(waits)}
    assessment = assessment_from(json.loads(row.document))
    main = assessment.main
    opinions = [Opinion(r.assessment_id, r.finding, r.decision, r.value, r.seat) for r in reviews]
    state = review_state(row.id, [finding.name for finding in assessment.findings], opinions)
    return {
        "assessment_id": row.id,
        "assessed_at": row.made_at,
        "finding": main.name,
        "probability": main.probability,
        "low": main.low,
        "high": main.high,
        "threshold": main.threshold,
        "is_flagged": main.is_flagged,
        "prediction_set": None if main.prediction_set is None else _SET_NAMES.get(main.prediction_set, "both"),
        "review_state": state.value,
        "urgency": int(urgency_of(main.is_flagged, state)),
    }


def _kept(row: AssessmentRow) -> KeptAssessment:
    return KeptAssessment(
        number=row.id,
        made_at=row.made_at,
        made_by=row.made_by,
        inputs_sha256=row.inputs_sha256,
        inputs=json.loads(row.inputs),
        assessment=assessment_from(json.loads(row.document)),
    )
