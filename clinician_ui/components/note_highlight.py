"""The clinical note as it was written, its words tinted by what they speak for."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from diagnosis.record import ClinicalNote, TextAttribution, TextSpan
from diagnosis.reporting.highlights import highlight_html

MOST_SENTENCES = 3
TINT_LEGEND = (
    '<div class="dx-legend"><mark class="against">speaks against</mark><mark class="for">speaks for</mark>'
    "<span>untinted: little influence; hover for the value</span></div>"
)


def render_note(note: ClinicalNote, attribution: TextAttribution | None) -> None:
    """The note; with an attribution, tinted words and the sentences that weigh most."""
    spans = attribution.spans if attribution is not None else ()
    if attribution is not None:
        st.html(TINT_LEGEND)
    st.html(
        f'<div class="dx-text" tabindex="0" role="region" aria-label="Note">{highlight_html(note.text, spans)}</div>'
    )
    if attribution is not None and attribution.sentences:
        st.html(_sentences(attribution.sentences))


def _sentences(sentences: Sequence[TextSpan]) -> str:
    strongest = sorted(sentences, key=lambda s: -abs(s.value))[:MOST_SENTENCES]
    rows = "".join(
        f"<tr><td class='dx-number'>{sentence.value:+.2f}</td><td>{escape(sentence.text.strip())}</td></tr>"
        for sentence in strongest
    )
    return (
        f'<table class="dx-table"><caption>Sentences that weigh most, in logits</caption><tbody>{rows}</tbody></table>'
    )
