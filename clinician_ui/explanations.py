"""Explanations of assessments: made once, kept in the store, there for every later visitor and after a restart."""

from pathlib import Path
from typing import Any

import streamlit as st

from clinician_ui.access import current_visitor, require
from clinician_ui.archive import open_archive
from clinician_ui.permissions import Permission
from clinician_ui.recipes import EXPLANATION_MODULES, source_sha256
from clinician_ui.services import ONE_AT_A_TIME, CaseEntry, engine_of, kept_assessment, load_case
from clinician_ui.shelf import Shelf
from diagnosis.errors import ExplanationError
from diagnosis.record import Explanation
from diagnosis.store.audit import Action, note_event
from diagnosis.store.results import ResultKind, read_result, save_result

MOST_IN_MEMORY = 20


@st.cache_resource(show_spinner=False)
def _explanations() -> Shelf[Explanation]:
    return Shelf(MOST_IN_MEMORY)


def known_explanation(entry: CaseEntry, bundle_dir: Path, finding: str) -> Explanation | None:
    """An explanation of the case as it is now that was made before, by whomever; or None.

    Raises:
        AccessError: the visitor may not see the case.
    """
    require(Permission.SEE_CASE)
    key = explanation_key(entry, bundle_dir, finding)
    if key is None:
        return None
    shelf, place = _explanations(), tuple(key.values())
    known = shelf.get(place)
    if known is None:
        known = read_result(open_archive(), ResultKind.EXPLANATION, key, Explanation)
        if known is not None:
            shelf.put(place, known)
    return known


def explain_case(entry: CaseEntry, bundle_dir: Path, finding: str) -> Explanation:
    """Explain one finding of an assessed case with all its proofs: seconds of work.

    Raises:
        DiagnosisError: the case or the model cannot be used.
        AccessError: the visitor may not.
        StoreError: it cannot be kept.
    """
    known = known_explanation(entry, bundle_dir, finding)
    if known is not None:
        return known
    require(Permission.EXPLAIN)
    # Asked before the work: whoever closes the page meanwhile ends its session, and the work is kept all the same.
    actor, store, key = current_visitor().actor, open_archive(), explanation_key(entry, bundle_dir, finding)
    case = load_case(entry)
    if key is None or key != explanation_key(entry, bundle_dir, finding):
        msg = "explanation: the case has changed since it was assessed; open it again"
        raise ExplanationError(msg)
    with ONE_AT_A_TIME:
        explanation = engine_of(bundle_dir).explain(case, finding)
    _explanations().put(tuple(key.values()), explanation)
    save_result(store, ResultKind.EXPLANATION, key, explanation)
    note_event(store, actor, Action.EXPLAIN, entry.token, {"finding": finding})
    return explanation


def explanation_key(entry: CaseEntry, bundle_dir: Path, finding: str) -> dict[str, Any] | None:
    """All that an explanation depends on; None where the case as it is now was not assessed."""
    kept = kept_assessment(entry, bundle_dir)
    if kept is None:
        return None
    return {
        "token": entry.token,
        "inputs_sha256": kept.inputs_sha256,
        "bundle_sha256": kept.assessment.bundle_sha256,
        "finding": finding,
        "program": source_sha256(*EXPLANATION_MODULES),
    }
