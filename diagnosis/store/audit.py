"""The audit trail: every view, assessment, edit, review, report and export, chained by hash.

An event's hash covers its own content and the hash of the event before. So no event can be changed, taken out of the
middle or put in without breaking the chain, and the head row tells when the end is cut off. Events of assessments,
reviews, edits and reports hold the hash of the row that was written with them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, final

from sqlalchemy import select
from sqlalchemy.orm import Session

from diagnosis.errors import AuditError
from diagnosis.store.actors import Actor
from diagnosis.store.database import Store
from diagnosis.store.documents import canonical_json, row_sha256, sha256_of
from diagnosis.store.tables import Base, EventRow, HeadRow

START = "0" * 64
"""What stands before the first event."""


class Action(StrEnum):
    """What can be done."""

    LOGIN = "login"
    VIEW = "view"
    SYNC = "sync"
    ASSESS = "assess"
    EXPLAIN = "explain"
    EDIT = "edit"
    REVIEW = "review"
    DECIDE = "decide"
    WRITE = "write"
    SIGN = "sign"
    EXPORT = "export"
    REFUSED = "refused"


@final
@dataclass(frozen=True)
class Event:
    """An event as it is shown; fields as in `tables.EventRow`."""

    seq: int
    at: str
    actor: str
    role: str
    action: str
    subject: str
    detail: str
    sha256: str


def record_event(
    session: Session, actor: Actor, action: Action, subject: str = "", detail: Mapping[str, Any] | None = None
) -> int:
    """Append an event within a transaction of `Store.writing()`; gives its number.

    Args:
        session: of `Store.writing()`, which holds the lock of the trail's head.
        actor: who.
        action: what.
        subject: token of the case, or empty.
        detail: plain values without patient data.

    Raises:
        AuditError: the trail has no head.
    """
    head = session.get(HeadRow, 1)
    if head is None:
        msg = "audit trail: its head is gone; run diagnosis audit verify"
        raise AuditError(msg)
    row = EventRow(
        seq=head.seq + 1,
        at=datetime.now(UTC).isoformat(timespec="microseconds"),
        actor=actor.name,
        role=actor.role.value,
        action=action.value,
        subject=subject,
        detail=canonical_json(detail or {}),
        previous=head.sha256,
    )
    row.sha256 = event_sha256(row)
    session.add(row)
    head.seq, head.sha256 = row.seq, row.sha256
    session.flush()
    return row.seq


def record_row(
    session: Session, actor: Actor, action: Action, row: Base, detail: Mapping[str, Any] | None = None
) -> None:
    """Write a row of a kept table together with the event that vouches for it."""
    session.add(row)
    session.flush()
    # Read back: the hash must be that of what the database kept, not of what was handed to it.
    session.refresh(row)
    voucher = {"table": row.__tablename__, "id": row.id, "sha256": row_sha256(row)}  # type: ignore[attr-defined]
    token: str = row.token  # type: ignore[attr-defined]
    record_event(session, actor, action, token, {**(detail or {}), "record": voucher})


def note_event(
    store: Store, actor: Actor, action: Action, subject: str = "", detail: Mapping[str, Any] | None = None
) -> None:
    """Append an event in a transaction of its own.

    Raises:
        StoreError: the database cannot be written.
    """
    with store.writing() as session:
        record_event(session, actor, action, subject, detail)


def read_events(store: Store, *, subject: str | None = None, last: int = 100) -> list[Event]:
    """The newest events, oldest of them first; of one case where a token is given."""
    query = select(EventRow).order_by(EventRow.seq.desc()).limit(last)
    if subject is not None:
        query = query.where(EventRow.subject == subject)
    with store.reading() as session:
        rows = list(session.scalars(query))
    return [_shown(row) for row in reversed(rows)]


def stream_events(session: Session) -> Iterator[EventRow]:
    """All events in order, a few thousand in memory at a time."""
    yield from session.scalars(select(EventRow).order_by(EventRow.seq).execution_options(yield_per=2000))


def event_sha256(row: EventRow) -> str:
    """Hash over an event's content and the hash of the one before."""
    fields = ("seq", "at", "actor", "role", "action", "subject", "detail", "previous")
    return sha256_of({name: getattr(row, name) for name in fields})


def _shown(row: EventRow) -> Event:
    return Event(row.seq, row.at, row.actor, row.role, row.action, row.subject, row.detail, row.sha256)
