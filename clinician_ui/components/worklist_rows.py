"""A line of the worklist: who, when, what is there, what was found, what a reader said of it."""

from collections.abc import Callable, Sequence
from html import escape

import streamlit as st

from clinician_ui.components.finding_table import display_name
from clinician_ui.components.modality_bar import MODALITY_TITLES
from diagnosis.store.review_state import ReviewState
from diagnosis.store.worklist import WorklistLine
from diagnosis.vocabulary import MODALITIES, Modality

REVIEW_WORDS = {
    ReviewState.OPEN: "to review",
    ReviewState.PARTLY: "partly reviewed",
    ReviewState.ACCEPTED: "accepted",
    ReviewState.OVERRIDDEN: "overridden",
    ReviewState.DEFERRED: "deferred",
    ReviewState.DISAGREEMENT: "readers disagree",
    ReviewState.OUTDATED: "review again",
}
_CALM = {ReviewState.ACCEPTED, ReviewState.OVERRIDDEN}
_SEXES = {"F": "female", "M": "male", "O": "other"}
_SET_WORDS = {"positive": "positive", "negative": "negative", "both": "uncertain", "neither": "atypical"}
_SET_HINTS = {
    "both": "the prediction set holds both answers: too uncertain to call",
    "neither": "the prediction set is empty: unlike the cases it was made from",
}
_NAME_AND_REST = [1.5, 10]


def render_rows(lines: Sequence[WorklistLine], open_case: Callable[[str], None]) -> None:
    """Heads, and a line for each case with a button that opens it."""
    finding = next((line.finding for line in lines if line.finding), None)
    probability = f"Probability of {display_name(finding).lower()}" if finding else "Probability"
    heads = ("Patient", "Date", "Parts", f"{probability}, with range", "Flag", "Set", "Review")
    with st.container(key="worklist-lines"):
        with st.container(key="heads"):
            name, rest = st.columns(_NAME_AND_REST, vertical_alignment="center")
            name.html('<div class="dx-head dx-case">Case</div>')
            rest.html('<div class="dx-head">' + "".join(f"<span>{escape(head)}</span>" for head in heads) + "</div>")
        for line in lines:
            _render_row(line, open_case)


def _render_row(line: WorklistLine, open_case: Callable[[str], None]) -> None:
    with st.container(key=f"row-{line.token}"):
        name, rest = st.columns(_NAME_AND_REST, vertical_alignment="center")
        key = f"open-{line.token}"
        if name.button(line.case_id, key=key, type="tertiary", width="stretch", wrap=True, help="Open this case"):
            open_case(line.token)
        rest.html(row_html(line))


def row_html(line: WorklistLine) -> str:
    """HTML of a line, without its button."""
    patient = (f"{line.age_years:.0f} y" if line.age_years is not None else "", _SEXES.get(line.sex or "", ""))
    words = ", ".join(word for word in patient if word) or "–"
    parts = " ".join(_part_chip(modality, line) for modality in MODALITIES)
    return f'<div class="dx-row"><span>{words}</span>{_date_html(line)}<span>{parts}</span>{_result_html(line)}</div>'


def _date_html(line: WorklistLine) -> str:
    if line.is_study_date:
        return f'<span class="dx-number">{line.dated_on.isoformat()}</span>'
    return (
        f'<span class="dx-quiet dx-number" title="first seen; the study\'s date is not known">{line.dated_on}*</span>'
    )


def _part_chip(modality: Modality, line: WorklistLine) -> str:
    title = MODALITY_TITLES[modality]
    if modality.value not in line.parts:
        return f'<span class="dx-chip absent" aria-label="no {title}"><s>{title}</s></span>'
    if modality is Modality.CT and not line.has_region:
        return f'<span class="dx-chip part" title="no region is marked">{title}, no region</span>'
    return f'<span class="dx-chip part">{title}</span>'


def _result_html(line: WorklistLine) -> str:
    review = f'<span class="dx-chip {_review_class(line)}">{REVIEW_WORDS[line.review_state]}</span>'
    if line.probability is None or line.low is None or line.high is None or line.threshold is None:
        if line.problem is not None:
            return f'<span class="problem"><span class="dx-chip problem">Problem</span> {escape(line.problem)}</span>'
        return f'<span class="wide">{_waiting_chip(line)}</span>'
    flag = "flagged" if line.is_flagged else "calm"
    return (
        f'<div class="dx-chance">{_bar(line.probability, line.low, line.high, line.threshold)}<span class="dx-number">'
        f"<b>{line.probability:.0%}</b> <small>{line.low:.0%} to {line.high:.0%}</small></span></div>"
        f'<span><span class="dx-chip {flag}">{"Flagged" if line.is_flagged else "Not flagged"}</span></span>'
        f"<span>{_set_html(line.prediction_set)}</span><span>{review}</span>"
    )


def _waiting_chip(line: WorklistLine) -> str:
    """Why a case has no probability yet, though nothing is wrong with it."""
    if line.awaits_region:
        return '<span class="dx-chip waits">Open it to mark a region</span>'
    is_outdated = line.review_state is ReviewState.OUTDATED
    return f'<span class="dx-chip open">{"Changed, assess again" if is_outdated else "Not assessed"}</span>'


def _set_html(prediction_set: str | None) -> str:
    """The prediction set in a word; a doubt stands out."""
    words = _SET_WORDS.get(prediction_set or "", "–")
    hint = _SET_HINTS.get(prediction_set or "")
    return words if hint is None else f'<span class="dx-chip waits" title="{hint}">{words}</span>'


def _review_class(line: WorklistLine) -> str:
    return "calm" if line.review_state in _CALM else "open" if line.review_state is ReviewState.OPEN else "waits"


def _bar(probability: float, low: float, high: float, threshold: float) -> str:
    label = f"probability {probability:.0%}, ensemble {low:.0%} to {high:.0%}, threshold {threshold:.0%}"
    return (
        f'<div class="dx-bar" role="img" aria-label="{label}">'
        f'<span class="range" style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></span>'
        f'<span class="limit" style="left:{100 * threshold:.1f}%"></span>'
        f'<span class="point" style="left:{100 * probability:.1f}%"></span></div>'
    )
