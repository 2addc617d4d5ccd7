"""Import: a zip archive of DICOM or a folder becomes a case, after its series were judged."""

import time
from collections.abc import Callable
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clinician_ui.access import has_provider, may
from clinician_ui.components.series_table import render_series
from clinician_ui.components.upload import render_upload
from clinician_ui.imports import (
    Arrival,
    NewCase,
    accept,
    discard,
    incoming_folder,
    receive_folder,
    receive_zip,
    suggested_pseudonym,
    with_repair,
)
from clinician_ui.permissions import Permission
from clinician_ui.state import Workplace
from clinician_ui.transcripts import Progress
from clinician_ui.uploads import DESK, MOST_BYTES, PIECE_BYTES
from diagnosis.errors import DiagnosisError
from diagnosis.vocabulary import counted

BETWEEN_DRAWINGS_S = 0.1
_SEXES = {"": "as the images say", "F": "female", "M": "male", "O": "other"}
REPAIR_WORDS = (
    "A series is tilted and otherwise regular. It can be repaired: each slice is shifted within its own plane until "
    "the stack is upright. Values between pixels are interpolated, which softens fine detail a little, and the case "
    "carries a warning of it. An untilted reconstruction from the scanner is better where there is one."
)


def render_import_page(place: Workplace, open_case: Callable[[str], None]) -> None:
    """Draw the page.

    Args:
        place: where cases lie.
        open_case: leads to the new case.
    """
    st.title("Import", anchor=False)
    if not may(Permission.IMPORT):
        st.info("Your role does not allow to import cases.")
        return
    arrival = st.session_state.get("arrival")
    if isinstance(arrival, Arrival):
        _render_arrival(place, arrival, open_case)
    else:
        _render_sources(place)


def _render_sources(place: Workplace) -> None:
    st.caption("A study arrives, each of its series is judged, and you decide. Nothing leaves this machine.")
    try:
        token = _slot(place)
    except DiagnosisError as error:
        st.error(str(error))
        return
    if render_upload(token, PIECE_BYTES, MOST_BYTES):
        st.session_state.pop("slot", None)
        _receive(lambda show: receive_zip(DESK.finish(token), place.cases_dir, show))
    # With a login the page may be used from another machine, whose user has no business in this one's folders.
    if has_provider():
        return
    with st.form("folder", border=True):
        path = st.text_input("Or a folder of DICOM files on this machine", placeholder="/path/to/study")
        if st.form_submit_button("Read the folder") and path.strip():
            _receive(lambda show: receive_folder(Path(path.strip()).expanduser(), place.cases_dir, show))


def _slot(place: Workplace) -> str:
    """The slot of this session, opened anew where it has expired."""
    token = st.session_state.get("slot")
    if not isinstance(token, str) or DESK.size(token) is None:
        token = st.session_state["slot"] = DESK.open_slot(incoming_folder(place.cases_dir))
    return token


def _receive(receive: Callable[[Progress], Arrival]) -> None:
    bar = st.progress(0.0, "Reading")
    try:
        st.session_state["arrival"] = receive(_shown_on(bar))
    except DiagnosisError as error:
        bar.empty()
        st.error(str(error))
        return
    st.rerun()


def _render_arrival(place: Workplace, arrival: Arrival, open_case: Callable[[str], None]) -> None:
    files = counted(arrival.n_files, "file")
    st.caption(f"{files}, {arrival.n_bytes / 2**20:.1f} MiB, {counted(len(arrival.reports), 'series', 'series')}.")
    render_series(arrival.reports)
    if arrival.is_repairable:
        _render_repair(arrival)
    elif not arrival.is_usable:
        st.error("None of the series can be used as it is. Export the study again as the reasons say.")
    else:
        _render_form(place, arrival, open_case)
    if st.button("Discard", key="discard-arrival"):
        discard(arrival)
        del st.session_state["arrival"]
        st.rerun()


def _render_repair(arrival: Arrival) -> None:
    """A series that only its tilt rules out: the reader may have it repaired, or not."""
    st.warning(REPAIR_WORDS)
    if not st.button("Repair the tilt", type="primary", key="repair-arrival"):
        return
    bar = st.progress(0.0, "Judging the series again")
    try:
        st.session_state["arrival"] = with_repair(arrival, _shown_on(bar))
    except DiagnosisError as error:
        bar.empty()
        st.error(str(error))
        return
    st.rerun()


def _shown_on(bar: DeltaGenerator) -> Progress:
    """Draws at most ten times a second: thousands of files would flood the page."""
    drawn = [0.0]

    def show(words: str, share: float) -> None:
        if time.monotonic() - drawn[0] >= BETWEEN_DRAWINGS_S:
            drawn[0] = time.monotonic()
            bar.progress(min(share, 1.0), words)

    return show


def _render_form(place: Workplace, arrival: Arrival, open_case: Callable[[str], None]) -> None:
    suggested = st.session_state.setdefault("pseudonym", suggested_pseudonym())
    with st.form("new-case", border=True):
        name, age, sex = st.columns([2, 1, 1])
        case_id = name.text_input("Pseudonym (no name, no number of the hospital)", suggested, max_chars=64)
        age_years = age.number_input("Age (years), or empty", 0.0, 125.0, None, 1.0, format="%.0f")
        code = sex.selectbox("Sex", list(_SEXES), format_func=_SEXES.__getitem__)
        note = st.text_area("Clinical note, or empty", height=120, max_chars=20_000)
        if not st.form_submit_button("Take the case in", type="primary"):
            return
    try:
        token = accept(arrival, NewCase(case_id.strip(), age_years, code or None, note), place.cases_dir)
    except DiagnosisError as error:
        st.error(str(error))
        return
    for key in ("arrival", "pseudonym"):
        st.session_state.pop(key, None)
    open_case(token)
