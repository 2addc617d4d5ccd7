"""The migrations make what the classes say, up and down, on both databases."""

import pytest
from alembic import command
from sqlalchemy import inspect, text

from diagnosis.errors import StoreError
from diagnosis.store.database import Store
from diagnosis.store.migration import configuration
from diagnosis.store.tables import Base


def test_from_empty_to_what_the_classes_say(store):
    with store._writes.begin() as connection:
        command.check(configuration(connection))
        assert set(Base.metadata.tables) <= set(inspect(connection).get_table_names())


def test_constraints_and_indexes_agree_too(store):
    with store._writes.begin() as connection:
        seen = inspect(connection)
        for name, table in Base.metadata.tables.items():
            assert {i["name"] for i in seen.get_indexes(name)} == {i.name for i in table.indexes}
            declared = {c.name for c in table.constraints if type(c).__name__ == "CheckConstraint"}
            assert {c["name"] for c in seen.get_check_constraints(name)} == declared
            assert {f["name"] for f in seen.get_foreign_keys(name)} == {c.name for c in table.foreign_key_constraints}


def test_down_and_up_again(store):
    with store._writes.begin() as connection:
        command.downgrade(configuration(connection), "base")
        assert set(inspect(connection).get_table_names()) == {"alembic_version"}
    with store._writes.begin() as connection:
        command.upgrade(configuration(connection), "head")
        command.check(configuration(connection))


def test_opening_twice_changes_nothing(url):
    Store.open(url).close()
    store = Store.open(url)
    with store.reading() as session:
        assert session.execute(text("SELECT count(*) FROM audit_head")).scalar_one() == 1
    store.close()


def test_a_database_of_a_newer_version_is_refused(url):
    store = Store.open(url)
    with store.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StoreError, match="made by a newer version of this program"):
        Store.open(url)
