"""One case: the way to it and to its neighbors, and below that what `reading` draws of it."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clinician_ui.archive import open_archive
from clinician_ui.services import CaseEntry, find_case, note_view
from clinician_ui.state import Workplace
from clinician_ui.views.export import render_export
from clinician_ui.views.reading import render_reading
from clinician_ui.views.review import render_decisions, render_review
from clinician_ui.views.worklist import current_query
from diagnosis.errors import DiagnosisError
from diagnosis.store.cases import has_case
from diagnosis.store.worklist import steps_from

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
    patient, beside = _render_head(entry, open_case, open_worklist)
    try:
        note_view(entry)
    except DiagnosisError as error:
        st.error(str(error))
        return
    assessment = render_reading(place, entry, patient, lambda shown: render_decisions(entry, shown))
    if assessment is not None:
        render_export(entry, place.bundle_dir, assessment, beside[1])
    render_review(entry, assessment, beside[0])


def _render_head(
    entry: CaseEntry, open_case: Callable[[str], None], open_worklist: Callable[[], None]
) -> tuple[DeltaGenerator, tuple[DeltaGenerator, DeltaGenerator]]:
    """Title, and the way to other cases of the worklist.

    Gives the place for what is known of the patient, and those for review and export.
    """
    steps = steps_from(open_archive(), current_query(entry.collection), entry.token)
    # Not columns: each button is as wide as its words, and goes to the next line where there is no room.
    upper = st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center")
    upper.title(entry.case_id, anchor=False)
    review, export = upper.container(width="content"), upper.container(width="content")
    if upper.button("Worklist", icon=":material/list_alt:", shortcut="W"):
        open_worklist()
    if upper.button("Previous", disabled=steps.before is None, shortcut="K") and steps.before:
        open_case(steps.before)
    if upper.button("Next", disabled=steps.after is None, shortcut="J") and steps.after:
        open_case(steps.after)
    lower = st.container(horizontal=True, vertical_alignment="center")
    known = lower.container()
    _step(lower, "Previous unread", "Shift+U", steps.unread_before, open_case)
    _step(lower, "Next unread", "U", steps.unread_after, open_case)
    return known.empty(), (review, export)


def _step(
    place: DeltaGenerator, label: str, shortcut: str, target: str | None, open_case: Callable[[str], None]
) -> None:
    """A button to a case that no reader has read."""
    words = "A case that no reader has read, in the order of the worklist; from its end on from the start"
    is_asked = place.button(label, disabled=target is None, shortcut=shortcut, help=words)
    if is_asked and target is not None:
        open_case(target)
