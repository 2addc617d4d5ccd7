"""The store, opened once for all sessions, and the opaque names under which folders and cases stand in it."""

import hashlib
from pathlib import Path

import streamlit as st

from diagnosis import settings
from diagnosis.store.database import Store


def open_archive() -> Store:
    """The database of this dashboard, brought up to date when it is first asked for.

    Raises:
        StoreError, ConfigurationError, MissingDependencyError: it cannot be used.
    """
    return _opened(settings.store_url())


@st.cache_resource(show_spinner=False)
def _opened(url: str) -> Store:
    return Store.open(url)


def opaque_name(path: Path) -> str:
    """Name of a folder that tells nothing of its path, the same at every start."""
    return hashlib.sha256(str(path).encode()).hexdigest()[:16]


def collection_of(cases_dir: Path) -> str:
    """Opaque name of a folder of cases."""
    return opaque_name(cases_dir.resolve())
