"""The body of a case's page: the CT, what was found, what was written and said, why, and the proof of that."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clinician_ui.access import may
from clinician_ui.components.banner import render_warnings
from clinician_ui.components.finding_table import display_name, render_descriptors, render_findings
from clinician_ui.components.modality_bar import render_modalities
from clinician_ui.components.opinions import render_second_opinions
from clinician_ui.components.phrases import sentence
from clinician_ui.components.proof_table import render_proof
from clinician_ui.components.scene import Scene, make_scene
from clinician_ui.components.similar_table import render_similar
from clinician_ui.components.viewer import Seat, render_viewer
from clinician_ui.corrections import other_warnings, region_text
from clinician_ui.explanations import explain_case, known_explanation
from clinician_ui.permissions import Permission
from clinician_ui.services import (
    CaseEntry,
    Outcome,
    assess_case,
    edit_case,
    is_engine_coming,
    is_engine_loaded,
    known_outcome,
    load_case,
    volume_source,
    warm_up,
)
from clinician_ui.similar import find_similar, has_index, known_similar
from clinician_ui.state import Workplace
from clinician_ui.views.proposals_panel import render_proposals, shown_region
from clinician_ui.views.report import render_report
from clinician_ui.views.what_if_panel import render_changes, render_trial, render_what_if
from clinician_ui.views.words import render_words
from diagnosis.errors import DiagnosisError
from diagnosis.reading import read_words
from diagnosis.record import Assessment, Case, Explanation, FindingAssessment, RegionOfInterest
from diagnosis.record.attribution import WHOLE_CASE
from diagnosis.store.edits import Edit, EditedPart
from diagnosis.vocabulary import Modality, Sex

COLUMNS = (1.8, 1)
_SEXES = {Sex.FEMALE: "female", Sex.MALE: "male", Sex.OTHER: "other"}
MARK_FIRST = (
    "No region is marked in the CT, so it does not count yet. Choose Region above the pictures, click the center of "
    "the region or drag from its center to its edge, and press Assess this region."
)


def render_reading(
    place: Workplace, entry: CaseEntry, patient: DeltaGenerator, decide: Callable[[Assessment], None]
) -> Assessment | None:
    """Draw the body; gives the assessment, for what follows it on the page.

    Args:
        place: where cases and bundle lie.
        entry: the case.
        patient: the place for what is known of the patient.
        decide: draws what a reader can say of the findings, below them.
    """
    try:
        case, outcome = _read_and_assessed(place, entry)
    except DiagnosisError as error:
        st.error(str(error))
        return None
    if case is None:
        st.error(outcome.problem or "")
        st.caption("The case cannot be assessed as it is. Correct it and open it again.")
        return None
    patient.caption(_patient_words(case))
    if outcome.assessment is None:
        _render_unassessed(place, entry, case, outcome.problem or "")
        return None
    _render_assessed(place, entry, case, outcome.assessment, decide)
    return outcome.assessment


def _read_and_assessed(place: Workplace, entry: CaseEntry) -> tuple[Case | None, Outcome]:
    """The evidence and what became of assessing it; no evidence where it cannot be read."""
    outcome = known_outcome(entry, place.bundle_dir)
    if entry.problem is not None:
        return None, outcome or Outcome(problem=entry.problem)
    if outcome is None and may(Permission.ASSESS):
        bar = st.progress(0.0, "Reading the case")

        def show(words: str, share: float) -> None:
            bar.progress(share, words)

        outcome = assess_case(entry, place.bundle_dir, show)
        bar.empty()
    if outcome is None:
        outcome = Outcome(problem="This case has not been assessed yet, and your role does not allow to assess it.")
    with st.spinner("Reading the case"):
        try:
            return load_case(entry), outcome
        except DiagnosisError:
            if outcome.problem is None:
                raise
            return None, outcome


def _render_unassessed(place: Workplace, entry: CaseEntry, case: Case, problem: str) -> None:
    """Evidence that cannot be assessed yet: the reader can mark a region, write a note, or dictate."""
    if case.volume is not None and case.region is None:
        st.info(MARK_FIRST)
    else:
        st.error(problem)
    render_warnings(other_warnings(case))
    if case.volume is None or case.region is not None:
        _render_ct(entry, case, None, can_try=False)
        render_words(place, entry, case, None)
        return
    left, right = st.columns(COLUMNS, gap="medium")
    with right:  # before the pictures, which go where it leads
        render_proposals(place, entry, case, lambda region: _move_region(entry, case, region))
    with left:
        _render_ct(entry, case, None, can_try=False)
        render_words(place, entry, case, None)


def _render_assessed(
    place: Workplace, entry: CaseEntry, case: Case, assessment: Assessment, decide: Callable[[Assessment], None]
) -> None:
    finding = _chosen_finding(assessment, entry)
    explanation = known_explanation(entry, place.bundle_dir, finding.name)
    is_unmarked = case.volume is not None and case.region is None
    if is_unmarked and may(Permission.EDIT):
        st.info(MARK_FIRST)
    left, right = st.columns(COLUMNS, gap="medium")
    with right:
        render_proposals(place, entry, case, lambda region: _move_region(entry, case, region))
        render_findings(assessment.findings)
        decide(assessment)
        render_warnings(assessment.warnings)
        _render_explanation(place, entry, finding.name, explanation)
        reasons = {Modality.CT: "no region is marked"} if is_unmarked else {}
        render_modalities(assessment.modalities, display_name(assessment.main.name).lower(), reasons)
        _render_descriptors(assessment)
        if case.note is not None or case.voice_note is not None:
            render_second_opinions(read_words(case).opinions)
    with left:
        _render_ct(entry, case, explanation, can_try=may(Permission.EXPLAIN) and not is_unmarked)
        render_trial(place, entry, finding)
        render_words(place, entry, case, explanation)
    render_report(entry, case, assessment)
    if may(Permission.EXPLAIN):
        st.header("What if", anchor=False)
        _render_what_if(place, entry, finding)
    if has_index(place.bundle_dir):
        _render_similar(place, entry)
    if explanation is not None:
        st.header("Proof of the explanation", anchor=False)
        render_proof(explanation)
    _render_provenance(assessment)


def _render_descriptors(assessment: Assessment) -> None:
    if assessment.descriptors:
        render_descriptors(assessment.descriptors)
    else:
        st.caption("Descriptors, such as margin and texture, are read from a CT; none was used in this assessment.")


def _render_what_if(place: Workplace, entry: CaseEntry, finding: FindingAssessment) -> None:
    """The panel; until the model is there, a word on that: a page of what is known already does not wait for it."""
    if is_engine_loaded(place.bundle_dir):
        render_what_if(place, entry, finding)
        render_changes(place, entry, finding)
        return
    warm_up(place.bundle_dir)
    if is_engine_coming(place.bundle_dir):
        _await_model(place.bundle_dir)
    elif st.button("Load the model to ask", key="load-model"):
        render_what_if(place, entry, finding)


@st.fragment(run_every="2s")
def _await_model(bundle_dir: Path) -> None:
    """Says that the model is being loaded, and draws the page anew when it is there."""
    if is_engine_coming(bundle_dir):
        st.caption("The model is being loaded …")
    else:
        st.rerun()


def _chosen_finding(assessment: Assessment, entry: CaseEntry) -> FindingAssessment:
    names = [finding.name for finding in assessment.findings]
    if len(names) == 1:
        return assessment.main
    name = st.selectbox("Finding to explain", names, format_func=display_name, key=f"finding-{entry.token}")
    return next(finding for finding in assessment.findings if finding.name == name)


def _patient_words(case: Case) -> str:
    words = [
        f"{case.age_years:.0f} years" if case.age_years is not None else "age unknown",
        _SEXES[case.sex] if case.sex is not None else "sex unknown",
    ]
    if case.volume is not None:
        n, spacing = case.volume.hu.shape, case.volume.spacing_mm
        words.append(f"CT of {n[0]} slices, {spacing[0]:.2g} mm apart")
    if case.region is not None:
        words.append(f"region {case.region.diameter_mm:.0f} mm" if case.region.diameter_mm else "region marked")
    return " · ".join(words)


def _render_explanation(place: Workplace, entry: CaseEntry, finding: str, explanation: Explanation | None) -> None:
    """The button that asks why; what was withheld once it was answered."""
    if explanation is not None:
        render_warnings([sentence(why.replace("_", " ")) for why in explanation.withheld])
    elif may(Permission.EXPLAIN):
        _ask_why(place, entry, finding)


@st.fragment
def _ask_why(place: Workplace, entry: CaseEntry, finding: str) -> None:
    """By itself: while the proofs are made, the pictures and the words stay as they are, and can be read."""
    if st.button("Explain this assessment", type="primary", width="stretch", shortcut="E", key="explain"):
        with st.spinner("Explaining, with proofs; read on meanwhile", show_time=True):
            try:
                explain_case(entry, place.bundle_dir, finding)
            except DiagnosisError as error:
                st.error(str(error))
                return
        st.rerun()


def _render_ct(entry: CaseEntry, case: Case, explanation: Explanation | None, *, can_try: bool) -> None:
    if case.volume is None:
        st.caption("This case has no CT.")
        return
    read = volume_source(entry)

    def load() -> Scene:
        return make_scene(read())

    def move(region: RegionOfInterest) -> None:
        _move_region(entry, case, region)

    def try_out(region: RegionOfInterest) -> None:
        st.session_state[f"trial-{entry.token}"] = region

    attribution = explanation.volume if explanation is not None else None
    if attribution is not None and attribution.explains != WHOLE_CASE:
        st.caption(f"The overlay explains {attribution.explains}: beside the words they have little to add.")
    render_viewer(
        Seat(
            make_scene(case.volume, case.region, attribution),
            entry.token,
            entry.fingerprint,
            load,
            on_region=move if may(Permission.EDIT) else None,
            on_trial=try_out if can_try else None,
            look=shown_region(entry),
        )
    )


@st.fragment
def _render_similar(place: Workplace, entry: CaseEntry) -> None:
    """By itself: the rest of the page stays as it is while the index is searched."""
    st.header("Similar nodules", anchor=False)
    found = known_similar(entry, place.bundle_dir)
    if found is not None:
        render_similar(found)
    elif may(Permission.EXPLAIN) and st.button("Find similar nodules", key="similar"):
        try:
            with st.spinner("Searching the index"):
                find_similar(entry, place.bundle_dir)
        except DiagnosisError as error:
            st.error(str(error))
        else:
            st.rerun()  # what was found takes the button's place


def _move_region(entry: CaseEntry, case: Case, region: RegionOfInterest) -> None:
    """Keep the region that the reader confirmed, beside the one before it; the page then assesses the case anew."""
    try:
        if case.volume is not None:
            region.require_inside(case.volume)
        before, after = region_text(case.region), region_text(region)
        edit_case(entry, Edit(EditedPart.REGION, before, after, is_confirmed=True))
    except DiagnosisError as error:
        st.error(str(error))
        return
    st.session_state.pop(f"trial-{entry.token}", None)
    st.rerun()


def _render_provenance(assessment: Assessment) -> None:
    seconds = ", ".join(f"{stage} {value:.2f} s" for stage, value in assessment.seconds)
    model = f"{assessment.bundle_name} {assessment.bundle_version} (SHA-256 {assessment.bundle_sha256[:16]}…)"
    st.caption(f"Model {model}. Time of this assessment: {seconds}.")
