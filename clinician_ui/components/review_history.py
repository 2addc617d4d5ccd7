"""What was said of a case before: assessments, reviews, reports, edits; each with who and when."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from html import escape
from typing import Any

import streamlit as st

from clinician_ui.components.finding_table import display_name
from diagnosis.store.assessments import KeptAssessment
from diagnosis.store.edits import Edit, EditedPart, KeptEdit
from diagnosis.store.reports import KeptReport
from diagnosis.store.review_state import Decision
from diagnosis.store.reviews import KeptReview
from diagnosis.vocabulary import subset_words

_PAST = {Decision.ACCEPT: "accepted", Decision.OVERRIDE: "overridden", Decision.DEFER: "deferred"}
_CHANGES = {
    "fingerprint": "files",
    "region_mm": "region",
    "diameter_mm": "diameter",
    "note_sha256": "note",
    "voice_sha256": "transcript",
    "voice_confirmed_by": "transcript confirmed",
    "age_years": "age",
    "sex": "sex",
}
_QUOTED = 400
_AROUND = 4
"""Unchanged words shown on each side of a change."""


def render_reviews(reviews: Sequence[KeptReview]) -> None:
    """A row for each review, the newest first."""
    _table(
        "Reviews",
        ("When (UTC)", "Who", "As", "Finding", "Decision", "Reason and comment", "Of assessment"),
        [
            (
                _moment(kept.made_at),
                kept.made_by,
                f"{kept.review.seat} reader",
                display_name(kept.review.finding),
                _decided(kept),
                " · ".join(text for text in (kept.review.reason, kept.review.comment) if text) or "–",
                str(kept.review.assessment),
            )
            for kept in reviews
        ],
    )


def render_assessments(kept: Sequence[KeptAssessment]) -> None:
    """A row for each assessment, the newest first, with what had changed since the one before."""
    rows = []
    for place, one in enumerate(kept):
        before = kept[place + 1] if place + 1 < len(kept) else None
        main = one.assessment.main
        rows.append(
            (
                str(one.number),
                _moment(one.made_at),
                one.made_by,
                f"{main.probability:.0%} ({main.low:.0%} to {main.high:.0%})",
                "flagged" if main.is_flagged else "not flagged",
                subset_words(str(one.inputs.get("parts", "–"))),
                what_changed(before, one),
                f"{one.assessment.bundle_name} {one.assessment.bundle_version}, {one.assessment.bundle_sha256[:8]}",
            )
        )
    _table(
        "Assessments",
        ("Number", "When (UTC)", "Who", "Probability", "Flag", "Parts", "Changed since", "Model"),
        rows,
    )


def render_edits(edits: Sequence[KeptEdit]) -> None:
    """A row for each edit, the newest first: what was taken out is struck through, what was put in is underlined."""
    _table(
        "Edits",
        ("When (UTC)", "Who", "Part", "Change", "Confirmed"),
        [
            (
                _moment(kept.made_at),
                kept.made_by,
                kept.edit.part.value,
                _Html(_change_html(kept.edit)),
                "yes" if kept.edit.is_confirmed else "no",
            )
            for kept in edits
        ],
    )


def render_said(reviews: Sequence[KeptReview], *, is_disputed: bool) -> None:
    """What each reader says of each finding, side by side; it stands out where they disagree."""
    rows = "".join(
        f"<li><b>{escape(kept.review.seat)} reader, {escape(kept.made_by)}</b>: "
        f"{escape(display_name(kept.review.finding).lower())} {escape(_decided(kept))}"
        f"{f' ({escape(kept.review.reason)})' if kept.review.reason else ''}</li>"
        for kept in sorted(reviews, key=lambda kept: (kept.review.finding, kept.review.seat))
    )
    title, style = ("The readers disagree", "dx-warnings") if is_disputed else ("What readers said", "dx-said")
    st.html(f'<div class="{style}" role="status"><b>{title}</b><ul>{rows}</ul></div>')


def _decided(kept: KeptReview) -> str:
    return _PAST[kept.review.decision] + (f": {kept.review.value}" if kept.review.value else "")


def render_reports(reports: Sequence[KeptReport]) -> None:
    """A row for each report, the newest first, with what was changed of the draft that it was made from."""
    _table(
        "Reports",
        ("When (UTC)", "Who", "State", "Of assessment", "Changed from the draft"),
        [
            (
                _moment(kept.made_at),
                kept.made_by,
                "signed" if kept.report.is_signed else "not signed",
                str(kept.report.assessment),
                _Html(changed_words(kept.report.draft_text, kept.report.text) if kept.report.diff else "nothing"),
            )
            for kept in reports
        ],
    )


def what_changed(before: KeptAssessment | None, after: KeptAssessment) -> str:
    """What of the inputs and of the model differs between two assessments, in words."""
    if before is None:
        return "first assessment"
    changed = [words for key, words in _CHANGES.items() if _differs(before.inputs, after.inputs, key)]
    if before.assessment.bundle_sha256 != after.assessment.bundle_sha256:
        changed.append("model")
    return ", ".join(changed) or "nothing known"


def _differs(before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> bool:
    return before.get(key) != after.get(key)


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


class _Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def _change_html(edit: Edit) -> str:
    if edit.part is EditedPart.REGION:
        before, after = _region_words(edit.original), _region_words(edit.edited)
        return f"<del>{before}</del> <ins>{after}</ins>" if edit.original else f"<ins>{after}</ins>"
    if edit.original == edit.edited:
        return '<span class="dx-quiet">confirmed as it was</span>'
    return changed_words(edit.original, edit.edited)


def changed_words(before: str, after: str) -> str:
    """HTML: the words that differ, with a few unchanged ones around them; the rest is left out."""
    old, new = before.split(), after.split()
    pieces = []
    steps = SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    for number, (kind, a, b, c, d) in enumerate(steps):
        if kind == "equal":
            pieces.append(escape(_shortened(old[a:b], is_first=number == 0, is_last=number == len(steps) - 1)))
            continue
        for tag, words in (("del", old[a:b]), ("ins", new[c:d])):
            if words:
                pieces.append(f"<{tag}>{escape(_clipped(' '.join(words)))}</{tag}>")
    return " ".join(pieces)


def _shortened(words: Sequence[str], *, is_first: bool, is_last: bool) -> str:
    """Unchanged words: those next to a change, and dots for the rest."""
    start, end = (0 if is_first else _AROUND), (0 if is_last else _AROUND)
    if len(words) <= start + end + 1:
        return " ".join(words)
    return " ".join([*words[:start], "…", *(words[-end:] if end else ())])


def _clipped(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"


def _region_words(text: str) -> str:
    """A region as an edit keeps it, in words."""
    if not text:
        return "none"
    try:
        stated = json.loads(text)
        x, y, z = stated["center_mm"]
        size = stated["diameter_mm"]
    except (ValueError, KeyError, TypeError):  # written by another version of the program: shown as it stands
        return escape(text)
    words = f"x {x:.1f}, y {y:.1f}, z {z:.1f} mm"
    return words if size is None else f"{words}, diameter {size:.1f} mm"


def _cell(text: str) -> str:
    return text if isinstance(text, _Html) else escape(text)


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    st.html(
        f'<section class="dx-card" tabindex="0" role="region" aria-label="{escape(title)}"><h3>{escape(title)}</h3>'
        f'<table class="dx-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></section>'
    )
