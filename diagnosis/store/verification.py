"""Whether the audit trail, and all that it vouches for, is as it was written.

Looked for: events changed, missing or put in; assessments, reviews, edits, reports and decisions on proposals changed,
missing or put in; a summary in the worklist that is not that of the latest assessment and its reviews.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, final

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from diagnosis.store.assessments import summary_columns
from diagnosis.store.audit import START, event_sha256, stream_events
from diagnosis.store.database import Store
from diagnosis.store.documents import row_sha256
from diagnosis.store.tables import AssessmentRow, CaseRow, EditRow, HeadRow, ProposalDecisionRow, ReportRow, ReviewRow

KEPT = (AssessmentRow, ReviewRow, EditRow, ReportRow, ProposalDecisionRow)
_CHUNK = 500
_UNREADABLE = (ValueError, TypeError, KeyError, OverflowError, SQLAlchemyError)


@final
@dataclass(frozen=True)
class TrailReport:
    """What verifying found.

    Attributes:
        n_events: events read.
        n_records: assessments, reviews, edits, reports and decisions on proposals compared with their events.
        head_sha256: hash of the last event; worth noting elsewhere.
        faults: sentences, empty where all is as it was written.
    """

    n_events: int
    n_records: int
    head_sha256: str
    faults: tuple[str, ...]


@final
@dataclass
class _Findings:
    """What is gathered on the way."""

    faults: list[str] = field(default_factory=list)
    vouchers: dict[tuple[str, int], str] = field(default_factory=dict)
    hashes: set[str] = field(default_factory=set)
    assessments: dict[str, AssessmentRow] = field(default_factory=dict)
    reviews: dict[str, list[ReviewRow]] = field(default_factory=lambda: defaultdict(list))


def verify_trail(store: Store, expected: str | None = None) -> TrailReport:
    """Read the whole trail and all it vouches for, as one state of the database.

    Args:
        store: whose trail.
        expected: hash of an event, noted earlier outside the database; it must still be in the chain.
    """
    found = _Findings()
    with store.reading() as session:
        n_events, head = _check_chain(session, found)
        if expected is not None and expected not in found.hashes | {START}:
            found.faults.append("the hash noted earlier is not in the trail: the trail was written anew")
        n_records = sum(_check_table(session, table, found) for table in KEPT)
        _check_summaries(session, found)
    return TrailReport(n_events, n_records, head, tuple(found.faults))


def _check_chain(session: Session, found: _Findings) -> tuple[int, str]:
    previous, expected_seq, count = START, 1, 0
    for event in stream_events(session):
        if event.seq != expected_seq:
            found.faults.append(f"event {expected_seq}: missing, the next one is {event.seq}")
        elif event.previous != previous:
            found.faults.append(f"event {event.seq}: it does not follow the event before it")
        if event_sha256(event) != event.sha256:
            found.faults.append(f"event {event.seq}: its content was changed")
        previous, expected_seq, count = event.sha256, event.seq + 1, count + 1
        found.hashes.add(event.sha256)
        _keep_voucher(event.detail, found)
        session.expunge(event)
    heads = list(session.scalars(select(HeadRow)))
    if len(heads) != 1 or heads[0].seq != expected_seq - 1 or heads[0].sha256 != previous:
        found.faults.append("end of the trail: it is not where its head says; events were taken away or put in")
    return count, previous


def _keep_voucher(detail: str, found: _Findings) -> None:
    try:
        record = json.loads(detail).get("record")
        if record is not None:
            found.vouchers[str(record["table"]), int(record["id"])] = str(record["sha256"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return  # the event's own hash has told already that it was changed


def _check_table(session: Session, table: type[Any], found: _Findings) -> int:
    name = table.__tablename__
    ids = list(session.scalars(select(table.id).order_by(table.id)))
    for number, row in _rows(session, table, ids):
        vouched = found.vouchers.get((name, number))
        if vouched is None:
            found.faults.append(f"{name} {number}: no event tells of it; it was put in from outside")
        elif row is None or row_sha256(row) != vouched:
            found.faults.append(f"{name} {number}: it was changed")
        elif isinstance(row, AssessmentRow):
            found.assessments[row.token] = row
        elif isinstance(row, ReviewRow):
            found.reviews[row.token].append(row)
    gone = sorted({number for kept, number in found.vouchers if kept == name} - set(ids))
    found.faults += [f"{name} {number}: it was taken away" for number in gone]
    return len(ids)


def _rows(session: Session, table: type[Any], ids: list[int]) -> Iterator[tuple[int, Any]]:
    """Rows by number; None for one whose values cannot even be read as what the column holds."""
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        try:
            rows = list(session.scalars(select(table).where(table.id.in_(chunk)).order_by(table.id)))
        except _UNREADABLE:
            yield from ((number, _row(session, table, number)) for number in chunk)
        else:
            yield from ((row.id, row) for row in rows)
            session.expunge_all()


def _row(session: Session, table: type[Any], number: int) -> Any:  # noqa: ANN401 - a row of any table
    try:
        return session.scalars(select(table).where(table.id == number)).one()
    except _UNREADABLE:
        return None


def _check_summaries(session: Session, found: _Findings) -> None:
    tokens = list(session.scalars(select(CaseRow.token).where(CaseRow.assessment_id.is_not(None))))
    for token in {*tokens, *found.assessments}:
        case = session.get(CaseRow, token)
        if case is None:
            found.faults.append(f"case {token}: it was taken away")
            continue
        expected = summary_columns(case, found.assessments.get(token), found.reviews.get(token, []))
        if any(getattr(case, name) != value for name, value in expected.items()):
            found.faults.append(f"case {token}: its line in the worklist is not that of its latest assessment")
        session.expunge(case)
