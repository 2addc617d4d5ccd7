"""The worklist: every case with what is there and what was found, most pressing first."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import final

import streamlit as st

from clinician_ui.components.finding_table import display_name, flag_chip, probability_bar, short_set_words
from clinician_ui.components.modality_bar import MODALITY_TITLES
from clinician_ui.services import CaseEntry, Outcome, assess_case, known_outcome, list_cases
from clinician_ui.state import Workplace
from diagnosis.errors import DiagnosisError, InputError
from diagnosis.vocabulary import MODALITIES, Modality

PAGE_LENGTH = 20
SHOWN = ("All", "Flagged", "Not flagged", "Not assessed", "Problems")
ORDERS = ("Priority", "Case", "Age")
_SEXES = {"F": "female", "M": "male", "O": "other"}


@final
@dataclass(frozen=True)
class Line:
    """A case and what is known of it so far."""

    entry: CaseEntry
    outcome: Outcome | None

    @property
    def status(self) -> str:
        """One of `SHOWN`, after the first."""
        if self.outcome is None:
            return "Not assessed"
        if self.outcome.assessment is None:
            return "Problems"
        return "Flagged" if self.outcome.assessment.main.is_flagged else "Not flagged"

    @property
    def probability(self) -> float:
        """Of the main finding; below zero while there is none."""
        return self.outcome.assessment.main.probability if self.outcome and self.outcome.assessment else -1.0


def render_worklist(place: Workplace, open_case: Callable[[str], None]) -> None:
    """Draw the page.

    Args:
        place: where cases and bundle lie.
        open_case: leads to the page of the case with a token.
    """
    try:
        entries = list_cases(place.cases_dir)
    except InputError as error:
        st.error(str(error))
        return
    lines = [Line(entry, known_outcome(entry, place.bundle_dir)) for entry in entries]
    _render_head(place, lines)
    chosen = _render_controls(lines)
    if not chosen:
        st.info("No case fits. Change the search or the filter." if lines else "The folder holds no case folders.")
        return
    first = _render_paging(len(chosen))
    _render_lines(chosen[first : first + PAGE_LENGTH], open_case)


def _render_head(place: Workplace, lines: list[Line]) -> None:
    title, button = st.columns([4, 1], vertical_alignment="bottom")
    waiting = [line.entry for line in lines if line.outcome is None]
    with title:
        st.title("Worklist", anchor=False)
        flagged = sum(line.status == "Flagged" for line in lines)
        st.caption(f"{len(lines)} cases, {len(lines) - len(waiting)} assessed or closed, {flagged} flagged.")
    label = "Assess all" if len(waiting) != 1 else "Assess the last"
    if button.button(label, type="primary", disabled=not waiting, width="stretch", shortcut="A"):
        _assess_all(place, waiting)


def _assess_all(place: Workplace, waiting: list[CaseEntry]) -> None:
    bar = st.progress(0.0, "Loading the model")
    for done, entry in enumerate(waiting):
        bar.progress(done / len(waiting), f"Assessing case {done + 1} of {len(waiting)}")
        try:
            assess_case(entry, place.bundle_dir)
        except DiagnosisError as error:  # the model, not the case: the next one would fail in the same way
            bar.empty()
            st.error(str(error))
            return
    bar.empty()
    st.rerun()


def _render_controls(lines: list[Line]) -> list[Line]:
    """Search, filter, order; the lines that are left."""
    search, shown, order = st.columns([1.2, 2.4, 0.8], vertical_alignment="bottom")
    text = search.text_input("Search case", placeholder="case name", key="worklist-search").strip().lower()
    kind = shown.segmented_control("Show", SHOWN, default="All", key="worklist-shown", required=True)
    by = order.selectbox("Order by", ORDERS, key="worklist-order")
    kept = [line for line in lines if text in line.entry.case_id.lower() and kind in {"All", line.status}]
    return sorted(kept, key=lambda line: _rank(line, by))


def _rank(line: Line, by: str) -> tuple[float, str]:
    """Priority: flagged by falling probability, then the others, then cases that wait, problems last."""
    name = line.entry.case_id.lower()
    if by == "Case":
        return 0.0, name
    if by == "Age":
        return -(line.entry.age_years or 0.0), name
    group = ("Flagged", "Not flagged", "Not assessed", "Problems").index(line.status)
    return 10.0 * group - line.probability, name


def _render_paging(total: int) -> int:
    """Place of the first line shown."""
    pages = -(-total // PAGE_LENGTH)
    if pages == 1:
        return 0
    page = st.number_input(f"Page, {pages} in all", 1, pages, 1, key="worklist-page")
    return (int(page) - 1) * PAGE_LENGTH


def _render_lines(lines: list[Line], open_case: Callable[[str], None]) -> None:
    heads = ("Patient", "Parts", f"Probability of {_finding_of(lines)}", "", "", "Prediction set", "Region")
    with st.container(key="heads"):
        name, rest = st.columns([1.5, 10], vertical_alignment="center")
        name.html('<div class="dx-head dx-case">Case</div>')
        rest.html('<div class="dx-head">' + "".join(f"<span>{head}</span>" for head in heads) + "</div>")
    for line in lines:
        entry = line.entry
        with st.container(key=f"row-{entry.token}"):
            name, rest = st.columns([1.5, 10], vertical_alignment="center")
            if name.button(
                entry.case_id, key=f"open-{entry.token}", type="tertiary", width="stretch", help="Open this case"
            ):
                open_case(entry.token)
            rest.html(_line_html(line))


def _finding_of(lines: list[Line]) -> str:
    """Name of the main finding, once one case is assessed."""
    names = (line.outcome.assessment.main.name for line in lines if line.outcome and line.outcome.assessment)
    return escape(display_name(next(names, "the main finding")).lower())


def _line_html(line: Line) -> str:
    entry = line.entry
    patient = ", ".join(
        part
        for part in (
            f"{entry.age_years:.0f} y" if entry.age_years is not None else "",
            _SEXES.get(entry.sex or "", ""),
        )
        if part
    )
    parts = " ".join(_part_chip(m, m in entry.parts) for m in MODALITIES)
    return f'<div class="dx-row"><span>{patient or "–"}</span><span>{parts}</span>{_result_html(line)}</div>'


def _part_chip(modality: Modality, is_there: bool) -> str:
    title = MODALITY_TITLES[modality]
    if is_there:
        return f'<span class="dx-chip part">{title}</span>'
    return f'<span class="dx-chip absent" aria-label="no {title}"><s>{title}</s></span>'


def _result_html(line: Line) -> str:
    region = "marked" if line.entry.has_region else "–"
    if line.outcome is None:
        chip = '<span class="dx-chip open">Not assessed</span>'
        return f'<span></span><span></span><span>{chip}</span><span></span><span class="dx-quiet">{region}</span>'
    if line.outcome.assessment is None:
        chip = '<span class="dx-chip problem">Problem</span>'
        return f'<span class="problem">{chip} {escape(line.outcome.problem or "")}</span>'
    main = line.outcome.assessment.main
    return (
        f'{probability_bar(main)}<span class="big">{main.probability:.0%}</span><span>{flag_chip(main)}</span>'
        f'<span>{short_set_words(main.prediction_set)}</span><span class="dx-quiet">{region}</span>'
    )
