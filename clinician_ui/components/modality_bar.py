"""What each kind of evidence contributed: exact Shapley values, drawn to either side of zero."""

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from diagnosis.record import ModalityUse
from diagnosis.vocabulary import Modality

MODALITY_TITLES = {Modality.CT: "CT", Modality.NOTE: "Note", Modality.VOICE: "Dictation"}


def render_modalities(uses: Sequence[ModalityUse], finding: str, reasons: Mapping[Modality, str] | None = None) -> None:
    """A row for each of CT, note and dictation; one that was not used says so.

    Args:
        uses: what each part contributed.
        finding: its name in words.
        reasons: why a part that is there was not used.
    """
    reasons = reasons or {}
    longest = max((abs(use.shapley_logits) for use in uses), default=0.0)
    rows = "".join(_row(use, longest, reasons.get(use.modality, "absent")) for use in uses)
    st.html(
        '<section class="dx-card"><h3>What each part contributed</h3>'
        f'<div class="dx-shares">{rows}</div>'
        f'<div class="dx-quiet">Exact Shapley values in logits: orange to the right speaks for {escape(finding)}, '
        "blue to the left against it.</div></section>"
    )


def _row(use: ModalityUse, longest: float, reason: str) -> str:
    title = MODALITY_TITLES[use.modality]
    if not use.is_present:
        return f'<span>{title}</span><span class="dx-quiet dx-absent">not used: {escape(reason)}</span>'
    length = 50 * abs(use.shapley_logits) / longest if longest else 0.0
    side, start = ("for", 50.0) if use.shapley_logits >= 0 else ("against", 50 - length)
    words = f"{use.shapley_logits:+.2f} logits, {use.share:.0%} of all influence"
    return (
        f'<span>{title}</span><div class="dx-signed" role="img" aria-label="{title}: {words}" title="{words}">'
        f'<i class="{side}" style="left:{start:.1f}%;width:{length:.1f}%"></i></div>'
        f"<span><b>{use.share:.0%}</b> <small>{use.shapley_logits:+.2f}</small></span>"
    )
