"""The only door from the dashboard to files and models. What they gave is kept, within bounds.

A case is read and assessed when it is first asked for, with the clinician's edits applied. Every assessment goes into
the store and is found there again after a restart, and so are transcripts (`transcripts`) and explanations
(`explanations`); images are kept in memory for the few cases last opened. A change of a file, an edit or another bundle
makes a new assessment, and the earlier ones stay.

What a visitor may do is checked here, whatever a page offers.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import streamlit as st

from clinician_ui.access import current_visitor, require
from clinician_ui.archive import open_archive
from clinician_ui.corrections import corrected
from clinician_ui.folders import CaseEntry, FolderWatch, find_case, list_cases, take_in_one
from clinician_ui.permissions import Permission
from clinician_ui.shelf import Shelf
from clinician_ui.transcripts import Progress, read_case_once
from diagnosis.bundle.checksums import stated_sha256
from diagnosis.errors import BundleError, DiagnosisError, InputError
from diagnosis.kept_imports import kept_imports
from diagnosis.record import Assessment, Case, StudyIdentity, Volume
from diagnosis.store.actors import Actor
from diagnosis.store.assessments import KeptAssessment, latest_assessment, save_assessment, save_problem
from diagnosis.store.audit import Action, note_event
from diagnosis.store.cases import HeaderFacts, complete_from_headers
from diagnosis.store.edits import Edit, edits_of, newest_number, save_edit
from diagnosis.store.inputs import inputs_of
from diagnosis.store.reviews import Review, save_review

__all__ = ["CaseEntry", "FolderWatch", "Outcome", "find_case", "list_cases"]

if TYPE_CHECKING:
    from diagnosis import DiagnosisEngine

MOST_ASSESSMENTS = 10_000
MOST_CASES_IN_MEMORY = 3
"""A chest CT takes 100 to 300 MB as float32."""


@final
@dataclass(frozen=True)
class Outcome:
    """What became of assessing a case: an assessment, or the sentence that says why there is none."""

    assessment: Assessment | None = None
    problem: str | None = None


UNMARKED = "No region is marked in the CT, and the case has nothing else that could be assessed."
WARM_UP_AFTER_S = 2.0
USUAL_LOADING_S = 5.0
LOOK_EVERY_S = 0.2
_LOADED: set[Path] = set()
_WARMED: set[Path] = set()
_WARMING: set[Path] = set()
_WARMING_LOCK = threading.Lock()
ONE_AT_A_TIME = threading.Lock()
"""The network is shared between sessions: one question at a time."""


@st.cache_resource(show_spinner=False)
def _cases() -> Shelf[Case]:
    return Shelf(MOST_CASES_IN_MEMORY)


@st.cache_resource(show_spinner=False)
def _assessments() -> Shelf[Outcome]:
    return Shelf(MOST_ASSESSMENTS)


@st.cache_resource(max_entries=1, show_spinner=False)
def _load_engine(bundle_dir: Path) -> "DiagnosisEngine":
    from diagnosis import DiagnosisEngine

    with kept_imports():
        return DiagnosisEngine.load(bundle_dir)


def engine_of(bundle_dir: Path) -> "DiagnosisEngine":
    """The engine with a bundle, loaded once for all sessions; ask it under `ONE_AT_A_TIME`.

    Raises:
        BundleError, MissingDependencyError: it cannot be loaded.
    """
    engine = _load_engine(bundle_dir)
    _LOADED.add(bundle_dir)  # at each call: the cache may have it from before this set was made
    return engine


def warm_up(bundle_dir: Path, after_s: float = WARM_UP_AFTER_S) -> None:
    """Load the model in the background, a moment after a page was painted: what is asked of it need not wait then.

    Not earlier: loading takes five seconds of the interpreter, most of them the import of packages, which a page that
    is being painted would miss. What goes wrong is said when the model is asked.

    Args:
        bundle_dir: of the model.
        after_s: 0 where somebody waits for it already.
    """
    if not st.runtime.exists():
        return  # nobody waits at a page
    with _WARMING_LOCK:
        if bundle_dir in _LOADED or (bundle_dir in _WARMED and after_s > 0):
            return
        _WARMED.add(bundle_dir)
        _WARMING.add(bundle_dir)
    timer = threading.Timer(after_s, _load_quietly, (bundle_dir,))
    timer.daemon = True
    timer.start()


def _load_quietly(bundle_dir: Path) -> None:
    try:
        with suppress(DiagnosisError), ONE_AT_A_TIME:
            engine_of(bundle_dir)
    finally:
        _WARMING.discard(bundle_dir)


def _await_engine(bundle_dir: Path, on_progress: Progress | None) -> None:
    """Until the model that is being loaded is there, or could not be loaded; says for how long it has been waited.

    How long it will take is not known: the bar comes nearer to its end, and does not reach it.
    """
    begun = time.monotonic()
    while is_engine_coming(bundle_dir):
        waited_s = time.monotonic() - begun
        if on_progress is not None:
            words = f"Loading the model, once after each start of the server: {waited_s:.0f} s so far"
            on_progress(words, waited_s / (waited_s + USUAL_LOADING_S))
        time.sleep(LOOK_EVERY_S)


def is_engine_coming(bundle_dir: Path) -> bool:
    """Whether the model is being loaded in the background."""
    return bundle_dir in _WARMING


def is_engine_loaded(bundle_dir: Path) -> bool:
    """Whether the model is at hand: a page of what is known already does not wait for it."""
    return bundle_dir in _LOADED


@st.cache_resource(show_spinner=False)
def watch_of(cases_dir: Path, _archive_url: str) -> FolderWatch:
    """The one watch over a folder of cases; `_archive_url` tells stores apart."""
    return FolderWatch(cases_dir, open_archive())


def load_case(entry: CaseEntry, on_progress: Progress | None = None) -> Case:
    """All the evidence of a case as its clinicians corrected it; a recording is transcribed once.

    Raises:
        DiagnosisError: a part that cannot be used.
    """
    return _corrected_case(entry, on_progress)[0]


def _corrected_case(entry: CaseEntry, on_progress: Progress | None) -> tuple[Case, int]:
    """The case, and the number of the newest edit that is in it: another may come while it is worked on."""
    require(Permission.SEE_CASE)
    # Not st.cache_resource: it would replay the progress bar that was drawn while the case was read.
    key = (entry.token, entry.fingerprint)
    case = _cases().get(key)
    if case is None:
        case, identity = read_case_once(entry.folder, on_progress)
        _cases().put(key, case)
        _complete(entry, case, identity, current_visitor().actor)
    edits = edits_of(open_archive(), entry.token)
    return corrected(case, edits), newest_number(edits)


def _complete(entry: CaseEntry, case: Case, identity: StudyIdentity, actor: Actor) -> None:
    """Tell the worklist what the CT's headers say of the study."""
    studied_on = _date_of(identity.source.study_date if identity.source is not None else "")
    take_in_one(open_archive(), actor, entry)
    complete_from_headers(open_archive(), entry.token, HeaderFacts(studied_on, case.age_years, case.sex))


