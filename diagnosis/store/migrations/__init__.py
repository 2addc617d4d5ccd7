"""Alembic's steps; see "To add a table" in `diagnosis.store`."""
