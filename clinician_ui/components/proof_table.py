"""The proof figures of an explanation: what was checked, what it gave, how to read it."""

from html import escape

import streamlit as st

from diagnosis.record import Explanation, Faithfulness, TextAttribution, VolumeAttribution
from diagnosis.record.attribution import WHOLE_CASE

_COLUMNS = (
    ("Completeness gap", "the map's sum against the change of the answer; small is right"),
    ("Deletion", "mean fall of the answer when the strongest parts go first, beside random order"),
    ("Insertion", "mean rise when the strongest parts come back first, beside random order"),
    ("Untrained network", "rank correlation with the map of a network that never learned; near 0 is right"),
    ("Infidelity", "error in foretelling the answer under small changes, squared logits; small is right"),
    ("Sensitivity", "relative change of the map under an invisible change of the input; small is right"),
)


def render_proof(explanation: Explanation) -> None:
    """One row for each map that is shown, and a line for each that was withheld."""
    maps = (
        ("CT", explanation.volume),
        ("Note", explanation.note),
        ("Dictation", explanation.voice),
        ("Sound", explanation.sound),
    )
    rows = "".join(_row(_title(title, a), a.method, a.faithfulness) for title, a in maps if a is not None)
    if rows:
        heads = "".join(f'<th title="{escape(meaning)}">{name}</th>' for name, meaning in _COLUMNS)
        keys = "".join(f"<li><b>{name}</b>: {escape(meaning)}</li>" for name, meaning in _COLUMNS)
        st.html(
            '<section class="dx-card" tabindex="0" role="region" aria-label="Proof">'
            f'<table class="dx-table"><thead><tr><th>Map</th><th>Method</th>{heads}</tr></thead><tbody>{rows}</tbody>'
            f'</table><ul class="dx-quiet dx-keys">{keys}</ul></section>'
        )
    st.caption(f"Made in {explanation.seconds:.1f} s. A map that fails a check is withheld, with the reason.")


def _title(title: str, attribution: object) -> str:
    """With what a map explains, where that is not the whole case."""
    if isinstance(attribution, VolumeAttribution | TextAttribution) and attribution.explains != WHOLE_CASE:
        return f"{title} ({attribution.explains})"
    return title


def _row(title: str, method: str, proof: Faithfulness) -> str:
    cells = (
        _number(proof.completeness_gap, "{:.1%}"),
        _pair(proof.deletion_auc, proof.random_deletion_auc),
        _pair(proof.insertion_auc, proof.random_insertion_auc),
        _number(proof.randomization_correlation, "{:.2f}"),
        _number(proof.infidelity, "{:.2g}"),
        _number(proof.sensitivity, "{:.2f}"),
    )
    filled = "".join(f'<td class="dx-number">{cell}</td>' for cell in cells)
    return f"<tr><td><b>{title}</b></td><td>{escape(method.replace('_', ' '))}</td>{filled}</tr>"


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _pair(own: float | None, random: float | None) -> str:
    return "–" if own is None else f"{own:.2f} <small>(random {_number(random, '{:.2f}')})</small>"
