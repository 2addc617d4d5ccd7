"""Figures of an evaluation, as SVG that stands by itself.

Colors are those of Okabe and Ito, which people with any kind of color vision tell apart; lines also differ in their
dashes, so that a page printed in gray can be read.
"""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diagnosis.evaluation.checks import FloatArray
from diagnosis.evaluation.decision_curve import decision_curve
from diagnosis.evaluation.metrics import auprc, auroc
from diagnosis.evaluation.reliability import reliability_bins
from diagnosis.evaluation.resampling import Interval
from diagnosis.evaluation.scores import SubsetScores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (2, 1)))
GRAY = "#6b6b6b"
STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "svg.hashsalt": "diagnosis",
}


def roc_figure(scores_by_subset: Mapping[str, SubsetScores], baselines: Mapping[str, FloatArray]) -> str:
    """SVG: ROC curves of subsets, and in gray of baselines, as far as they are known.

    Args:
        scores_by_subset: by the subset's name.
        baselines: score of each case of the first subset, shape (cases,), nan where it is not known; by name.
    """
    from sklearn.metrics import roc_curve

    figure, axes = _square()
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=0.8)
    labels = next(iter(scores_by_subset.values())).labels
    for index, (name, values) in enumerate(baselines.items()):
        known = np.isfinite(values)
        if values.size != labels.size or not known.any() or not np.ptp(labels[known]):
            continue
        x, y, _ = roc_curve(labels[known], values[known])
        label = f"{name.replace('_', ' ')} ({auroc(values[known], labels[known]):.3f})"
        axes.plot(x, y, color=GRAY, linewidth=1, linestyle=DASHES[index % len(DASHES)], label=label)
    for index, (name, scores) in enumerate(_of_both_classes(scores_by_subset)):
        x, y, _ = roc_curve(scores.labels, scores.logits)
        axes.plot(x, y, label=f"{name} ({auroc(scores.logits, scores.labels):.3f})", **_line(index))
    axes.set(xlabel="1 − specificity", ylabel="Sensitivity", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    _legend(axes, "AUROC")
    return _svg(figure)


def precision_recall_figure(scores_by_subset: Mapping[str, SubsetScores]) -> str:
    """Precision-recall curves of subsets, with the prevalence as the line of no skill."""
    from sklearn.metrics import precision_recall_curve

    figure, axes = _square()
    prevalence = float(next(iter(scores_by_subset.values())).labels.mean())
    axes.axhline(prevalence, color="#bbbbbb", linewidth=0.8)
    for index, (name, scores) in enumerate(_of_both_classes(scores_by_subset)):
        y, x, _ = precision_recall_curve(scores.labels, scores.logits)
        label = f"{name} ({auprc(scores.logits, scores.labels):.3f})"
        axes.plot(x, y, label=label, drawstyle="steps-post", **_line(index))
    axes.set(xlabel="Sensitivity (recall)", ylabel="Precision", xlim=(-0.01, 1.01), ylim=(-0.01, 1.03))
    _legend(axes, "AUPRC")
    return _svg(figure)


def reliability_figure(scores_by_subset: Mapping[str, SubsetScores]) -> str:
    """Observed share against probability in ten bins of equally many cases, one panel a subset."""
    columns = min(4, len(scores_by_subset))
    rows = -(-len(scores_by_subset) // columns)
    figure, grid = _subplots((2.45 * columns, 2.55 * rows), rows, columns)
    panels = grid.ravel()
    for index, (name, scores) in enumerate(scores_by_subset.items()):
        _reliability_panel(panels[index], name, scores)
    for unused in panels[len(scores_by_subset) :]:
        unused.set_visible(False)
    figure.supxlabel("Mean probability in the bin", fontsize=10)
    figure.supylabel("Share that is positive", fontsize=10)
    return _svg(figure)


def decision_figure(scores_by_subset: Mapping[str, SubsetScores]) -> str:
    """Net benefit of subsets, of acting on everyone, and of acting on nobody."""
    figure, grid = _subplots((7.6, 3.8), 1, 1)
    axes: Axes = grid[0, 0]
    first = next(iter(scores_by_subset.values()))
    everyone = decision_curve(first.probabilities, first.labels)
    axes.plot(everyone.thresholds, everyone.everyone, color=GRAY, linewidth=1, linestyle=":", label="act on everyone")
    axes.axhline(0, color="#000000", linewidth=0.8, label="act on nobody")
    for index, (name, scores) in enumerate(scores_by_subset.items()):
        curve = decision_curve(scores.probabilities, scores.labels)
        axes.plot(curve.thresholds, curve.model, label=name, **_line(index))
    top = max(float(first.labels.mean()), 0.02)
    axes.set(xlabel="Probability at which one would act", ylabel="Net benefit", ylim=(-0.12 * top, 1.08 * top))
    axes.set_xlim(float(everyone.thresholds[0]), float(everyone.thresholds[-1]))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=8.5)  # beside the curves: none is hidden
    return _svg(figure)


def forest_figure(rows: Sequence[tuple[str, Interval, bool]], label: str, reference: float | None = None) -> str:
    """Figures with their intervals under each other.

    Args:
        rows: name, figure, and whether it is set back in gray (a baseline).
        label: of the axis.
        reference: where a vertical line stands.
    """
    figure, grid = _subplots((6.4, 0.32 * len(rows) + 0.75), 1, 1)
    axes: Axes = grid[0, 0]
    for position, (_, interval, is_muted) in enumerate(rows):
        if np.isnan(interval.value):
            axes.text(0.01, position, "too few cases", transform=axes.get_yaxis_transform(), va="center", color=GRAY)
            continue
        color = GRAY if is_muted else COLORS[0]
        axes.plot([interval.low, interval.high], [position, position], color=color, linewidth=1.6, zorder=2)
        axes.plot(interval.value, position, "s" if is_muted else "o", color=color, markersize=6, zorder=3)
    if reference is not None:
        axes.axvline(reference, color="#bbbbbb", linewidth=1, zorder=1)
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    axes.set(xlabel=label, ylim=(len(rows) - 0.4, -0.6))
    axes.grid(visible=False, axis="y")
    return _svg(figure)


def _reliability_panel(axes: "Axes", name: str, scores: SubsetScores) -> None:
    """One panel: the diagonal, the bins with Wilson intervals, and where the cases lie."""
    bins = reliability_bins(scores.probabilities, scores.labels)
    x = [b.mean_probability for b in bins]
    y = np.array([b.observed for b in bins])
    spread = np.array([[b.observed - b.low for b in bins], [b.high - b.observed for b in bins]])
    spread = np.maximum(spread, 0.0)  # at a share of 0 or 1 the interval ends there, up to rounding
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=0.8)
    axes.errorbar(x, y, yerr=spread, fmt="o", color=COLORS[0], markersize=4, linewidth=1, capsize=0)
    counts, edges = np.histogram(scores.probabilities, bins=np.linspace(0, 1, 21))
    axes.bar(edges[:-1], 0.15 * counts / counts.max(), width=0.05, align="edge", color="#c9dcea", zorder=0)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal", xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    axes.set_title(name, fontsize=9.5)


