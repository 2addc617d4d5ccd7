"""Run by Alembic with a connection that `diagnosis.store.migration` opened."""

from alembic import context

from diagnosis.store import ledger, results  # noqa: F401 - their tables join Base
from diagnosis.store.tables import Base

# Import here each module that adds tables to `Base` outside `tables`.

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,  # transactions are begun by the store itself, on SQLite too
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
