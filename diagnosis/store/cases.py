"""The cases of a folder, kept in step with the disk."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, final

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from diagnosis.store.actors import Actor
from diagnosis.store.assessments import case_row, refresh_summary
from diagnosis.store.audit import Action, record_event
from diagnosis.store.database import Store
from diagnosis.store.edits import apply_edits
from diagnosis.store.priority import Urgency
from diagnosis.store.review_state import ReviewState
from diagnosis.store.tables import CaseRow

_CHUNK = 500


@final
@dataclass(frozen=True)
class CaseFacts:
    """What can be known of a case without reading images or speech; fields as in `tables.CaseRow`."""

    token: str
    case_id: str
    fingerprint: str
    age_years: float | None = None
    sex: str | None = None
    parts: str = ""
    has_region: bool = False
    problem: str | None = None


@final
@dataclass(frozen=True)
class SyncCounts:
    """What a sync changed."""

    added: int
    changed: int
    gone: int


def known_fingerprints(store: Store, collection: str) -> dict[str, str]:
    """Token to fingerprint of the cases that were there when last looked for."""
    query = select(CaseRow.token, CaseRow.fingerprint).where(
        CaseRow.collection == collection, CaseRow.is_gone.is_(False)
    )
    with store.reading() as session:
        return {row.token: row.fingerprint for row in session.execute(query)}


def has_cases(store: Store, collection: str) -> bool:
    """Whether a folder was ever taken in."""
    with store.reading() as session:
        return (
            session.scalars(select(CaseRow.token).where(CaseRow.collection == collection).limit(1)).first() is not None
        )


def has_case(store: Store, token: str) -> bool:
    """Whether a case was ever taken in, be its folder there or not."""
    with store.reading() as session:
        return session.get(CaseRow, token) is not None


def known_fingerprint(store: Store, collection: str, token: str) -> str | None:
    """Fingerprint of one case, or None where it is not known or its folder was gone."""
    query = select(CaseRow.fingerprint).where(
        CaseRow.token == token, CaseRow.collection == collection, CaseRow.is_gone.is_(False)
    )
    with store.reading() as session:
        return session.scalars(query).first()


def sync_cases(
    store: Store, actor: Actor, collection: str, seen: Sequence[CaseFacts], gone: Collection[str] = ()
) -> SyncCounts:
    """Take in what a look at the disk has shown; nothing that was said of a case is lost.

    Args:
        store: where.
        actor: who looked.
        collection: opaque name of the folder of cases.
        seen: cases that are new or have changed; of others nothing needs to be told.
        gone: tokens of cases whose folders are no longer there.

    Raises:
        StoreError: the database cannot be written.
    """
    with store.writing() as session:
        known = _existing(session, [facts.token for facts in seen])
        fresh = [facts for facts in seen if facts.token not in known]
        if fresh:
            session.execute(insert(CaseRow), [_new_row(facts, collection) for facts in fresh])
        for facts in seen:
            if facts.token in known:
                _change(session, known[facts.token], facts, collection)
        _mark_gone(session, list(gone))
        counts = SyncCounts(len(fresh), len(known), len(gone))
        if counts != SyncCounts(0, 0, 0):
            detail = {"added": counts.added, "changed": counts.changed, "gone": counts.gone}
            record_event(session, actor, Action.SYNC, "", detail)
    return counts


@final
@dataclass(frozen=True)
class HeaderFacts:
    """What the headers of a CT say of a case; None where they are silent."""

    studied_on: date | None = None
    age_years: float | None = None
    sex: str | None = None


def complete_from_headers(store: Store, token: str, facts: HeaderFacts) -> None:
    """Date a case by its CT's headers, and take age and sex from them where nobody has stated these.

    Raises:
        StoreError: the case is not in the store, or the database cannot be written.
    """
    with store.reading() as session:
        if not _completed(case_row(session, token), facts):
            return
    with store.writing() as session:
        case = case_row(session, token)
        for name, value in _completed(case, facts).items():
            setattr(case, name, value)


def _completed(case: CaseRow, facts: HeaderFacts) -> dict[str, Any]:
    """The columns that change."""
    wanted: dict[str, Any] = {}
    if facts.studied_on is not None:
        wanted |= {"dated_on": facts.studied_on, "is_study_date": True}
    if case.age_years is None and facts.age_years is not None:
        wanted["age_years"] = facts.age_years
    if case.sex is None and facts.sex is not None:
        wanted["sex"] = facts.sex
    return {name: value for name, value in wanted.items() if getattr(case, name) != value}


def _existing(session: Session, tokens: list[str]) -> dict[str, CaseRow]:
    found: dict[str, CaseRow] = {}
    for start in range(0, len(tokens), _CHUNK):
        chunk = tokens[start : start + _CHUNK]
        found |= {row.token: row for row in session.scalars(select(CaseRow).where(CaseRow.token.in_(chunk)))}
    return found


def _new_row(facts: CaseFacts, collection: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "token": facts.token,
        "collection": collection,
        "case_id": facts.case_id,
        "fingerprint": facts.fingerprint,
        "age_years": facts.age_years,
        "sex": facts.sex,
        "dated_on": now.date(),
        "is_study_date": False,
        "parts": facts.parts,
        "has_region": facts.has_region,
        "is_gone": False,
        "first_seen_at": now,
        "problem": facts.problem,
        "review_state": ReviewState.OPEN.value,
        "urgency": int(Urgency.WAITING if facts.problem is None else Urgency.PROBLEM),
    }


def _change(session: Session, row: CaseRow, facts: CaseFacts, collection: str) -> None:
    # What was found on reading the files holds until they change.
    keeps_problem = row.fingerprint == facts.fingerprint and facts.problem is None
    row.problem = row.problem if keeps_problem else facts.problem
    row.collection, row.case_id, row.fingerprint = collection, facts.case_id, facts.fingerprint
    row.parts, row.has_region = facts.parts, facts.has_region
    # What the headers said stands until the files are read again, or somebody states it.
    row.age_years = row.age_years if facts.age_years is None else facts.age_years
    row.sex = row.sex if facts.sex is None else facts.sex
    apply_edits(session, row)
    row.is_gone = False
    refresh_summary(session, row)


def _mark_gone(session: Session, tokens: list[str]) -> None:
    for start in range(0, len(tokens), _CHUNK):
        chunk = tokens[start : start + _CHUNK]
        session.execute(update(CaseRow).where(CaseRow.token.in_(chunk)).values(is_gone=True))
