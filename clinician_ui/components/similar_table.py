"""Nodules like that of a case, with what their readers said of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import final

import streamlit as st


@final
@dataclass(frozen=True)
class Neighbor:
    """A nodule of the index.

    Attributes:
        name: of the index alone; it leads back to no patient.
        similarity: a cosine, 1 for the same direction.
        wording: what its readers described.
        outcome: what they thought of it.
    """

    name: str
    similarity: float
    wording: str
    outcome: str


def render_similar(neighbors: Sequence[Neighbor]) -> None:
    """A row for each, nearest first."""
    rows = "".join(
        f"<tr><td>{escape(n.name)}</td><td class='dx-number'>{n.similarity:.2f}</td><td>{escape(n.wording)}</td>"
        f"<td>{escape(n.outcome)}</td></tr>"
        for n in neighbors
    )
    st.html(
        '<section class="dx-card" tabindex="0" role="region" aria-label="Similar nodules">'
        '<table class="dx-table"><thead><tr><th>Nodule</th><th>Similarity</th><th>What readers said of it</th>'
        f"<th>Judgment</th></tr></thead><tbody>{rows}</tbody></table>"
        '<div class="dx-quiet">Similarity is a cosine in the space of the index. Similar is not the same.</div>'
        "</section>"
    )
