"""Review on the page of a case: the form beside its title, and below the page all that was said before."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clinician_ui.access import current_visitor, may
from clinician_ui.archive import open_archive
from clinician_ui.components.review import ReviewSlip, render_review_form
from clinician_ui.components.review_history import (
    render_assessments,
    render_edits,
    render_reports,
    render_reviews,
)
from clinician_ui.components.worklist_rows import REVIEW_WORDS
from clinician_ui.permissions import Permission
from clinician_ui.services import CaseEntry, review_case
from diagnosis.errors import DiagnosisError
from diagnosis.record import Assessment
from diagnosis.store.assessments import KeptAssessment, assessments_of
from diagnosis.store.edits import edits_of
from diagnosis.store.reports import reports_of
from diagnosis.store.review_state import Opinion, review_state
from diagnosis.store.reviews import KeptReview, reviews_of

MEANWHILE = "The case was assessed again meanwhile. Open it again to see the new assessment and to review it."


def render_review(entry: CaseEntry, assessment: Assessment | None, place: DeltaGenerator) -> None:
    """Draw the form into its place, and the history where the page is now.

    Args:
        entry: the case.
        assessment: what the page shows, or None where the case is not assessed.
        place: beside the title.
    """
    try:
        kept = assessments_of(open_archive(), entry.token)
        reviews = reviews_of(open_archive(), entry.token)
        edits = edits_of(open_archive(), entry.token)
        reports = reports_of(open_archive(), entry.token)
    except DiagnosisError as error:
        st.error(str(error))
        return
    if assessment is not None and kept:
        _render_form(entry, assessment, kept[0], reviews, place)
    if kept or reviews or edits:
        st.header("History", anchor=False)
        render_reviews(reviews)
        render_reports(reports)
        render_assessments(kept)
        render_edits(edits)


def _render_form(
    entry: CaseEntry, shown: Assessment, latest: KeptAssessment, reviews: list[KeptReview], place: DeltaGenerator
) -> None:
    state = review_state(
        latest.number,
        [finding.name for finding in shown.findings],
        [_opinion(kept) for kept in reversed(reviews)],
    )
    label = f"Review: {REVIEW_WORDS[state]}"
    if not may(Permission.REVIEW):
        place.html(f'<span class="dx-chip open">{label}</span>')
        return
    with place.popover(label, icon=":material/rate_review:", width="stretch"):
        if latest.assessment != shown:
            st.warning(MEANWHILE)
            return
        given = [kept for kept in reviews if kept.review.assessment == latest.number]
        slip = ReviewSlip(
            f"{entry.token}-{latest.number}", latest.number, shown.findings, given, current_visitor().name
        )
        _ask(entry, slip)


@st.fragment
def _ask(entry: CaseEntry, slip: ReviewSlip) -> None:
    """The form by itself: choosing in it does not draw the page anew; saving does."""
    review = render_review_form(slip)
    if review is None:
        return
    try:
        review_case(entry, review)
    except DiagnosisError as error:
        st.error(str(error))
        return
    st.toast("Review saved", icon=":material/check:")
    st.rerun()


def _opinion(kept: KeptReview) -> Opinion:
    review = kept.review
    return Opinion(review.assessment, review.finding, review.decision, review.value, review.seat)
