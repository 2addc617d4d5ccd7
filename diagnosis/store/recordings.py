"""Dictations that wait to be confirmed: kept so that a refresh or a restart does not lose what was said.

A waiting recording counts for nothing: no assessment reads it, and the trail does not speak of it. Each speaker has at
most one for each case and is shown only their own; confirming or discarding it takes it away.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import final

from sqlalchemy import ColumnElement, delete, select, update

from diagnosis.store.actors import Actor
from diagnosis.store.assessments import case_row
from diagnosis.store.database import Store
from diagnosis.store.tables import RecordingRow


@final
@dataclass(frozen=True)
class WaitingRecording:
    """A recording that nobody has confirmed.

    Attributes:
        mark: tells it from the one before.
        sound: the file as it came.
        suffix: its kind, such as `.wav`.
        text: the words as its speaker corrected them so far; None where nothing was corrected.
    """

    mark: str
    sound: bytes
    suffix: str
    text: str | None


def keep_recording(store: Store, actor: Actor, token: str, sound: bytes, suffix: str) -> str:
    """Keep a recording in the place of the speaker's earlier one of this case; gives its mark.

    Raises:
        StoreError: the case is not in the store, or the database cannot be written.
    """
    with store.writing() as session:
        case_row(session, token)
        session.execute(delete(RecordingRow).where(*_own(actor, token)))
        now = datetime.now(UTC)
        row = RecordingRow(token=token, sound=sound, suffix=suffix, text=None, made_at=now, made_by=actor.name)
        session.add(row)
        return _mark(now)


def correct_recording(store: Store, actor: Actor, token: str, mark: str, text: str) -> None:
    """Keep what the speaker has corrected so far, where the recording of this mark still waits.

    Raises:
        StoreError: the database cannot be written.
    """
    with store.writing() as session:
        session.execute(update(RecordingRow).where(*_own(actor, token), _is_marked(mark)).values(text=text))


def drop_recording(store: Store, actor: Actor, token: str, mark: str) -> None:
    """Take the speaker's recording of a case away; one of another mark, made in another window meanwhile, stays.

    Raises:
        StoreError: the database cannot be written.
    """
    with store.writing() as session:
        session.execute(delete(RecordingRow).where(*_own(actor, token), _is_marked(mark)))


def waiting_recording(store: Store, actor: Actor, token: str) -> WaitingRecording | None:
    """The speaker's recording of a case, or None."""
    with store.reading() as session:
        row = session.scalars(select(RecordingRow).where(*_own(actor, token))).first()
        return None if row is None else WaitingRecording(_mark(row.made_at), row.sound, row.suffix, row.text)


def waiting_mark(store: Store, actor: Actor, token: str) -> str | None:
    """Mark of the speaker's recording of a case, without its sound; or None."""
    with store.reading() as session:
        made_at = session.scalars(select(RecordingRow.made_at).where(*_own(actor, token))).first()
        return None if made_at is None else _mark(made_at)


def _mark(made_at: datetime) -> str:
    return made_at.isoformat(timespec="microseconds")


def _is_marked(mark: str) -> ColumnElement[bool]:
    return RecordingRow.made_at == datetime.fromisoformat(mark)


def _own(actor: Actor, token: str) -> tuple[ColumnElement[bool], ...]:
    return RecordingRow.token == token, RecordingRow.made_by == actor.name