def volume_source(entry: CaseEntry) -> Callable[[], Volume]:
    """Gives the CT of a case as often as it is asked, also after it has left the memory.

    For an address that is handed to a visitor who may see the case: whoever fetches it later is not asked again.

    Raises:
        AccessError: the visitor may not see the case.
    """
    require(Permission.SEE_CASE)
    shelf, key = _cases(), (entry.token, entry.fingerprint)

    def read() -> Volume:
        case = shelf.get(key)
        if case is None:
            case, _ = read_case_once(entry.folder)
            shelf.put(key, case)
        if case.volume is None:
            msg = "case: its CT is no longer there; open the case again"
            raise InputError(msg)
        return case.volume

    return read


def adopt_case(entry: CaseEntry, change: Callable[[Case], Case], changed: CaseEntry) -> None:
    """Spare a case that was changed on the disk from being read again.

    Args:
        entry: as it was.
        change: what was changed, applied to the case as its files held it.
        changed: as it is now.
    """
    case = _cases().get((entry.token, entry.fingerprint))
    if case is not None:
        _cases().put((changed.token, changed.fingerprint), change(case))


def known_outcome(entry: CaseEntry, bundle_dir: Path) -> Outcome | None:
    """What is known without working: the outcome of an earlier assessment, or a problem seen at a glance."""
    if entry.problem is not None:
        return Outcome(problem=entry.problem)
    known = _assessments().get(_key(entry, bundle_dir, revision_of(entry)))
    return known if known is not None else _kept_outcome(entry, bundle_dir)


def assess_case(entry: CaseEntry, bundle_dir: Path, on_progress: Progress | None = None) -> Outcome:
    """Read and assess a case, or give what is known of it. A case that cannot be used is an outcome, not an error.

    Raises:
        BundleError, MissingDependencyError: the model itself cannot be used.
        AccessError: nothing is known, and the visitor may not assess.
        StoreError: the assessment cannot be kept.
    """
    known = known_outcome(entry, bundle_dir)
    if known is not None:
        return known
    require(Permission.ASSESS)
    # Files are read and recordings transcribed while the model is being loaded: by far the most of a first opening.
    warm_up(bundle_dir, after_s=0)
    edit = revision_of(entry)
    try:
        case, edit = _corrected_case(entry, on_progress)
        # Nothing is wrong with a CT that awaits its reader: nothing is kept of it.
        outcome = Outcome(problem=UNMARKED)
        if not case.awaits_region:
            _await_engine(bundle_dir, on_progress)
            outcome = _answer(entry, bundle_dir, case, edit)
    except InputError as error:
        outcome = Outcome(problem=str(error))
        _keep(entry, outcome, {}, current_visitor().actor)
    _assessments().put(_key(entry, bundle_dir, edit), outcome)
    return outcome


