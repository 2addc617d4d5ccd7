"""The clinical note as it was written, its words tinted by what they speak for, its sections to fold."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape

import streamlit as st

from diagnosis.record import ClinicalNote, TextAttribution, TextSpan
from diagnosis.record.attribution import WHOLE_CASE
from diagnosis.reporting.highlights import highlight_html, strongest

MOST_SENTENCES = 3
TINT_LEGEND = (
    '<div class="dx-legend"><mark class="against">speaks against</mark><mark class="for">speaks for</mark>'
    "<span>untinted: little influence; hover for the value</span></div>"
)


def render_legend(attribution: TextAttribution) -> None:
    """What the tints mean, and whose answer they explain where that is not the whole case's."""
    st.html(TINT_LEGEND)
    if attribution.explains != WHOLE_CASE:
        st.caption(f"The tints explain {attribution.explains}: beside the other parts they add too little to show.")


def render_note(note: ClinicalNote, attribution: TextAttribution | None) -> None:
    """The note; with an attribution, tinted words and the sentences that weigh most."""
    spans = tuple(s for s in attribution.spans if isinstance(s, TextSpan)) if attribution is not None else ()
    if attribution is not None:
        render_legend(attribution)
    st.html(f'<div class="dx-text" tabindex="0" role="region" aria-label="Note">{"".join(_folds(note, spans))}</div>')
    if attribution is not None and attribution.sentences:
        st.html(_sentences(attribution.sentences))


def _folds(note: ClinicalNote, spans: Sequence[TextSpan]) -> Iterator[str]:
    """Each section under its own heading, open; what stands between sections as it is. No word is lost."""
    scale = strongest(spans)

    def tinted(start: int, end: int) -> str:
        inside = [replace(s, start=s.start - start, end=s.end - start) for s in spans if start <= s.start < end]
        return highlight_html(note.text[start:end], inside, scale)

    done = 0
    for section in note.sections:
        head = note.text[done : section.start]
        heading = head.rstrip().rpartition("\n")[2]
        before = len(head.rstrip()) - len(heading)
        if head[:before].strip():
            yield tinted(done, done + before)
        yield (
            f"<details open><summary>{escape(heading.strip()) or escape(section.title)}</summary>"
            f"{tinted(section.start, section.end)}</details>"
        )
        done = section.end
    yield tinted(done, len(note.text))


def _sentences(sentences: Sequence[TextSpan]) -> str:
    strongest_first = sorted(sentences, key=lambda s: -abs(s.value))[:MOST_SENTENCES]
    rows = "".join(
        f"<tr><td class='dx-number'>{sentence.value:+.2f}</td><td>{escape(sentence.text.strip())}</td></tr>"
        for sentence in strongest_first
    )
    return (
        f'<table class="dx-table"><caption>Sentences that weigh most, in logits</caption><tbody>{rows}</tbody></table>'
    )
