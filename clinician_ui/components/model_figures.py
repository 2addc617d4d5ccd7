"""Figures of a model: performance with intervals, calibration, drift. Drawn from plain values."""

import base64
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from clinician_ui.model_facts import Comparison, RateComparison, Verdict
from diagnosis.vocabulary import counted, subset_words

Json = Mapping[str, Any]
_METRICS = (
    ("auroc", "AUROC"),
    ("auprc", "AUPRC"),
    ("ece", "ECE"),
    ("sensitivity", "Sensitivity"),
    ("specificity", "Specificity"),
)
_COLORS = {
    Verdict.STEADY: "calm",
    Verdict.WATCH: "waits",
    Verdict.CHANGED: "flagged",
    Verdict.TOO_FEW: "open",
    Verdict.NOT_KNOWN: "open",
}
SIZE, MARGIN = 300.0, 42.0
_PLOT_STYLE = (
    "text{font:12px sans-serif;fill:#4d5a67}.grid{stroke:#e4e9ee}.ideal{stroke:#7b8893;stroke-dasharray:5 4}"
    ".line{fill:none;stroke:#0b5c8a;stroke-width:2.5}.bar{stroke:#1c2733}.dot{fill:#1c2733}"
)


_ABLATIONS = {"ct-no-diameter": "CT without the diameter", "ct-encoder": "CT encoder alone"}


def input_words(name: str) -> str:
    """What a row of figures was measured on: a subset of evidence, or the CT with something left out."""
    return _ABLATIONS.get(name) or subset_words(name)


def performance_table(subsets: Mapping[str, Json]) -> str:
    """HTML: one row a subset of evidence, each figure with its 95 % interval."""
    heads = "".join(f"<th>{title}</th>" for _, title in _METRICS)
    rows = "".join(
        f"<tr><td><b>{escape(input_words(name))}</b></td>"
        + "".join(f'<td class="dx-number">{_interval(figures.get(key))}</td>' for key, _ in _METRICS)
        + f'<td class="dx-number">{figures.get("n", "–")}</td></tr>'
        for name, figures in subsets.items()
    )
    return (
        '<section class="dx-card" tabindex="0" role="region" aria-label="Performance"><table class="dx-table">'
        "<caption>Out of fold; value and 95 % interval over patients.</caption>"
        f"<thead><tr><th>Input</th>{heads}<th>Cases</th></tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _interval(figure: object) -> str:
    if not isinstance(figure, Mapping) or not all(
        isinstance(figure.get(k), int | float) for k in ("value", "low", "high")
    ):
        return "–"
    return f"{figure['value']:.3f} <small>{figure['low']:.3f} to {figure['high']:.3f}</small>"


def calibration_plot(figures: Json) -> str:
    """SVG: what was said against what was true. Bins where the bundle has them, and its calibration line."""
    line = figures.get("calibration") or {}
    parts = [_axes()]
    if all(isinstance(line.get(key), int | float) for key in ("intercept", "slope")):
        parts.append(f'<polyline class="line" points="{_curve(line["intercept"], line["slope"])}"/>')
    parts += [_bin(one) for one in figures.get("reliability") or []]
    width, height = SIZE + 2 * MARGIN, SIZE + 1.6 * MARGIN
    # A picture cannot be reached by the page's style sheet: it carries its own.
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}"><style>{_PLOT_STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>'
    )


def calibration_figure(figures: Json) -> str:
    """HTML: the plot with the same in words below it, and as its alternative text."""
    picture = base64.b64encode(calibration_plot(figures).encode()).decode("ascii")
    words = escape(calibration_words(figures))
    return (
        f'<figure class="dx-figure"><img alt="Calibration. {words}" src="data:image/svg+xml;base64,{picture}">'
        f"<figcaption>{words}</figcaption></figure>"
    )


def _x(p: float) -> float:
    return MARGIN + SIZE * p


def _y(p: float) -> float:
    return 10 + SIZE * (1 - p)


