"""Changes that clinicians made to notes, transcripts and regions, with what stood there before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import final

from sqlalchemy import select
from sqlalchemy.orm import Session

from diagnosis.store.actors import Actor
from diagnosis.store.assessments import case_row
from diagnosis.store.audit import Action, record_row
from diagnosis.store.database import Store
from diagnosis.store.tables import CaseRow, EditRow
from diagnosis.vocabulary import Modality, subset_name


class EditedPart(StrEnum):
    """What can be edited."""

    NOTE = "note"
    TRANSCRIPT = "transcript"
    REGION = "region"


@final
@dataclass(frozen=True)
class Edit:
    """A change to an input.

    Attributes:
        part: what was changed.
        original: text before it; of a region its canonical JSON; empty where there was none.
        edited: text after it.
        is_confirmed: whether the clinician takes it as their own word.
    """

    part: EditedPart
    original: str
    edited: str
    is_confirmed: bool = False


@final
@dataclass(frozen=True)
class KeptEdit:
    """An edit with who made it and when; `number` grows with time."""

    number: int
    edit: Edit
    made_at: datetime
    made_by: str


def save_edit(store: Store, actor: Actor, token: str, edit: Edit) -> KeptEdit:
    """Keep an edit; earlier ones stay. To confirm a text as it is, save it unchanged with `is_confirmed`.

    Raises:
        StoreError: the case is not in the store, or the database cannot be written.
    """
    with store.writing() as session:
        case = case_row(session, token)
        row = EditRow(
            token=token,
            part=edit.part.value,
            original=edit.original,
            edited=edit.edited,
            is_confirmed=edit.is_confirmed,
            made_at=datetime.now(UTC),
            made_by=actor.name,
        )
        record_row(session, actor, Action.EDIT, row, {"part": edit.part.value, "is_confirmed": edit.is_confirmed})
        apply_edits(session, case)
        return _kept(row)


def apply_edits(session: Session, case: CaseRow) -> None:
    """Bring a case's line of the worklist up to date with its newest edits: a region marked, a note written."""
    query = select(EditRow.part, EditRow.edited).where(EditRow.token == case.token).order_by(EditRow.id)
    newest = {row.part: row.edited for row in session.execute(query)}  # the last of each part stays
    if EditedPart.REGION in newest:
        case.has_region = bool(newest[EditedPart.REGION])
    if EditedPart.NOTE in newest:
        parts = set(case.parts.split("+")) - {"", Modality.NOTE.value}
        parts |= {Modality.NOTE.value} if newest[EditedPart.NOTE].strip() else set()
        case.parts = subset_name({Modality(part) for part in parts})


def edits_of(store: Store, token: str, part: EditedPart | None = None) -> list[KeptEdit]:
    """All edits of a case, or of one part of it, the newest first."""
    query = select(EditRow).where(EditRow.token == token).order_by(EditRow.id.desc())
    if part is not None:
        query = query.where(EditRow.part == part.value)
    with store.reading() as session:
        return [_kept(row) for row in session.scalars(query)]


def newest_number(edits: Sequence[KeptEdit]) -> int:
    """Number of the newest edit, 0 where there is none."""
    return max((kept.number for kept in edits), default=0)


def _kept(row: EditRow) -> KeptEdit:
    edit = Edit(EditedPart(row.part), row.original, row.edited, row.is_confirmed)
    return KeptEdit(row.id, edit, row.made_at, row.made_by)
