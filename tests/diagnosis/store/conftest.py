"""Every test of the store runs on both databases."""

from itertools import count

import pytest
from databases import postgresql_server
from sqlalchemy import create_engine, text

from diagnosis.store.actors import Actor, Role
from diagnosis.store.database import Store

READER = Actor("reader@clinic", Role.READER)
_NUMBERS = count()


@pytest.fixture(scope="session")
def postgresql():
    with postgresql_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'made' / 'store.sqlite3'}"
    server = request.getfixturevalue("postgresql")
    name = f"test_{next(_NUMBERS)}"
    driver = server.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(f"{driver}postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{server}{name}"


@pytest.fixture
def store(url):
    opened = Store.open(url)
    yield opened
    opened.close()


@pytest.fixture
def actor() -> Actor:
    return READER
