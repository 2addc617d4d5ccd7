"""The report on the page of a case: the draft with its evidence, and beside it the clinician's text, to be signed."""

import streamlit as st

from clinician_ui.access import current_visitor, may
from clinician_ui.components.phrases import plain_text
from clinician_ui.components.report_sheet import (
    dropped_sentences,
    render_answers,
    render_draft,
    render_signed,
    unsupported_lines,
)
from clinician_ui.permissions import Permission
from clinician_ui.reports import Desk, is_behind, keep_report, open_desk, questions_and_answers
from clinician_ui.services import CaseEntry
from diagnosis.errors import DiagnosisError
from diagnosis.record import Assessment, Case
from diagnosis.vocabulary import counted

TEXT_HEIGHT = 430
MOST_CHARACTERS = 20_000


def render_report(entry: CaseEntry, case: Case, assessment: Assessment) -> None:
    """Draw the section.

    Args:
        entry: the case.
        case: as it was assessed.
        assessment: of it, as the page shows it.
    """
    st.header("Report", anchor=False)
    try:
        desk = open_desk(entry, case, assessment)
    except DiagnosisError as error:
        st.error(str(error))
        return
    if desk is None:
        st.warning("The case was assessed again meanwhile. Open it again to draft its report.")
        return
    _render_state(desk)
    if may(Permission.WRITE_REPORT):
        label = "Draft a new report" if desk.signed is not None else "Draft, edit and sign the report"
        # Keyed: saving draws the page anew, and the fold stays as the reader set it.
        with st.expander(label, key=f"fold-report-{entry.token}", on_change="rerun") as fold:
            if fold.open:
                _render_desk(entry, desk)
    with st.expander("Questions and answers", key=f"fold-questions-{entry.token}", on_change="rerun") as fold:
        if fold.open:
            render_answers(questions_and_answers(case, assessment))


def _render_state(desk: Desk) -> None:
    signed = desk.signed
    if signed is None:
        is_begun = any(kept.report.assessment == desk.assessment for kept in desk.kept)
        st.caption("A report was begun, and nobody has signed it." if is_begun else "No report has been signed.")
        return
    if desk.is_outdated:
        st.warning(
            f"The signed report is of assessment {signed.report.assessment}. The case was assessed again since "
            f"(assessment {desk.assessment}): the report does not speak of what changed."
        )
    render_signed(signed, is_outdated=desk.is_outdated)


@st.fragment
def _render_desk(entry: CaseEntry, desk: Desk) -> None:
    """By itself: writing in it does not draw the page anew."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Draft, and what each sentence rests on**")
        render_draft(desk.draft)
    with right:
        st.markdown("**Your report**")
        text = st.text_area(
            "Your report",
            desk.text,
            height=TEXT_HEIGHT,
            key=f"report-{entry.token}-{desk.assessment}",
            max_chars=MOST_CHARACTERS,
            label_visibility="collapsed",
        )
        _render_differences(desk, text)
        _render_buttons(entry, desk, text)


def _render_differences(desk: Desk, text: str) -> None:
    """What the clinician answers for alone, and what of the draft is gone; known before signing."""
    own, gone = unsupported_lines(desk.draft, text), dropped_sentences(desk.draft, text)
    if own:
        st.caption(f"Your own words, without evidence of the draft ({counted(len(own), 'line')}): {_shortened(own)}")
    if gone:
        st.caption(f"Left out of the draft ({counted(len(gone), 'sentence')}): {_shortened(gone)}")


def _shortened(lines: list[str]) -> str:
    shown = " · ".join(line if len(line) <= 80 else f"{line[:77]}…" for line in lines[:3])
    return f"{plain_text(shown)} …" if len(lines) > 3 else plain_text(shown)


def _render_buttons(entry: CaseEntry, desk: Desk, text: str) -> None:
    if is_behind(entry, desk):
        st.warning("Another report of this case was kept meanwhile. Look at it before yours; your words stay here.")
        if st.button("Show it", key="show-newer-report", width="stretch"):
            st.rerun()
        return
    save, sign = st.columns([1, 1.4])
    wants_save = save.button("Save, sign later", key="save-report", width="stretch", disabled=text == desk.text)
    wants_sign = False
    if may(Permission.SIGN_REPORT):
        label = f"Sign as {current_visitor().name}"
        is_done = desk.signed is not None and not desk.is_outdated and text == desk.signed.report.text
        wants_sign = sign.button(label, key="sign-report", type="primary", width="stretch", disabled=is_done)
    if not wants_save and not wants_sign:
        return
    try:
        keep_report(entry, desk, text, is_signed=wants_sign)
    except DiagnosisError as error:
        st.error(str(error))
        return
    st.toast("Report signed" if wants_sign else "Report saved", icon=":material/check:")
    st.rerun()
