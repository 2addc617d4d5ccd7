"""What published models and guidelines make of the stated facts, beside the network's probability."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from diagnosis.reading import SecondOpinion


def opinions_list(opinions: Sequence[SecondOpinion]) -> str:
    """HTML: each with what it says, what it was computed from, what it asks for, and its source."""
    items = "".join(_item(opinion) for opinion in opinions)
    return f'<section class="dx-card" role="region" aria-label="Second opinions">{items}</section>'


def _item(opinion: SecondOpinion) -> str:
    inputs = "; ".join(f"{used.name} {used.value} ({used.source})" for used in opinion.inputs)
    lines = [("From", inputs), ("Asks for", "; ".join(opinion.missing)), ("Source", f"doi:{opinion.doi}")]
    quiet = "".join(f'<div class="dx-quiet">{name}: {escape(text)}</div>' for name, text in lines if text)
    return f"<p><b>{escape(opinion.model)}</b>: {escape(opinion.says)}</p>{quiet}"


def render_second_opinions(opinions: Sequence[SecondOpinion]) -> None:
    """All of them, folded away until they are asked for."""
    with st.expander("Second opinions: Brock, Mayo, Fleischner 2017, Lung-RADS v2022"):
        st.html(opinions_list(opinions))
