"""The only door from the dashboard to files and models. What they gave is kept, within bounds.

A case is read and assessed when it is first asked for. Images are kept for the few cases last opened; assessments and
explanations are small and kept for as long as the server runs, or until a file of the case changes.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar, final

import streamlit as st

from diagnosis.errors import DiagnosisError, InputError
from diagnosis.ingest.case_folder import CT_NAMES, NOTE_NAMES, VOICE_NAMES, CaseFile, read_case
from diagnosis.record import Assessment, Case, Explanation
from diagnosis.vocabulary import MODALITIES, Modality

if TYPE_CHECKING:
    from diagnosis.engine import DiagnosisEngine

Progress = Callable[[int, int], None]
Kept = TypeVar("Kept")

MOST_ASSESSMENTS = 10_000
MOST_EXPLANATIONS = 200
MOST_CASES_IN_MEMORY = 3
"""A chest CT takes 100 to 300 MB as float32."""


@final
@dataclass(frozen=True)
class Outcome:
    """What became of assessing a case: an assessment, or the sentence that says why there is none."""

    assessment: Assessment | None = None
    problem: str | None = None


@final
class Shelf(Generic[Kept]):
    """Keeps the values last used; safe between sessions."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[tuple[str, ...], Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[str, ...]) -> Kept | None:
        """The value, or None."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: tuple[str, ...], value: Kept) -> None:
        """Keep a value; the one longest unused gives way."""
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._most:
                self._values.popitem(last=False)


_ONE_AT_A_TIME = threading.Lock()
"""The network is shared between sessions: one question at a time."""


@st.cache_resource(show_spinner=False)
def _cases() -> Shelf[Case]:
    return Shelf(MOST_CASES_IN_MEMORY)


@st.cache_resource(show_spinner=False)
def _assessments() -> Shelf[Outcome]:
    return Shelf(MOST_ASSESSMENTS)


@st.cache_resource(show_spinner=False)
def _explanations() -> Shelf[Explanation]:
    return Shelf(MOST_EXPLANATIONS)


@st.cache_resource(max_entries=1, show_spinner=False)
def _engine(bundle_dir: Path) -> "DiagnosisEngine":
    from diagnosis.engine import DiagnosisEngine

    return DiagnosisEngine.load(bundle_dir)


def load_case(entry: CaseEntry, on_progress: Progress | None = None) -> Case:
    """All the evidence of a case; the recording is transcribed.

    Raises:
        DiagnosisError: a part that cannot be used.
    """
    # Not st.cache_resource: it would replay the progress bar that was drawn while the case was read.
    key = (entry.token, entry.fingerprint)
    case = _cases().get(key)
    if case is None:
        case, _ = read_case(entry.folder, on_progress=on_progress)
        _cases().put(key, case)
    return case


def known_outcome(entry: CaseEntry, bundle_dir: Path) -> Outcome | None:
    """What is known without working: the outcome of an earlier assessment, or a problem seen at a glance."""
    if entry.problem is not None:
        return Outcome(problem=entry.problem)
    return _assessments().get(_key(entry, bundle_dir))


def assess_case(entry: CaseEntry, bundle_dir: Path, on_progress: Progress | None = None) -> Outcome:
    """Read and assess a case, or give what is known of it. A case that cannot be used is an outcome, not an error.

    Raises:
        BundleError, MissingDependencyError: the model itself cannot be used.
    """
    known = known_outcome(entry, bundle_dir)
    if known is not None:
        return known
    with _ONE_AT_A_TIME:
        engine = _engine(bundle_dir)
        try:
            outcome = Outcome(engine.assess(load_case(entry, on_progress)))
        except InputError as error:
            outcome = Outcome(problem=str(error))
    _assessments().put(_key(entry, bundle_dir), outcome)
    return outcome


def known_explanation(entry: CaseEntry, bundle_dir: Path, finding: str) -> Explanation | None:
    """An explanation that was made before, or None."""
    return _explanations().get((*_key(entry, bundle_dir), finding))


def explain_case(entry: CaseEntry, bundle_dir: Path, finding: str) -> Explanation:
    """Explain one finding of a case with all its proofs: seconds of work.

    Raises:
        DiagnosisError: the case or the model cannot be used.
    """
    known = known_explanation(entry, bundle_dir, finding)
    if known is not None:
        return known
    with _ONE_AT_A_TIME:
        explanation = _engine(bundle_dir).explain(load_case(entry), finding)
    _explanations().put((*_key(entry, bundle_dir), finding), explanation)
    return explanation


def _key(entry: CaseEntry, bundle_dir: Path) -> tuple[str, ...]:
    return entry.token, entry.fingerprint, str(bundle_dir)
