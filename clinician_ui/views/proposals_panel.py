"""A CT without a marked region: have it searched, and confirm or dismiss what is proposed."""

from collections.abc import Callable

import streamlit as st

from clinician_ui.access import may
from clinician_ui.components.candidates import Deciding, render_candidates
from clinician_ui.components.phrases import plain_text
from clinician_ui.permissions import Permission
from clinician_ui.proposals import Proposals, decide_proposal, decisions_on, known_proposals, propose_regions
from clinician_ui.services import CaseEntry
from clinician_ui.state import Workplace
from diagnosis.errors import DiagnosisError
from diagnosis.record import Case, RegionOfInterest
from diagnosis.store.proposals import ProposalDecision

WITH_WORDS = (
    "Note and dictation count in each of these probabilities as if they spoke of that place, which they do for one at "
    "most."
)
SEARCHING = "Searching the CT for regions; read on meanwhile"


def render_proposals(
    place: Workplace, entry: CaseEntry, case: Case, on_confirm: Callable[[RegionOfInterest], None]
) -> None:
    """Draw the panel; nothing where a region is marked or there is no CT."""
    if case.volume is None or case.region is not None or not may(Permission.ASSESS):
        return
    try:
        proposals = known_proposals(entry, place.bundle_dir)
    except DiagnosisError as error:
        st.error(str(error))
        return
    if proposals is None:
        _ask_search(place, entry)
    else:
        if proposals.found and case.present:
            st.caption(WITH_WORDS)
        _render_list(entry, proposals, on_confirm)


@st.fragment
def _ask_search(place: Workplace, entry: CaseEntry) -> None:
    """By itself: while the CT is searched, the pictures stay as they are, and can be read."""
    if not st.button("Search the CT for regions", icon=":material/search:", key=f"search-{entry.token}"):
        return
    bar = st.progress(0.0, SEARCHING)

    def show(done: int, total: int) -> None:
        bar.progress(done / total, SEARCHING)

    try:
        propose_regions(entry, place.bundle_dir, show)
    except DiagnosisError as error:
        bar.empty()
        st.error(str(error))
        return
    st.rerun()  # the list takes the button's place


def _render_list(entry: CaseEntry, proposals: Proposals, on_confirm: Callable[[RegionOfInterest], None]) -> None:
    if proposals.reason is not None:
        st.info(f"No region could be proposed: {proposals.reason}.")
        return
    dismissed = {
        place: f"dismissed by {plain_text(kept.made_by)} on {kept.made_at:%Y-%m-%d at %H:%M} UTC"
        for place, kept in decisions_on(entry, proposals).items()
        if kept.decision is ProposalDecision.DISMISS
    }

    def decide(place: int, decision: ProposalDecision) -> None:
        try:
            decide_proposal(entry, proposals.found[place], decision)
        except DiagnosisError as error:
            st.error(str(error))
            return
        if decision is ProposalDecision.CONFIRM:
            on_confirm(proposals.found[place].region)
        st.rerun()

    def show(place: int) -> None:
        number, _ = shown_region(entry) or (0, None)
        st.session_state[f"look-{entry.token}"] = number + 1, proposals.found[place].region

    deciding = Deciding(show)
    if may(Permission.EDIT):
        deciding = Deciding(
            show,
            confirm=lambda place: decide(place, ProposalDecision.CONFIRM),
            dismiss=lambda place: decide(place, ProposalDecision.DISMISS),
            restore=lambda place: decide(place, ProposalDecision.RESTORE),
        )
    render_candidates(proposals.found, entry.token, dismissed, deciding)


def shown_region(entry: CaseEntry) -> tuple[int, RegionOfInterest] | None:
    """The proposal that the reader asked to see last, with a number that grows with each asking."""
    look: tuple[int, RegionOfInterest] | None = st.session_state.get(f"look-{entry.token}")
    return look
