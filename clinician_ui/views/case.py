"""One case: the way to it and to its neighbors, and below that what `reading` draws of it."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clinician_ui.archive import open_archive
from clinician_ui.services import CaseEntry, find_case, note_view
from clinician_ui.state import Workplace
from clinician_ui.views.export import render_export
from clinician_ui.views.reading import render_reading
from clinician_ui.views.review import render_review
from clinician_ui.views.worklist import current_query
from diagnosis.errors import DiagnosisError
from diagnosis.store.cases import has_case
from diagnosis.store.worklist import neighbors

NO_CASE = "No case is open. Choose one from the worklist."
GONE = (
    "The folder of this case is no longer there: it was moved or removed. What was said of the case is kept; put the "
    "folder back to see it, or choose another case from the worklist."
)


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
        entry = find_case(place.cases_dir, token)
    except DiagnosisError as error:
        st.error(str(error))
        return
    if entry is None:
        st.info(GONE if token is not None and has_case(open_archive(), token) else NO_CASE)
        if st.button("Worklist", type="primary"):
            open_worklist()
        return
    patient, beside = _render_steps(entry, open_case, open_worklist)
    try:
        note_view(entry)
    except DiagnosisError as error:
        st.error(str(error))
        return
    assessment = render_reading(place, entry, patient)
    if assessment is not None:
        render_export(entry, place.bundle_dir, assessment, beside[1])
    render_review(entry, assessment, beside[0])


def _render_steps(
    entry: CaseEntry, open_case: Callable[[str], None], open_worklist: Callable[[], None]
) -> tuple[DeltaGenerator, tuple[DeltaGenerator, DeltaGenerator]]:
    """Title, and the way to the neighbors in the worklist.

    Gives the place for what is known of the patient, and those for review and export.
    """
    before, after = neighbors(open_archive(), current_query(entry.collection), entry.token)
    title, review, export, back, previous, following = st.columns(
        [3.4, 1.6, 0.9, 1, 0.8, 0.7], vertical_alignment="center"
    )
    with title:
        st.title(entry.case_id, anchor=False)
        patient = st.empty()
    if back.button("Worklist", icon=":material/list_alt:", width="stretch", shortcut="W"):
        open_worklist()
    if previous.button("Previous", width="stretch", disabled=before is None, shortcut="K") and before:
        open_case(before)
    if following.button("Next", width="stretch", disabled=after is None, shortcut="J") and after:
        open_case(after)
    return patient, (review, export)
