"""What if: parts switched off, sentences taken out, the region moved; the probability answers at once."""

from html import escape

import numpy as np
import streamlit as st

from clinician_ui.changes import known_changes, try_changes
from clinician_ui.components.modality_bar import MODALITY_TITLES
from clinician_ui.services import CaseEntry
from clinician_ui.state import Workplace
from clinician_ui.what_if import Question, Span, WhatIf, open_what_if
from diagnosis.errors import DiagnosisError
from diagnosis.record import FindingAssessment, RegionOfInterest
from diagnosis.record.volume import RegionSource
from diagnosis.reporting.changes import changes_html
from diagnosis.vocabulary import MODALITIES, Modality

AXES = (("To the left (mm)", "x"), ("To the back (mm)", "y"), ("To the head (mm)", "z"))
FARTHEST_MM = 200.0


@st.fragment
def render_what_if(place: Workplace, entry: CaseEntry, finding: FindingAssessment) -> None:
    """Draw the panel; a change draws it alone, and nothing of it is kept."""
    answer = st.empty()
    try:
        asked = open_what_if(entry, place.bundle_dir, finding.name)
        question = _question(asked, entry.token)
        changed = asked.probabilities([question])[0]
    except DiagnosisError as error:
        st.error(str(error))
        return
    answer.html(_answer(finding, changed, question != Question(asked.case.present)))


@st.fragment
def render_changes(place: Workplace, entry: CaseEntry, finding: FindingAssessment) -> None:
    """Every single change at once: parts and sentences left out, words negated, the region filled with lung."""
    try:
        changes = known_changes(entry, place.bundle_dir, finding.name)
        if changes is None:
            st.caption(
                "Or have everything changed in turn: each part, each sentence, each telling word, and a marked region."
            )
            if not st.button("Try every change", icon=":material/compare_arrows:", key="try-changes"):
                return
            with st.spinner("Trying every change; read on meanwhile", show_time=True):
                try_changes(entry, place.bundle_dir, finding.name)
            st.rerun(scope="fragment")
    except DiagnosisError as error:
        st.error(str(error))
        return
    table = changes_html(changes.tried, changes.smallest, finding.threshold, has_note=changes.has_note)
    st.html(f'<section class="dx-card" tabindex="0" role="region" aria-label="Changes">{table}</section>')


def render_trial(place: Workplace, entry: CaseEntry, finding: FindingAssessment) -> None:
    """Below the pictures: the probability at a region that the reader asked about there; nothing where none is."""
    trial = st.session_state.get(f"trial-{entry.token}")
    if not isinstance(trial, RegionOfInterest):
        return
    try:
        with st.spinner("Asking about the proposed region", show_time=True):
            asked = open_what_if(entry, place.bundle_dir, finding.name)
            changed = asked.probabilities([Question(asked.case.present, region=trial)])[0]
    except DiagnosisError as error:
        st.error(str(error))
        return
    words, forget = st.columns([4, 1], vertical_alignment="center")
    x, y, z = trial.center_mm
    words.caption(f"What if the region were at x {x:.0f}, y {y:.0f}, z {z:.0f} mm? Nothing of it is kept.")
    st.html(_answer(finding, changed, is_changed=True))
    if forget.button("Forget it", key=f"forget-trial-{entry.token}", width="stretch"):
        del st.session_state[f"trial-{entry.token}"]
        st.rerun()


def _question(asked: WhatIf, token: str) -> Question:
    present = [part for part in MODALITIES if part in asked.case.present]
    kept = frozenset(
        part
        for part, column in zip(present, st.columns(max(len(present), 1)), strict=False)
        if column.toggle(f"Use the {MODALITY_TITLES[part]}", value=True, key=f"if-{part}-{token}")
    )
    removed: list[tuple[Modality, Span]] = []
    for part in (Modality.NOTE, Modality.VOICE):
        if part in kept:
            removed += [(part, span) for span in _removed(asked, part, token)]
    region = _moved(asked, token) if Modality.CT in kept else None
    return Question(kept, tuple(removed), region)


def _removed(asked: WhatIf, part: Modality, token: str) -> list[Span]:
    """Sentences that the reader takes out."""
    sentences = dict(asked.sentences(part))
    return st.multiselect(
        f"Take out sentences of the {MODALITY_TITLES[part].lower()}",
        list(sentences),
        format_func=lambda span: _short(sentences[span]),
        key=f"if-out-{part}-{token}",
        placeholder="none",
    )


def _moved(asked: WhatIf, token: str) -> RegionOfInterest | None:
    """The region elsewhere; None where it stays."""
    case = asked.case
    trial = st.session_state.get(f"trial-{token}")
    if isinstance(trial, RegionOfInterest) and st.toggle(
        "Use the region proposed in the CT", value=True, key=f"if-trial-{token}"
    ):
        return trial
    if case.region is None:
        return None
    columns = st.columns(4)
    shift = [
        column.number_input(label, -FARTHEST_MM, FARTHEST_MM, 0.0, 1.0, key=f"if-{axis}-{token}", format="%.1f")
        for column, (label, axis) in zip(columns, AXES, strict=False)
    ]
    diameter = columns[3].number_input(
        "Diameter (mm)", 0.5, 300.0, case.region.diameter_mm, 0.5, key=f"if-diameter-{token}", format="%.1f"
    )
    if not any(shift) and diameter == case.region.diameter_mm:
        return None
    x, y, z = np.add(case.region.center_mm, shift)
    return RegionOfInterest((float(x), float(y), float(z)), diameter, RegionSource.CLICK)


def _short(sentence: str) -> str:
    words = " ".join(sentence.split())
    return words if len(words) <= 70 else f"{words[:67]}…"


def _answer(finding: FindingAssessment, changed: float, is_changed: bool) -> str:
    name = escape(finding.name.replace("_", " "))
    difference = 100 * (changed - finding.probability)
    if not is_changed:
        words = f"as assessed: the probability of {name} is {finding.probability:.0%}"
    else:
        crosses = (changed >= finding.threshold) != finding.is_flagged
        flag = ""
        if crosses:
            flag = "; it would be flagged" if changed >= finding.threshold else "; it would not be flagged"
        points = f"{difference:+.0f} points" if abs(difference) >= 0.5 else "less than half a point of difference"
        words = f"instead of {finding.probability:.0%}: {points}{flag}"
    return (
        f'<div class="dx-if" role="status" aria-live="polite"><b>{changed:.0%}</b>'
        f'<div class="dx-bar"><span class="limit" style="left:{100 * finding.threshold:.1f}%"></span>'
        f'<span class="ghost" style="left:{100 * finding.probability:.1f}%"></span>'
        f'<span class="point" style="left:{100 * changed:.1f}%"></span></div><span>{words}</span></div>'
    )