def _of_both_classes(scores_by_subset: Mapping[str, SubsetScores]) -> list[tuple[str, SubsetScores]]:
    """The subsets whose cases can be ranked at all."""
    return [(name, scores) for name, scores in scores_by_subset.items() if np.ptp(scores.labels)]


def _line(index: int) -> dict[str, Any]:
    """Color and dash of the index-th line."""
    return {"color": COLORS[index % len(COLORS)], "linestyle": DASHES[index % len(DASHES)], "linewidth": 1.7}


def _legend(axes: "Axes", title: str) -> None:
    """Legend below the curves, where both leave room; none where no case could be ranked."""
    if axes.get_legend_handles_labels()[0]:
        corner = "lower right" if title == "AUROC" else "lower left"
        axes.legend(title=title, loc=corner, fontsize=8.5, title_fontsize=8.5)
    else:
        axes.text(0.5, 0.5, "cases of one class only", ha="center", color=GRAY)


def _square() -> "tuple[Figure, Axes]":
    """One square panel."""
    figure, grid = _subplots((4.9, 4.6), 1, 1)
    return figure, grid[0, 0]


def _subplots(size: tuple[float, float], rows: int, columns: int) -> "tuple[Figure, np.ndarray]":
    """Panels without pyplot, so that no window system and no global state is touched."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        return figure, figure.subplots(rows, columns, squeeze=False)


def _svg(figure: "Figure") -> str:
    """The figure as SVG, the same bytes for the same figure."""
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
