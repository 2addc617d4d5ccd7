"""A CT without a marked region: have it searched, and confirm or dismiss what is proposed."""

from collections.abc import Callable

import streamlit as st

from clinician_ui.access import may
from clinician_ui.components.candidates import render_candidates
from clinician_ui.permissions import Permission
from clinician_ui.proposals import known_proposals, propose_regions
from clinician_ui.services import CaseEntry
from clinician_ui.state import Workplace
from diagnosis.errors import DiagnosisError
from diagnosis.record import Case, RegionOfInterest


def render_proposals(
    place: Workplace, entry: CaseEntry, case: Case, on_confirm: Callable[[RegionOfInterest], None]
) -> None:
    """Draw the panel; nothing where a region is marked or there is no CT."""
    if case.volume is None or case.region is not None or not may(Permission.ASSESS):
        return
    try:
        proposals = known_proposals(entry, place.bundle_dir)
        if proposals is None:
            if not st.button("Search the CT for regions", icon=":material/search:", key=f"search-{entry.token}"):
                return
            bar = st.progress(0.0, "Searching the CT for regions")

            def show(done: int, total: int) -> None:
                bar.progress(done / total, "Searching the CT for regions")

            proposals = propose_regions(entry, place.bundle_dir, show)
            bar.empty()
    except DiagnosisError as error:
        st.error(str(error))
        return
    if proposals.reason is not None:
        st.info(f"No region could be proposed: {proposals.reason}.")
        return
    render_candidates(proposals.found, entry.token, on_confirm if may(Permission.EDIT) else None)
