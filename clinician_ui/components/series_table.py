"""What the geometry gate says of each series that arrived."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from diagnosis.record import SeriesReport
from diagnosis.vocabulary import Verdict

_CHIPS = {Verdict.REGULAR: "calm", Verdict.REPAIRED: "open", Verdict.REFUSED: "problem"}


def render_series(reports: Sequence[SeriesReport]) -> None:
    """A row for each series, the chosen one first."""
    heads = ("Series", "Images", "Spacing (mm)", "Verdict", "Why")
    rows = "".join(_row(report) for report in sorted(reports, key=lambda report: not report.is_chosen))
    st.html(
        '<section class="dx-card" tabindex="0" role="region" aria-label="Series"><table class="dx-table"><thead><tr>'
        + "".join(f"<th>{head}</th>" for head in heads)
        + f"</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _row(report: SeriesReport) -> str:
    spacing = " × ".join(f"{v:.2f}" for v in report.spacing_mm) if report.spacing_mm else "–"
    chip = f'<span class="dx-chip {_CHIPS[report.verdict]}">{report.verdict.value}</span>'
    return (
        f"<tr><td>{escape(report.description) or '(no description)'}</td>"
        f'<td class="dx-number">{report.n_instances}</td><td class="dx-number">{spacing}</td>'
        f"<td>{chip}</td><td>{_reasons(report)}</td></tr>"
    )


def _reasons(report: SeriesReport) -> str:
    if report.is_chosen:
        was = "; its tilt is repaired" if report.verdict is Verdict.REPAIRED else ""
        was += f"; copies of its images passed over: {report.n_copies}" if report.n_copies else ""
        return f"<b>will be assessed</b>{was}"
    lines = [reason.message for reason in report.reasons]
    if report.why_not_chosen is not None and not report.why_not_chosen.startswith("refused"):
        lines.append(report.why_not_chosen)
    return "<br>".join(escape(line) for line in lines)
