"""From whatever schema a database has to the one of today, by Alembic's steps that lie in this package."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from diagnosis.errors import StoreError

_STEPS = Path(__file__).parent / "migrations"
_LOCK = 0x6469_6167
"""Any number, the same in all processes: PostgreSQL's lock on the schema."""


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration for these steps."""
    config = Config()
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Bring a database up to date; several processes may do so at once.

    Raises:
        StoreError: the database was made by a newer version of this program.
    """
    newest = ScriptDirectory.from_config(configuration()).get_current_head()
    with engine.connect() as connection:
        if _revision(connection) == newest:
            return
    with engine.execution_options(diagnosis_writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        revision = _revision(connection)
        known = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
        if revision is not None and revision not in known:
            msg = "store: the database was made by a newer version of this program; install that version"
            raise StoreError(msg)
        command.upgrade(configuration(connection), "head")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
