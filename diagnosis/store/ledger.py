"""The ledger of batch runs: which study waits, is claimed, done, or failed and why.

A study is done if and only if its result stands in the ledger: state and result are written in one transaction, so a
run that is killed between any two instructions has lost nothing and will score nothing twice. Whoever scores a study
claims it first under a name of its own (`owner`); a result is taken only from the owner of the claim, so that a machine
that was given up and comes back cannot write over the one that took its place.

::

    waiting ── claim ──> claimed ── finish ──> done
       ^                    ├────── fail ────> failed
       └────── release ─────┘

A study whose parts have been read and prepared leaves them here (`keep_prepared`) until it is done: a claim that is
taken over goes on from there, and what took the time is not computed again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import final

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    case,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Mapped, Session, mapped_column

from diagnosis.errors import StoreError
from diagnosis.store.database import Store
from diagnosis.store.tables import Base

MOST_CRASHES = 3
"""A study under whose hands the reading process died this often is taken for the cause."""
PAGE = 1000


class RunRow(Base):
    """A batch run: what it scores with. Results of another bundle or runtime would not be comparable."""

    __tablename__ = "batch_runs"

    run_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    bundle_sha256: Mapped[str] = mapped_column(String(64))
    runtime: Mapped[str] = mapped_column(String(64))
    begun_at: Mapped[datetime]


class StudyRow(Base):
    """One study of a run.

    Attributes:
        ordinal: place in the order in which studies are claimed.
        source_sha256: hash over what the source says of the study; a study whose source says something else now is
            scored again.
        owner: who holds the claim.
        attempts: how often it was begun to be read; a claim that finds it prepared does not count.
        crashes: how often the process that read it died.
        reason: why it failed, without patient data.
        prepared: its tensors while it waits for the network.
        result: document of its findings.
        seconds: document of the seconds of each stage.
    """

    __tablename__ = "batch_studies"
    __table_args__ = (
        Index(None, "run_id", "state", "ordinal"),
        CheckConstraint("state IN ('waiting', 'claimed', 'done', 'failed')", name="state"),
    )

    run_id: Mapped[str] = mapped_column(ForeignKey("batch_runs.run_id"), primary_key=True)
    case_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    ordinal: Mapped[int] = mapped_column(Integer)
    source_sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(8))
    owner: Mapped[str | None] = mapped_column(String(64))
    attempts: Mapped[int]
    crashes: Mapped[int]
    reason: Mapped[str | None] = mapped_column(Text)
    prepared: Mapped[bytes | None] = mapped_column(LargeBinary)
    result: Mapped[str | None] = mapped_column(Text)
    seconds: Mapped[str | None] = mapped_column(Text)


@final
@dataclass(frozen=True)
class Claim:
    """A study that may be scored now, and its tensors where an earlier claim got as far."""

    case_id: str
    prepared: bytes | None


@final
@dataclass(frozen=True)
class Entry:
    """A study that is done or failed."""

    case_id: str
    state: str
    reason: str | None
    result: str | None
    seconds: str | None
    attempts: int


@final
class Ledger:
    """The ledger of one run. Safe to share between threads and machines."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self.run_id = run_id

    def begin(self, bundle_sha256: str, runtime: str) -> str:
        """Begin the run, or go on with it; returns the runtime that it was begun with.

        Raises:
            StoreError: it was begun with another bundle.
        """
        with self._store.writing(locks_trail=False) as session:
            row = session.get(RunRow, self.run_id)
            if row is None:
                begun_at = datetime.now(UTC)
                row = RunRow(run_id=self.run_id, bundle_sha256=bundle_sha256, runtime=runtime, begun_at=begun_at)
                session.add(row)
            if row.bundle_sha256 != bundle_sha256:
                msg = (
                    f"batch: this run was begun with the bundle {row.bundle_sha256[:12]}…, not {bundle_sha256[:12]}…; "
                    "name another --out, or the same bundle"
                )
                raise StoreError(msg)
            return row.runtime

    def runtime(self) -> str | None:
        """The runtime that the run was begun with, or None where it has not begun."""
        with self._store.reading() as session:
            return session.scalar(select(RunRow.runtime).where(RunRow.run_id == self.run_id))

    def add(self, studies: Sequence[tuple[str, str]]) -> None:
        """Take up studies as (case_id, hash of what the source says); those that are there and unchanged stay."""
        with self._store.writing(locks_trail=False) as session:
            query = select(StudyRow.case_id, StudyRow.source_sha256).where(StudyRow.run_id == self.run_id)
            known: dict[str, str] = {row.case_id: row.source_sha256 for row in session.execute(query)}
            new = [
                _waiting(self.run_id, case_id, ordinal, source)
                for ordinal, (case_id, source) in enumerate(studies)
                if case_id not in known
            ]
            for start in range(0, len(new), PAGE):
                session.execute(insert(StudyRow), new[start : start + PAGE])
            for case_id, source in studies:
                if known.get(case_id, source) != source:
                    self._reset(session, StudyRow.case_id == case_id, source_sha256=source)

    def retry_failed(self) -> None:
        """Let all failed studies wait again."""
        with self._store.writing(locks_trail=False) as session:
            self._reset(session, StudyRow.state == "failed")

    def claim(self, owner: str) -> Claim | None:
        """The next study that waits, or None where there is none."""
        first = (
            select(StudyRow.case_id)
            .where(StudyRow.run_id == self.run_id, StudyRow.state == "waiting")
            .order_by(StudyRow.ordinal)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        is_unread = case((StudyRow.prepared.is_(None), 1), else_=0)
        with self._store.writing(locks_trail=False) as session:
            case_id = session.scalar(first)
            if case_id is None:
                return None
            prepared = session.scalar(
                update(StudyRow)
                .where(StudyRow.run_id == self.run_id, StudyRow.case_id == case_id)
                .values(state="claimed", owner=owner, attempts=StudyRow.attempts + is_unread)
                .returning(StudyRow.prepared)
            )
            return Claim(case_id, prepared)

    def keep_prepared(self, case_id: str, owner: str, prepared: bytes, seconds: str) -> bool:
        """Keep what has been read and prepared; False where the claim is another's by now."""
        return self._change(case_id, owner, {"prepared": prepared, "seconds": seconds})

    def seconds_so_far(self, case_id: str) -> str | None:
        """The seconds that `keep_prepared` noted."""
        with self._store.reading() as session:
            row = session.get(StudyRow, (self.run_id, case_id))
            return None if row is None else row.seconds

    def finish(self, case_id: str, owner: str, result: str, seconds: str) -> bool:
        """Write the result; False where the claim is another's by now, and nothing was written."""
        done = {"state": "done", "result": result, "seconds": seconds, "prepared": None, "owner": None}
        return self._change(case_id, owner, done)

    def fail(self, case_id: str, owner: str, reason: str, seconds: str = "{}") -> bool:
        """Write why it failed; False where the claim is another's by now."""
        failed = {"state": "failed", "reason": reason, "seconds": seconds, "prepared": None, "owner": None}
        return self._change(case_id, owner, failed)

    def note_crash(self, case_id: str, owner: str, reason: str) -> None:
        """The process that read the study died: let it wait again, or fail it where that has happened too often."""
        with self._store.writing(locks_trail=False) as session:
            row = session.get(StudyRow, (self.run_id, case_id), with_for_update=True)
            if row is None or row.owner != owner or row.state != "claimed":
                return
            row.crashes += 1
            row.state, row.owner = ("failed", None) if row.crashes >= MOST_CRASHES else ("waiting", None)
            row.reason = reason if row.state == "failed" else None

    def release(self, owner: str | None = None) -> int:
        """Let the claims of one owner, or of all, wait again; returns how many there were."""
        with self._store.writing(locks_trail=False) as session:
            claimed = (StudyRow.run_id == self.run_id) & (StudyRow.state == "claimed")
            mine = claimed if owner is None else claimed & (StudyRow.owner == owner)
            return _changed(session, update(StudyRow).where(mine).values(state="waiting", owner=None))

    def counts(self) -> Mapping[str, int]:
        """How many studies are in each state."""
        query = (
            select(StudyRow.state, func.count().label("n"))
            .where(StudyRow.run_id == self.run_id)
            .group_by(StudyRow.state)
        )
        with self._store.reading() as session:
            found: dict[str, int] = {row.state: row.n for row in session.execute(query)}
        return {state: found.get(state, 0) for state in ("waiting", "claimed", "done", "failed")}

    def attempts(self) -> int:
        """How often studies were begun to be read, all together."""
        with self._store.reading() as session:
            total = session.scalar(select(func.sum(StudyRow.attempts)).where(StudyRow.run_id == self.run_id))
            return int(total or 0)

    def entries(self) -> Iterator[Entry]:
        """All studies that are done or failed, by case_id, a page at a time."""
        last = ""
        while True:
            query = (
                select(StudyRow)
                .where(StudyRow.run_id == self.run_id, StudyRow.state.in_(("done", "failed")), StudyRow.case_id > last)
                .order_by(StudyRow.case_id)
                .limit(PAGE)
            )
            with self._store.reading() as session:
                rows = list(session.scalars(query))
            for row in rows:
                yield Entry(row.case_id, row.state, row.reason, row.result, row.seconds, row.attempts)
            if len(rows) < PAGE:
                return
            last = rows[-1].case_id

    def _change(self, case_id: str, owner: str, values: Mapping[str, object]) -> bool:
        with self._store.writing(locks_trail=False) as session:
            mine = (StudyRow.run_id == self.run_id) & (StudyRow.case_id == case_id)
            held = mine & (StudyRow.state == "claimed") & (StudyRow.owner == owner)
            return _changed(session, update(StudyRow).where(held).values(**values)) == 1

    def _reset(self, session: Session, which: object, **values: str) -> None:
        empty = {"state": "waiting", "owner": None, "crashes": 0, "reason": None, "prepared": None, "result": None}
        where = (StudyRow.run_id == self.run_id, which)
        session.execute(update(StudyRow).where(*where).values(**empty, seconds=None, **values))  # type: ignore[arg-type]


def _waiting(run_id: str, case_id: str, ordinal: int, source_sha256: str) -> dict[str, str | int]:
    return {
        "run_id": run_id,
        "case_id": case_id,
        "ordinal": ordinal,
        "source_sha256": source_sha256,
        "state": "waiting",
        "attempts": 0,
        "crashes": 0,
    }


def _changed(session: Session, statement: object) -> int:
    result = session.execute(statement)  # type: ignore[call-overload]
    return result.rowcount if isinstance(result, CursorResult) else 0