def _answer(entry: CaseEntry, bundle_dir: Path, case: Case, edit: int) -> Outcome:
    """What the engine says of a case, kept; or what somebody else was told who asked for the same meanwhile."""
    with ONE_AT_A_TIME:
        known = known_outcome(entry, bundle_dir)
        if known is not None:
            return known
        outcome = Outcome(engine_of(bundle_dir).assess(case))
        _keep(entry, outcome, _inputs(entry, case, edit), current_visitor().actor)
    return outcome


def assess_quietly(entry: CaseEntry, bundle_dir: Path, actor: Actor) -> Outcome:
    """As `assess_case`, outside of any page, for a visitor who was allowed to assess when they asked for it.

    Readers at their pages come first: the model is held for the assessment alone, not while files are read, and the
    images of the cases that they have open stay in memory.

    Raises:
        BundleError, MissingDependencyError: the model itself cannot be used.
        StoreError: the assessment cannot be kept.
    """
    known = known_outcome(entry, bundle_dir)
    if known is not None:
        return known
    edits = edits_of(open_archive(), entry.token)
    inputs: dict[str, Any] = {}
    try:
        read, identity = read_case_once(entry.folder)
        _complete(entry, read, identity, actor)
        case = corrected(read, edits)
        with ONE_AT_A_TIME:
            outcome = Outcome(engine_of(bundle_dir).assess(case))
        inputs = _inputs(entry, case, newest_number(edits))
    except InputError as error:
        outcome = Outcome(problem=str(error))
    _keep(entry, outcome, inputs, actor)
    return outcome


def edit_case(entry: CaseEntry, edit: Edit) -> None:
    """Keep a clinician's edit of a note, a transcript or a region. The next `assess_case` answers to it.

    Raises:
        AccessError: the visitor may not.
        StoreError: it cannot be kept.
    """
    save_edit(open_archive(), editor_of(entry), entry.token, edit)


def editor_of(entry: CaseEntry) -> Actor:
    """The visitor as one who edits a case, which has its row in the store from here on.

    Raises:
        AccessError: the visitor may not.
        StoreError: the case cannot be taken in.
    """
    require(Permission.EDIT)
    actor = current_visitor().actor
    take_in_one(open_archive(), actor, entry)
    return actor


def review_case(entry: CaseEntry, review: Review) -> None:
    """Keep what a reader says of a finding.

    Raises:
        AccessError: the visitor may not.
        StoreError: the case was assessed again meanwhile, the reader cannot have this seat, or it cannot be kept.
    """
    require(Permission.REVIEW)
    save_review(open_archive(), current_visitor().actor, entry.token, review)


def note_view(entry: CaseEntry) -> None:
    """Write into the trail that the visitor has opened a case: once for each time that they open it.

    Raises:
        StoreError: it cannot be written.
    """
    if st.session_state.get("viewed") != entry.token:
        note_event(open_archive(), current_visitor().actor, Action.VIEW, entry.token)
        st.session_state["viewed"] = entry.token


def revision_of(entry: CaseEntry) -> int:
    """Number of the newest edit of a case, 0 where there is none."""
    return newest_number(edits_of(open_archive(), entry.token))


def _keep(entry: CaseEntry, outcome: Outcome, inputs: dict[str, Any], actor: Actor) -> None:
    store = open_archive()
    take_in_one(store, actor, entry)
    if outcome.assessment is not None:
        save_assessment(store, actor, entry.token, outcome.assessment, inputs)
    else:
        save_problem(store, actor, entry.token, outcome.problem or "")


def _kept_outcome(entry: CaseEntry, bundle_dir: Path) -> Outcome | None:
    kept = kept_assessment(entry, bundle_dir)
    return None if kept is None else Outcome(kept.assessment)


def kept_assessment(entry: CaseEntry, bundle_dir: Path) -> KeptAssessment | None:
    """The latest assessment of the store, where it is of these files, these edits and this bundle."""
    kept = latest_assessment(open_archive(), entry.token)
    if kept is None or kept.inputs.get("fingerprint") != entry.fingerprint:
        return None
    if kept.inputs.get("edit") != revision_of(entry):
        return None
    try:
        is_same = kept.assessment.bundle_sha256 == stated_sha256(bundle_dir)
    except BundleError:
        return None  # loading the bundle will say what is wrong with it
    return kept if is_same else None


def _inputs(entry: CaseEntry, case: Case, edit: int) -> dict[str, Any]:
    return inputs_of(case, entry.fingerprint) | {"edit": edit}


def _date_of(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def _key(entry: CaseEntry, bundle_dir: Path, edit: int) -> tuple[str, ...]:
    return entry.token, entry.fingerprint, str(bundle_dir), str(edit)
