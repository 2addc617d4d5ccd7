"""Results that take seconds or minutes to compute and can be computed again: explanations, transcripts, searches.

Kept so that a restart, a second viewer or another server with the same database has them at once. Each lies under the
hash of all that went into it, so that it is never taken for the result of other inputs, another model or another
version of the program. What is kept is bounded: the oldest gives way.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Index, LargeBinary, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from diagnosis.errors import StoreError
from diagnosis.store.database import Store
from diagnosis.store.documents import sha256_of
from diagnosis.store.packing import pack, unpack
from diagnosis.store.tables import Base, Count

MOST_BYTES = 512 * 2**20
"""Of all results of a kind together: some hundred explanations of a CT, or years of dictations."""
MOST_BYTES_EACH = 64 * 2**20
Record = TypeVar("Record")


class ResultKind(StrEnum):
    """What was computed."""

    EXPLANATION = "explanation"
    TRANSCRIPT = "transcript"
    CHANGES = "changes"
    PROPOSALS = "proposals"


class ResultRow(Base):
    """A kept result.

    Attributes:
        kind: one of `ResultKind`.
        key_sha256: hash over all that it was computed from.
        content: the packed record.
        content_sha256: of it, so that a damaged row is found out.
        n_bytes: length of the content.
    """

    __tablename__ = "results"
    __table_args__ = (Index(None, "kind", "key_sha256", unique=True),)

    id: Mapped[int] = mapped_column(Count, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))
    key_sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    content_sha256: Mapped[str] = mapped_column(String(64))
    n_bytes: Mapped[int] = mapped_column(Count)
    made_at: Mapped[datetime]


def save_result(
    store: Store, kind: ResultKind, key: Mapping[str, Any], record: object, *, most_bytes: int = MOST_BYTES
) -> bool:
    """Keep a result; one that is there already under the key is replaced.

    Args:
        store: where.
        kind: what it is.
        key: plain values that say what it was computed from; only their hash is kept.
        record: the result, a frozen record.
        most_bytes: of all results of the kind; the oldest give way.

    Returns:
        Whether it was kept: a result that is larger than the bounds is not.

    Raises:
        StoreError: the database cannot be written.
    """
    content = pack(record)
    if len(content) > min(MOST_BYTES_EACH, most_bytes):
        return False
    row = ResultRow(
        kind=kind.value,
        key_sha256=sha256_of(key),
        content=content,
        content_sha256=hashlib.sha256(content).hexdigest(),
        n_bytes=len(content),
        made_at=datetime.now(UTC),
    )
    with store.writing() as session:
        session.execute(delete(ResultRow).where(ResultRow.kind == row.kind, ResultRow.key_sha256 == row.key_sha256))
        session.add(row)
        session.flush()
        _make_room(session, kind, most_bytes)
    return True


def read_result(store: Store, kind: ResultKind, key: Mapping[str, Any], record: type[Record]) -> Record | None:
    """The result that was kept under a key; None where there is none that can be read.

    Args:
        store: where.
        kind: what it is.
        key: as it was saved.
        record: class of the result.
    """
    query = select(ResultRow).where(ResultRow.kind == kind.value, ResultRow.key_sha256 == sha256_of(key))
    with store.reading() as session:
        row = session.scalars(query).first()
    if row is None or hashlib.sha256(row.content).hexdigest() != row.content_sha256:
        return None
    try:
        return unpack(record, row.content)
    except StoreError:
        return None  # of an older version of the record: it is computed again


def _make_room(session: Session, kind: ResultKind, most_bytes: int) -> None:
    """Take away the oldest until the rest fits."""
    sizes = session.execute(
        select(ResultRow.id, ResultRow.n_bytes).where(ResultRow.kind == kind.value).order_by(ResultRow.id.desc())
    )
    total, oldest = 0, []
    for row in sizes:
        total += row.n_bytes
        if total > most_bytes:
            oldest.append(row.id)
    if oldest:
        session.execute(delete(ResultRow).where(ResultRow.kind == kind.value, ResultRow.id <= max(oldest)))
