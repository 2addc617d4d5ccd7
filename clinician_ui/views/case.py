"""One case: the CT, what was found, what was written and said, why, and whether the reasons can be believed."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clinician_ui.components.banner import render_warnings
from clinician_ui.components.finding_table import display_name, render_descriptors, render_findings
from clinician_ui.components.modality_bar import render_modalities
from clinician_ui.components.note_highlight import render_note
from clinician_ui.components.proof_table import render_proof
from clinician_ui.components.scene import Scene, make_scene
from clinician_ui.components.viewer import Seat, render_viewer
from clinician_ui.components.waveform import render_dictation
from clinician_ui.services import (
    CaseEntry,
    assess_case,
    explain_case,
    known_explanation,
    known_outcome,
    list_cases,
    load_case,
)
from clinician_ui.state import Workplace
from diagnosis.errors import CaseError, DiagnosisError
from diagnosis.record import Assessment, Case, Explanation
from diagnosis.vocabulary import Sex

_SEXES = {Sex.FEMALE: "female", Sex.MALE: "male", Sex.OTHER: "other"}


def render_case_page(
    place: Workplace, token: str | None, open_case: Callable[[str], None], open_worklist: Callable[[], None]
) -> None:
    """Draw the page of the case with a token.

    Args:
        place: where cases and bundle lie.
        token: opaque name of the case, or None where none was chosen.
        open_case: leads to another case.
        open_worklist: leads back.
    """
    try:
        entries = list_cases(place.cases_dir)
    except DiagnosisError as error:
        st.error(str(error))
        return
    place_in_list = next((i for i, entry in enumerate(entries) if entry.token == token), None)
    if place_in_list is None:
        st.info("No case is open. Choose one from the worklist.")
        if st.button("Worklist", type="primary"):
            open_worklist()
        return
    entry = entries[place_in_list]
    patient = _render_steps(entries, place_in_list, open_case, open_worklist)
    _render_case(place, entry, patient)


def _render_steps(
    entries: list[CaseEntry], at: int, open_case: Callable[[str], None], open_worklist: Callable[[], None]
) -> DeltaGenerator:
    """Title, and the way to the neighbors; gives the place for what is known of the patient."""
    title, back, previous, following = st.columns([5, 1, 1, 1], vertical_alignment="center")
    with title:
        st.title(entries[at].case_id, anchor=False)
        patient = st.empty()
    if back.button("Worklist", icon=":material/list_alt:", width="stretch", shortcut="W"):
        open_worklist()
    if previous.button("Previous", width="stretch", disabled=at == 0, shortcut="K"):
        open_case(entries[at - 1].token)
    if following.button("Next", width="stretch", disabled=at == len(entries) - 1, shortcut="J"):
        open_case(entries[at + 1].token)
    return patient


def _render_case(place: Workplace, entry: CaseEntry, patient: DeltaGenerator) -> None:
    try:
        assessment, case = _assessed(place, entry)
    except DiagnosisError as error:
        st.error(str(error))
        return
    if assessment is None or case is None:
        return
    finding = _chosen_finding(assessment, entry)
    explanation = known_explanation(entry, place.bundle_dir, finding)
    patient.caption(_patient_words(case))
    render_warnings(assessment.warnings)
    left, right = st.columns([1.75, 1], gap="medium")
    with right:
        render_findings(assessment.findings)
        _render_explain(place, entry, finding, explanation)
        render_modalities(assessment.modalities, display_name(assessment.main.name).lower())
        render_descriptors(assessment.descriptors)
    with left:
        _render_ct(case, explanation, entry)
    # Without a CT the words take its place; with one they need the whole width.
    with left if case.volume is None else st.container():
        _render_words(case, explanation, entry)
    if explanation is not None:
        st.header("Proof of the explanation", anchor=False)
        render_proof(explanation)
    _render_provenance(assessment)


def _assessed(place: Workplace, entry: CaseEntry) -> tuple[Assessment | None, Case | None]:
    """Assessment and evidence; where the case cannot be used the reason is shown, and there is neither."""
    outcome = known_outcome(entry, place.bundle_dir)
    if outcome is None:
        bar = st.progress(0.0, "Loading the model and reading the case")

        def show(done: int, total: int) -> None:
            bar.progress(done / max(total, 1), f"Reading the CT: slice {done} of {total}")

        outcome = assess_case(entry, place.bundle_dir, show)
        bar.empty()
    if outcome.assessment is None:
        st.error(outcome.problem or "")
        st.caption("The case cannot be assessed as it is. Correct it and open it again.")
        return None, None
    with st.spinner("Reading the case"):
        return outcome.assessment, load_case(entry)


def _chosen_finding(assessment: Assessment, entry: CaseEntry) -> str:
    names = [finding.name for finding in assessment.findings]
    if len(names) == 1:
        return names[0]
    return st.selectbox("Finding to explain", names, format_func=display_name, key=f"finding-{entry.token}")


def _patient_words(case: Case) -> str:
    words = [
        f"{case.age_years:.0f} years" if case.age_years is not None else "age unknown",
        _SEXES[case.sex] if case.sex is not None else "sex unknown",
    ]
    if case.volume is not None:
        n, spacing = case.volume.hu.shape, case.volume.spacing_mm
        words.append(f"CT of {n[0]} slices, {spacing[0]:.2g} mm apart, pixels of {spacing[1]:.2g} mm")
    if case.region is not None:
        size = f", {case.region.diameter_mm:.0f} mm" if case.region.diameter_mm else ""
        words.append(f"one region marked{size}")
    return " · ".join(words)


def _render_explain(place: Workplace, entry: CaseEntry, finding: str, explanation: Explanation | None) -> None:
    """The button that asks why; what was withheld once it was answered."""
    if explanation is not None:
        render_warnings(explanation.withheld)
        return
    if st.button("Explain this assessment", type="primary", width="stretch", shortcut="E", key="explain"):
        with st.spinner("Explaining, with its proofs: this takes some seconds", show_time=True):
            try:
                explain_case(entry, place.bundle_dir, finding)
            except DiagnosisError as error:
                st.error(str(error))
                return
        st.rerun()


def _render_ct(case: Case, explanation: Explanation | None, entry: CaseEntry) -> None:
    if case.volume is None:
        st.info("This case has no CT.")
        return
    attribution = explanation.volume if explanation is not None else None
    scene = make_scene(case.volume, case.region, attribution)
    render_viewer(Seat(scene, entry.token, entry.fingerprint, lambda: _scene_again(entry)))


def _scene_again(entry: CaseEntry) -> Scene:
    """The CT for the browser; read once more where it has left the memory since."""
    volume = load_case(entry).volume
    if volume is None:
        msg = "case: its CT is no longer there; open the case again"
        raise CaseError(msg)
    return make_scene(volume)


def _render_words(case: Case, explanation: Explanation | None, entry: CaseEntry) -> None:
    """Note and dictation, side by side where both are there."""
    if case.note is not None and case.voice_note is not None:
        left, right = st.columns(2, gap="medium")
    else:
        left = right = st.container()
    if case.note is not None:
        with left:
            st.header("Note", anchor=False)
            render_note(case.note, explanation.note if explanation is not None else None)
    if case.voice_note is not None:
        with right:
            st.header("Dictation", anchor=False)
            render_dictation(
                case.voice_note, explanation.voice if explanation is not None else None, f"dictation-{entry.token}"
            )
    if case.note is None and case.voice_note is None:
        st.caption("This case has no note and no dictation.")


def _render_provenance(assessment: Assessment) -> None:
    seconds = ", ".join(f"{stage} {value:.2f} s" for stage, value in assessment.seconds)
    model = f"{assessment.bundle_name} {assessment.bundle_version}, SHA-256 {assessment.bundle_sha256[:16]}…"
    st.caption(f"Model {model}. {seconds}.")
