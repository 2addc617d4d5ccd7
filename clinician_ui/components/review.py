"""A reader's word on each finding: accept, override with a reason, or defer; comment; second reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import streamlit as st

from clinician_ui.components.finding_table import display_name
from diagnosis.record import FindingAssessment
from diagnosis.store.review_state import Decision, Seat
from diagnosis.store.reviews import VALUES, KeptReview, Review

DECISION_WORDS = {Decision.ACCEPT: "Accept", Decision.OVERRIDE: "Override", Decision.DEFER: "Defer"}
SEAT_WORDS = {Seat.FIRST: "First reader", Seat.SECOND: "Second reader"}


@final
@dataclass(frozen=True)
class ReviewSlip:
    """What a form is drawn from.

    Attributes:
        key: tells the widgets of one case and assessment from those of another.
        assessment: number of the assessment that the reader sees.
        findings: of that assessment.
        given: reviews of that assessment, newest first.
        reader: name of the visitor.
        decision: that the form begins with, or None to let the reader choose.
    """

    key: str
    assessment: int
    findings: Sequence[FindingAssessment]
    given: Sequence[KeptReview]
    reader: str
    decision: Decision | None = None


def render_review_form(slip: ReviewSlip) -> Review | None:
    """Draw the form; gives the review on the run in which the reader saves a complete one."""
    names = [finding.name for finding in slip.findings]
    name = names[0]
    if len(names) > 1:
        name = st.selectbox("Finding", names, format_func=display_name, key=f"review-finding-{slip.key}")
    finding = next(f for f in slip.findings if f.name == name)
    key = f"{slip.key}-{name}"
    said = "flagged" if finding.is_flagged else "not flagged"
    st.markdown(f"**{display_name(name)}**: {finding.probability:.0%}, {said}")
    seat = _render_seat(slip, name, key)
    decision = st.segmented_control(
        "Decision",
        list(Decision),
        default=slip.decision,
        format_func=DECISION_WORDS.__getitem__,
        key=f"review-decision-{key}",
    )
    value = None
    if decision is Decision.OVERRIDE:
        value = st.segmented_control("The finding is", VALUES, key=f"review-value-{key}")
    reason = ""
    if decision in {Decision.OVERRIDE, Decision.DEFER}:
        reason = st.text_input("Reason", key=f"review-reason-{key}", max_chars=2000)
    comment = st.text_area("Comment", key=f"review-comment-{key}", height=80, max_chars=10_000)
    missing = _missing(decision, value, reason)
    # Keys are for the form that was opened by one: two forms on a page must not answer to the same.
    shortcut = None if slip.decision is None else "Ctrl+Enter"
    is_sent = st.button("Save review", type="primary", width="stretch", key=f"review-save-{key}", shortcut=shortcut)
    if not is_sent:
        return None
    if missing or decision is None:
        st.warning(missing)
        return None
    return Review(slip.assessment, name, decision, value, reason, comment, seat)


def _render_seat(slip: ReviewSlip, finding: str, key: str) -> Seat:
    """Whoever finds that another person has read the finding speaks as the second reader, unless they say otherwise."""
    first = next((k.made_by for k in slip.given if k.review.finding == finding and k.review.seat is Seat.FIRST), None)
    if first is None or first == slip.reader:
        return Seat.FIRST
    st.caption(f"First reader: {first}.")
    return st.segmented_control(
        "You speak as",
        list(Seat),
        default=Seat.SECOND,
        format_func=SEAT_WORDS.__getitem__,
        key=f"review-seat-{key}",
        required=True,
    )


def _missing(decision: Decision | None, value: str | None, reason: str) -> str:
    if decision is None:
        return "Choose accept, override or defer."
    if decision is Decision.OVERRIDE and value is None:
        return "Say what the finding is."
    if decision is not Decision.ACCEPT and not reason.strip():
        return "Write the reason."
    return ""
