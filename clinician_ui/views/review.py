"""Review on the page of a case: the form beside its title, and below the page all that was said before."""

from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clinician_ui.access import current_visitor, may
from clinician_ui.archive import open_archive
from clinician_ui.components.review import DECISION_WORDS, ReviewSlip, render_review_form
from clinician_ui.components.review_history import (
    render_assessments,
    render_edits,
    render_reports,
    render_reviews,
    render_said,
)
from clinician_ui.components.worklist_rows import REVIEW_WORDS
from clinician_ui.permissions import Permission
from clinician_ui.services import CaseEntry, review_case
from diagnosis.errors import DiagnosisError
from diagnosis.record import Assessment
from diagnosis.store.assessments import KeptAssessment, assessments_of, latest_assessment
from diagnosis.store.edits import edits_of
from diagnosis.store.reports import reports_of
from diagnosis.store.review_state import Decision, Opinion, ReviewState, review_state
from diagnosis.store.reviews import KeptReview, reviews_of

DECISION_KEYS = {Decision.ACCEPT: "Y", Decision.OVERRIDE: "V", Decision.DEFER: "D"}
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


def render_decisions(entry: CaseEntry, shown: Assessment) -> None:
    """Accept, override, defer: each by its key or its button, each asked once more before it is kept.

    Above them, what was said already; a reader who has yet to speak is told of it only where readers disagree.
    """
    _render_said(entry, shown)
    if not may(Permission.REVIEW):
        return
    line = st.container(horizontal=True)
    for decision, key in DECISION_KEYS.items():
        label = DECISION_WORDS[decision]
        if line.button(label, key=f"decide-{decision}-{entry.token}", width="stretch", shortcut=key):
            _decide(entry, shown, decision)


def _render_said(entry: CaseEntry, shown: Assessment) -> None:
    try:
        kept = latest_assessment(open_archive(), entry.token)
        reviews = reviews_of(open_archive(), entry.token)
    except DiagnosisError as error:
        st.error(str(error))
        return
    if kept is None or kept.assessment != shown:
        return
    latest = {(r.review.finding, r.review.seat): r for r in reversed(reviews) if r.review.assessment == kept.number}
    is_disputed = _state(shown, kept.number, reviews) is ReviewState.DISAGREEMENT
    is_open = may(Permission.REVIEW) and current_visitor().name not in {said.made_by for said in latest.values()}
    if latest and (is_disputed or not is_open):
        render_said(list(latest.values()), is_disputed=is_disputed)


def _state(shown: Assessment, number: int, reviews: list[KeptReview]) -> ReviewState:
    names = [finding.name for finding in shown.findings]
    return review_state(number, names, [_opinion(kept) for kept in reversed(reviews)])


@st.dialog("Review")
def _decide(entry: CaseEntry, shown: Assessment, decision: Decision) -> None:
    try:
        kept = assessments_of(open_archive(), entry.token)
        reviews = reviews_of(open_archive(), entry.token)
    except DiagnosisError as error:
        st.error(str(error))
        return
    if not kept or kept[0].assessment != shown:
        st.warning(MEANWHILE)
        return
    slip = _slip(entry, shown, kept[0].number, reviews)
    _ask(entry, replace(slip, key=f"{slip.key}-{decision}", decision=decision))


def _slip(entry: CaseEntry, shown: Assessment, number: int, reviews: list[KeptReview]) -> ReviewSlip:
    given = [kept for kept in reviews if kept.review.assessment == number]
    return ReviewSlip(f"{entry.token}-{number}", number, shown.findings, given, current_visitor().name)


def _render_form(
    entry: CaseEntry, shown: Assessment, latest: KeptAssessment, reviews: list[KeptReview], place: DeltaGenerator
) -> None:
    label = f"Review: {REVIEW_WORDS[_state(shown, latest.number, reviews)]}"
    if not may(Permission.REVIEW):
        place.html(f'<span class="dx-chip open">{label}</span>')
        return
    with place.popover(label, icon=":material/rate_review:"):
        if latest.assessment != shown:
            st.warning(MEANWHILE)
            return
        _ask(entry, _slip(entry, shown, latest.number, reviews))


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
