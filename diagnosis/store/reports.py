"""Reports of a case as clinicians edited and signed them, each beside the draft that it was made from.

A report is of one assessment. A later assessment leaves it as it is: whoever reads it is told that it speaks of an
earlier one. A signed report is never changed; signing again adds another, and the newest counts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from diagnosis.errors import StoreError
from diagnosis.store.actors import Actor
from diagnosis.store.assessments import case_row, latest_row
from diagnosis.store.audit import Action, record_row
from diagnosis.store.database import Store
from diagnosis.store.documents import canonical_json
from diagnosis.store.tables import ReportRow


@final
@dataclass(frozen=True)
class Report:
    """A report as a clinician leaves it.

    Attributes:
        assessment: number of the assessment that it is of.
        draft: document of the draft, every sentence with its evidence.
        draft_text: the draft as plain text.
        text: the clinician's.
        diff: unified diff from the draft's text to the clinician's; empty where nothing was changed.
        is_signed: whether the clinician stands by it; else it is work in progress.
    """

    assessment: int
    draft: Mapping[str, Any]
    draft_text: str
    text: str
    diff: str
    is_signed: bool

    def __post_init__(self) -> None:
        if not self.text.strip():
            msg = "report: it has no text; write one, or leave the draft as it is"
            raise StoreError(msg)


@final
@dataclass(frozen=True)
class KeptReport:
    """A report with who wrote it and when; `number` grows with time."""

    number: int
    report: Report
    made_at: datetime
    made_by: str


def save_report(store: Store, actor: Actor, token: str, report: Report, *, seen: int | None = None) -> KeptReport:
    """Keep a report; earlier ones stay.

    Args:
        store: where.
        actor: who wrote it.
        token: of the case.
        report: what was written.
        seen: number of the newest report that the writer knew of, 0 where they knew of none; None does not ask.

    Raises:
        StoreError: the assessment is not the case's latest, another report was kept meanwhile, or the database cannot
            be written.
    """
    with store.writing() as session:
        case_row(session, token)
        _require_latest(session, token, report.assessment)
        if seen is not None:
            _require_seen(session, token, seen)
        row = ReportRow(
            token=token,
            assessment_id=report.assessment,
            draft=canonical_json(report.draft),
            draft_text=report.draft_text,
            text=report.text,
            diff=report.diff,
            is_signed=report.is_signed,
            made_at=datetime.now(UTC),
            made_by=actor.name,
        )
        action = Action.SIGN if report.is_signed else Action.WRITE
        record_row(session, actor, action, row, {"assessment": report.assessment})
        return _kept(row)


def _require_latest(session: Session, token: str, assessment: int) -> None:
    latest = latest_row(session, token)
    if latest is None or latest.id != assessment:
        msg = "report: the case was assessed again meanwhile; look at the new assessment and its draft first"
        raise StoreError(msg)


def _require_seen(session: Session, token: str, seen: int) -> None:
    newest = session.scalar(select(func.max(ReportRow.id)).where(ReportRow.token == token)) or 0
    if newest != seen:
        msg = "report: another report of this case was kept meanwhile; look at it first"
        raise StoreError(msg)


def reports_of(store: Store, token: str) -> list[KeptReport]:
    """All reports of a case, signed or not, the newest first."""
    query = select(ReportRow).where(ReportRow.token == token).order_by(ReportRow.id.desc())
    with store.reading() as session:
        return [_kept(row) for row in session.scalars(query)]


def _kept(row: ReportRow) -> KeptReport:
    report = Report(row.assessment_id, json.loads(row.draft), row.draft_text, row.text, row.diff, row.is_signed)
    return KeptReport(row.id, report, row.made_at, row.made_by)
