"""One page of the worklist. Search, filter, order and paging are the database's work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, final

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, func, not_, select, true
from sqlalchemy.orm import Session

from diagnosis.store.database import Store
from diagnosis.store.priority import Urgency
from diagnosis.store.review_state import CLOSED, ReviewState
from diagnosis.store.tables import CaseRow
from diagnosis.vocabulary import Modality


class Shown(StrEnum):
    """Which cases."""

    ALL = "all"
    FLAGGED = "flagged"
    NOT_FLAGGED = "not flagged"
    WAITING = "not assessed"
    UNMARKED = "to mark"
    PROBLEMS = "problems"
    TO_REVIEW = "to review"
    REVIEWED = "reviewed"


class Order(StrEnum):
    """By what they are ordered."""

    PRIORITY = "priority"
    CASE = "case"
    AGE = "age"
    SEX = "sex"
    DATE = "date"
    PARTS = "parts"
    PROBABILITY = "probability"
    REVIEW = "review"


@final
@dataclass(frozen=True)
class WorklistQuery:
    """A question to the worklist.

    Attributes:
        collection: opaque name of the folder of cases.
        search: part of a pseudonym; upper and lower case are the same.
        shown: which cases.
        part: only cases that have this kind of evidence, such as `ct`; empty for all.
        order: by what; `PRIORITY` has its own direction.
        is_descending: largest first.
        page: from 0; one beyond the last gives the last.
        page_length: lines.
    """

    collection: str
    search: str = ""
    shown: Shown = Shown.ALL
    part: str = ""
    order: Order = Order.PRIORITY
    is_descending: bool = False
    page: int = 0
    page_length: int = 20


@final
@dataclass(frozen=True)
class WorklistLine:
    """A case and what was last said of it; fields as in `tables.CaseRow`."""

    token: str
    case_id: str
    age_years: float | None
    sex: str | None
    dated_on: date
    is_study_date: bool
    parts: frozenset[str]
    has_region: bool
    problem: str | None
    finding: str | None
    probability: float | None
    low: float | None
    high: float | None
    threshold: float | None
    is_flagged: bool | None
    prediction_set: str | None
    review_state: ReviewState

    @property
    def awaits_region(self) -> bool:
        """Whether there is a CT alone, in which nobody has marked a region yet (`Shown.UNMARKED`)."""
        is_waiting = self.probability is None and self.problem is None
        return is_waiting and self.parts == {Modality.CT.value} and not self.has_region


@final
@dataclass(frozen=True)
class WorklistPage:
    """The answer.

    Attributes:
        lines: of this page.
        page: its number from 0.
        n_fitting: cases that fit the question, on all pages.
        counts: number of cases of the whole folder by what is shown.
    """

    lines: tuple[WorklistLine, ...]
    page: int
    n_fitting: int
    counts: dict[Shown, int]


def read_worklist(store: Store, query: WorklistQuery) -> WorklistPage:
    """One page of the worklist."""
    fits = [*_present(query.collection), *_conditions(query)]
    with store.reading() as session:
        n_fitting = session.scalar(select(func.count()).select_from(CaseRow).where(*fits)) or 0
        page = min(max(query.page, 0), max((n_fitting - 1) // query.page_length, 0))
        wanted = _ordered(select(CaseRow).where(*fits), query).offset(page * query.page_length)
        lines = tuple(_line(row) for row in session.scalars(wanted.limit(query.page_length)))
        return WorklistPage(lines, page, n_fitting, _counts(session, query.collection))


@final
@dataclass(frozen=True)
class Steps:
    """Where one can go from a case: tokens, None where there is no such case.

    Attributes:
        before, after: the neighbors in the order of the question.
        unread_before, unread_after: the next in either direction that no reader has read; from either end of the list
            the search goes on at the other.
    """

    before: str | None = None
    after: str | None = None
    unread_before: str | None = None
    unread_after: str | None = None


def steps_from(store: Store, query: WorklistQuery, token: str | None) -> Steps:
    """The cases around one in the order of a question, whose page does not matter.

    A case that no longer fits the question, such as one that was just reviewed, keeps its place among those that do.

    Args:
        store: where the cases lie.
        query: the question.
        token: of the case, or None to begin before the first.
    """
    fits = and_(true(), *_conditions(query)).label("fits")
    wanted = select(CaseRow.token, fits, _is_unread().label("is_unread")).where(*_present(query.collection))
    with store.reading() as session:
        rows = [(row.token, bool(row.fits), bool(row.is_unread)) for row in session.execute(_ordered(wanted, query))]
    at = next((place for place, row in enumerate(rows) if row[0] == token), None)
    if at is None and token is not None:
        return Steps()
    earlier, later = (rows[:at], rows[at + 1 :]) if at is not None else ([], rows)
    forward, backward = [*later, *earlier], [*reversed(earlier), *reversed(later)]
    return Steps(
        before=next((name for name, does_fit, _ in reversed(earlier) if does_fit), None),
        after=next((name for name, does_fit, _ in later if does_fit), None),
        unread_before=next((name for name, does_fit, is_unread in backward if does_fit and is_unread), None),
        unread_after=next((name for name, does_fit, is_unread in forward if does_fit and is_unread), None),
    )


def _is_unread() -> ColumnElement[bool]:
    """Whether a case waits for its first reading: not read at all, in part, or before it was assessed again."""
    states = (ReviewState.OPEN, ReviewState.PARTLY, ReviewState.OUTDATED)
    return and_(CaseRow.review_state.in_([state.value for state in states]), CaseRow.urgency != int(Urgency.PROBLEM))


def waiting_tokens(store: Store, collection: str) -> list[str]:
    """Cases that could be assessed and were not, or whose files have changed since, in order of their pseudonyms."""
    query = select(CaseRow.token).where(*_present(collection), *_shown(Shown.WAITING))
    with store.reading() as session:
        return list(session.scalars(query.order_by(CaseRow.case_id, CaseRow.token)))


def _present(collection: str) -> Sequence[ColumnElement[bool]]:
    return CaseRow.collection == collection, CaseRow.is_gone.is_(False)


def _conditions(query: WorklistQuery) -> list[ColumnElement[bool]]:
    conditions = list(_shown(query.shown))
    if query.search.strip():
        conditions.append(func.lower(CaseRow.case_id).contains(query.search.strip().lower(), autoescape=True))
    if query.part:
        conditions.append(CaseRow.parts.contains(query.part, autoescape=True))
    return conditions


def _shown(shown: Shown) -> Sequence[ColumnElement[bool]]:
    closed = [state.value for state in CLOSED]
    is_assessed = CaseRow.assessment_id.is_not(None)
    is_waiting = CaseRow.urgency == int(Urgency.WAITING)
    is_unmarked = and_(CaseRow.parts == Modality.CT.value, CaseRow.has_region.is_(False))
    return {
        Shown.ALL: (),
        Shown.FLAGGED: (CaseRow.is_flagged.is_(True),),
        Shown.NOT_FLAGGED: (CaseRow.is_flagged.is_(False),),
        Shown.WAITING: (is_waiting, not_(is_unmarked)),
        Shown.UNMARKED: (is_waiting, is_unmarked),
        Shown.PROBLEMS: (CaseRow.urgency == int(Urgency.PROBLEM),),
        Shown.TO_REVIEW: (is_assessed, CaseRow.review_state.not_in(closed)),
        Shown.REVIEWED: (is_assessed, CaseRow.review_state.in_(closed)),
    }[shown]


def _ordered(statement: Select[*tuple[Any, ...]], query: WorklistQuery) -> Select[*tuple[Any, ...]]:
    last = (func.lower(CaseRow.case_id), CaseRow.token)
    if query.order is Order.PRIORITY:
        return statement.order_by(CaseRow.urgency, CaseRow.probability.desc(), *last)
    column: SQLColumnExpression[Any] = {
        Order.CASE: func.lower(CaseRow.case_id),
        Order.AGE: CaseRow.age_years,
        Order.SEX: CaseRow.sex,
        Order.DATE: CaseRow.dated_on,
        Order.PARTS: CaseRow.parts,
        Order.PROBABILITY: CaseRow.probability,
        Order.REVIEW: CaseRow.review_state,
    }[query.order]
    # What is not known comes last in either direction, on both databases.
    return statement.order_by((column.desc() if query.is_descending else column.asc()).nulls_last(), *last)


def _counts(session: Session, collection: str) -> dict[Shown, int]:
    wanted = [func.count().filter(*conditions) if (conditions := _shown(s)) else func.count() for s in Shown]
    row = session.execute(select(*wanted).select_from(CaseRow).where(*_present(collection))).one()
    return dict(zip(Shown, (int(value) for value in row), strict=True))


def _line(row: CaseRow) -> WorklistLine:
    return WorklistLine(
        token=row.token,
        case_id=row.case_id,
        age_years=row.age_years,
        sex=row.sex,
        dated_on=row.dated_on,
        is_study_date=row.is_study_date,
        parts=frozenset(row.parts.split("+")) - {""},
        has_region=row.has_region,
        problem=row.problem,
        finding=row.finding,
        probability=row.probability,
        low=row.low,
        high=row.high,
        threshold=row.threshold,
        is_flagged=row.is_flagged,
        prediction_set=row.prediction_set,
        review_state=ReviewState(row.review_state),
    )
