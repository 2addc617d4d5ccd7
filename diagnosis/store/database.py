"""The database: opened by URL, brought up to date, read and written in transactions."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, final

from sqlalchemy import URL, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session

from diagnosis import settings
from diagnosis.errors import ConfigurationError, MissingDependencyError, StoreError, is_disk_full
from diagnosis.store.migration import upgrade
from diagnosis.store.tables import HeadRow

BUSY_SECONDS = 60
"""How long a writer waits for the one before it."""
_WRITES = "diagnosis_writes"
_POSTGRESQL_DISK_FULL = "53100"
_ROOM_BYTES = 2**20
"""With less room than this SQLite cannot even begin; it then says no more than that it cannot open its files."""
_FULL = (
    "store: the disk that holds the {kind} database is full; free some space there and do the same again: what had "
    "been kept is still there"
)
_PROBLEM = (
    "store: the {kind} database cannot be used ({why}); check DIAGNOSIS_STORE, that the place is writable and that the "
    "server runs"
)

_READ_ONLY = (
    "store: the {kind} database can be read and not written, and nothing is shown of a case before it is noted in the "
    "trail who opens it; make the database writable for this user, or name another one in DIAGNOSIS_STORE"
)
_POSTGRESQL_READ_ONLY = frozenset({"25006", "42501"})
"""A server that takes no writes, as a standby; a user who may not write."""


class FullDiskError(StoreError):
    """The disk that holds the database has no room left."""


@final
class Store:
    """An open database. Safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self._reads = engine
        self._writes = engine.execution_options(**{_WRITES: True})
        if engine.dialect.name == "postgresql":
            # A reader sees one state of the database, whatever is written meanwhile. SQLite's WAL does so by itself.
            self._reads = engine.execution_options(isolation_level="REPEATABLE READ")

    @classmethod
    def open(cls, url: str | None = None, *, must_exist: bool = False) -> Self:
        """Open a database, making it first where there is none, and bring its schema up to date.

        Args:
            url: `sqlite:////folder/store.sqlite3`, `postgresql://user:password@host/name`, or the path of a file for
                SQLite; `DIAGNOSIS_STORE` or the user's data folder where none is given.
            must_exist: refuse to make a file. Who asks what was done has to hear that a database is gone, and not
                that an empty one is in order.

        Raises:
            ConfigurationError: the URL is not one of these.
            MissingDependencyError: the driver for PostgreSQL is not installed.
            StoreError: the database cannot be reached, written, or understood, or does not exist and has to.
        """
        address = _url(url or settings.store_url())
        if must_exist:
            _require_file(address)
        try:
            engine = _engine(address)
            upgrade(engine)
        except (DBAPIError, OSError) as error:
            raise _problem(address, error) from error
        return cls(engine)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._writes.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database.

        Raises:
            StoreError: the database cannot be read.
        """
        try:
            with Session(self._reads, expire_on_commit=False) as session:
                yield session
        except DBAPIError as error:
            raise _problem(self._reads.url, error) from error

    @contextmanager
    def writing(self, *, locks_trail: bool = True) -> Iterator[Session]:
        """A session whose work is kept as a whole or not at all; writers wait for one another.

        Args:
            locks_trail: False for tables that the audit trail does not speak of, such as the ledger of batch runs:
                on PostgreSQL their writers then need not wait for one another.

        Raises:
            StoreError: the database cannot be written.
        """
        try:
            with Session(self._writes, expire_on_commit=False) as session, session.begin():
                if locks_trail:
                    # The lock of the audit trail's head: from here to the commit there is no other writer.
                    session.execute(select(HeadRow.seq).with_for_update())
                yield session
        except DBAPIError as error:
            raise _problem(self._writes.url, error) from error

    def close(self) -> None:
        """Close all connections."""
        self._writes.dispose()


def _problem(url: URL, error: DBAPIError | OSError) -> StoreError:
    """What is wrong with a database, without its address, which may hold a password."""
    why = error.orig if isinstance(error, DBAPIError) else error
    kind = url.get_backend_name()
    if why is not None and _is_full(url, why):
        return FullDiskError(_FULL.format(kind=kind))
    if _is_read_only(why):
        return StoreError(_READ_ONLY.format(kind=kind))
    return StoreError(_PROBLEM.format(kind=kind, why=type(why).__name__))


def _is_read_only(why: BaseException | None) -> bool:
    is_refused = getattr(why, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY
    return is_refused or getattr(why, "sqlstate", None) in _POSTGRESQL_READ_ONLY


def _is_full(url: URL, why: BaseException) -> bool:
    if is_disk_full(why) or getattr(why, "sqlstate", None) == _POSTGRESQL_DISK_FULL:
        return True
    code = getattr(why, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return True
    if code not in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN} or not url.database:
        return False
    folder = Path(url.database).parent
    return folder.is_dir() and shutil.disk_usage(folder).free < _ROOM_BYTES


def _url(text: str) -> URL:
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).expanduser()))
    try:
        url = make_url(text)
    except ArgumentError as error:
        msg = "store: DIAGNOSIS_STORE is not a URL of a database; write sqlite:////PATH or postgresql://USER@HOST/NAME"
        raise ConfigurationError(msg) from error
    if url.drivername in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        msg = f"store: {url.get_backend_name()} is not supported; use sqlite or postgresql"
        raise ConfigurationError(msg)
    return url


def _require_file(url: URL) -> None:
    """A server says itself that it has no such database; SQLite would make an empty one."""
    if url.get_backend_name() == "sqlite" and not (url.database and Path(url.database).is_file()):
        msg = (
            "store: there is no database at the place that is named; check --store or DIAGNOSIS_STORE (the dashboard "
            "makes a new one)"
        )
        raise StoreError(msg)


def _engine(url: URL) -> Engine:
    try:
        if url.get_backend_name() == "sqlite":
            return _sqlite(url)
        return create_engine(url, pool_pre_ping=True)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        msg = 'store: the driver for PostgreSQL is not installed; run pip install ".[postgresql]"'
        raise MissingDependencyError(msg) from error


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        path = Path(url.database)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_connection(connection: Any, _record: object) -> None:  # noqa: ANN401 - SQLAlchemy's own type
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None  # transactions begin in `_begin`, not where sqlite3 thinks fit
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # an event that was answered for survives a loss of power
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()


def _begin(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own type
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