def _axes() -> str:
    marks = []
    for tenth in range(0, 11, 2):
        p = tenth / 10
        marks.append(f'<line class="grid" x1="{_x(p):.1f}" y1="{_y(0):.1f}" x2="{_x(p):.1f}" y2="{_y(1):.1f}"/>')
        marks.append(f'<line class="grid" x1="{_x(0):.1f}" y1="{_y(p):.1f}" x2="{_x(1):.1f}" y2="{_y(p):.1f}"/>')
        marks.append(f'<text x="{_x(p):.1f}" y="{_y(0) + 17:.1f}" text-anchor="middle">{100 * p:.0f}</text>')
        marks.append(f'<text x="{_x(0) - 6:.1f}" y="{_y(p) + 4:.1f}" text-anchor="end">{100 * p:.0f}</text>')
    marks.append(f'<text x="{_x(0.5):.1f}" y="{_y(0) + 36:.1f}" text-anchor="middle">calibrated probability, %</text>')
    marks.append(
        f'<text transform="translate(12,{_y(0.5):.1f}) rotate(-90)" text-anchor="middle">truly positive, %</text>'
    )
    marks.append(f'<line class="ideal" x1="{_x(0):.1f}" y1="{_y(0):.1f}" x2="{_x(1):.1f}" y2="{_y(1):.1f}"/>')
    return "".join(marks)


def _curve(intercept: float, slope: float) -> str:
    points = []
    for step in range(1, 100):
        p = step / 100
        true = 1 / (1 + math.exp(-(intercept + slope * math.log(p / (1 - p)))))
        points.append(f"{_x(p):.1f},{_y(true):.1f}")
    return " ".join(points)


def _bin(one: Json) -> str:
    x = _x(one["mean_probability"])
    return (
        f'<line class="bar" x1="{x:.1f}" y1="{_y(one["low"]):.1f}" x2="{x:.1f}" y2="{_y(one["high"]):.1f}"/>'
        f'<circle class="dot" cx="{x:.1f}" cy="{_y(one["observed"]):.1f}" r="4"/>'
    )


def calibration_words(figures: Json) -> str:
    """The same in words."""
    line, n_bins = figures.get("calibration") or {}, len(figures.get("reliability") or [])
    ece, expected = figures.get("ece") or {}, figures.get("expected_ece")
    words = []
    if isinstance(ece.get("value"), int | float):
        words.append(f"ECE {ece['value']:.3f} ({ece['low']:.3f} to {ece['high']:.3f})")
    if isinstance(expected, int | float):
        words.append(f"{expected:.3f} would be expected of exactly true probabilities on {figures.get('n')} cases")
    if isinstance(line.get("slope"), int | float):
        intercept = round(line["intercept"], 2) + 0.0  # never minus zero
        words.append(f"slope {line['slope']:.2f}, intercept {intercept:.2f} (solid line; 1 and 0 are perfect)")
    if n_bins:
        words.append("dots: ten bins of equally many cases with 95 % intervals")
    else:
        words.append("bins of cases: not known for this bundle")
    return "; ".join(words) + "."


def drift_html(title: str, reference: str, values: Sequence[Comparison | RateComparison | None]) -> str:
    """HTML: a table row: the variable, its reference, the latest period in figures, and all periods as marks."""
    latest = values[-1] if values else None
    verdict = latest.verdict if latest is not None else Verdict.NOT_KNOWN
    chip = f'<span class="dx-chip {_COLORS[verdict]}">{verdict}</span>'
    return (
        f"<tr><td><b>{escape(title)}</b><br><span class='dx-quiet'>{escape(reference)}</span></td>"
        f'<td class="dx-number">{_latest_words(latest)}</td><td>{_marks(values)}</td><td>{chip}</td></tr>'
    )


def _latest_words(latest: Comparison | RateComparison | None) -> str:
    if isinstance(latest, RateComparison) and latest.observed is not None:
        interval = f"<small>{latest.low:.0%} to {latest.high:.0%}</small>"
        return f"{latest.observed:.0%} {interval}, {latest.expected:.0%} expected"
    if isinstance(latest, Comparison) and latest.psi is not None:
        chance = (
            "p &lt; 0.001" if latest.p_value is not None and latest.p_value < 0.001 else f"p = {latest.p_value:.3f}"
        )
        return f"PSI {latest.psi:.2f}, KS {latest.ks:.2f}, {chance}"
    n = latest.n if latest is not None else 0
    return f"– <small>{counted(n, 'case')}</small>"


def _marks(values: Sequence[Comparison | RateComparison | None]) -> str:
    verdicts = [value.verdict if value is not None else Verdict.NOT_KNOWN for value in values]
    words = "; ".join(f"period {i + 1}: {verdict}" for i, verdict in enumerate(verdicts))
    marks = "".join(f'<i class="{_COLORS[verdict]}" title="{verdict}"></i>' for verdict in verdicts)
    return f'<span class="dx-periods" role="img" aria-label="{escape(words)}">{marks}</span>'
