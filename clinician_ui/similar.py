"""Nodules like that of a case, out of the index that lies beside a bundle; where there is none, nothing is offered."""

from pathlib import Path

import streamlit as st

from clinician_ui.access import require
from clinician_ui.components.similar_table import Neighbor
from clinician_ui.permissions import Permission
from clinician_ui.services import ONE_AT_A_TIME, CaseEntry, engine_of, load_case, revision_of
from clinician_ui.shelf import Shelf

COUNT = 5
MOST_KEPT = 200


@st.cache_resource(show_spinner=False)
def _kept() -> Shelf[tuple[Neighbor, ...]]:
    return Shelf(MOST_KEPT)


def has_index(bundle_dir: Path) -> bool:
    """Whether an index lies beside the bundle; asked without loading anything."""
    return (bundle_dir / "retrieval" / "index.json").is_file()


def known_similar(entry: CaseEntry, bundle_dir: Path) -> tuple[Neighbor, ...] | None:
    """What was found before for the case as it is now, or None."""
    return _kept().get(_key(entry, bundle_dir))


def find_similar(entry: CaseEntry, bundle_dir: Path) -> tuple[Neighbor, ...]:
    """The nearest nodules of a case by all of its parts, nearest first.

    Raises:
        BundleError: the index was made for another bundle, or was changed.
        DiagnosisError: the case or the model cannot be used.
        AccessError: the visitor may not.
    """
    from diagnosis.preprocessing.batch import stack_cases
    from diagnosis.retrieval.index import load_index
    from diagnosis.retrieval.search import NoduleSearch

    require(Permission.EXPLAIN)
    key = _key(entry, bundle_dir)  # before the case is read: an edit that comes meanwhile is not in it
    case = load_case(entry)
    with ONE_AT_A_TIME:
        engine = engine_of(bundle_dir)
        search = NoduleSearch(load_index(engine.bundle.folder, engine.bundle.sha256))
        batch = stack_cases([engine.prepare(case)], engine.contract)
        embedded = search.index.space.embed(engine.bundle.network, batch)
    found = tuple(
        Neighbor(item.nodule.name, item.similarity, item.nodule.wording, item.nodule.outcome)
        for item in search.similar(embedded[0].numpy(), count=COUNT)
    )
    _kept().put(key, found)
    return found


def _key(entry: CaseEntry, bundle_dir: Path) -> tuple[str, ...]:
    return entry.token, entry.fingerprint, str(revision_of(entry)), str(bundle_dir)
