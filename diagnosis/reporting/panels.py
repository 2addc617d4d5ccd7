"""PNG pictures of an assessment: the region in three planes with its attribution, and the waveform with words."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from diagnosis.record import RegionOfInterest, SpeechSpan, VoiceNote, Volume, VolumeAttribution
from diagnosis.record.attribution import WHOLE_CASE
from diagnosis.reporting.colors import AGAINST_RGB, FOR_RGB, overlay_rgba, tint_css
from diagnosis.reporting.word_labels import PlacedLabel, place_labels
from diagnosis.vocabulary import LUNG_WINDOW, SOFT_TISSUE_WINDOW, Window

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE_MM = 80.0
PIXEL_MM = 0.5
SCALE_PERCENTILE = 99.5
"""The color scale ends at this percentile of |attribution|: a single voxel does not wash out the rest."""


@final
@dataclass(frozen=True)
class Plane:
    """A plane through a point: in-plane directions to the right and down of the picture, in LPS, and the letters."""

    name: str
    right: tuple[float, float, float]
    down: tuple[float, float, float]
    letters: tuple[str, str, str, str]
    """Left, right, top, bottom of the picture."""


# Radiological convention: the patient's right is at the left of the picture, anterior and superior are up.
PLANES = (
    Plane("axial", (1, 0, 0), (0, 1, 0), ("R", "L", "A", "P")),
    Plane("coronal", (1, 0, 0), (0, 0, -1), ("R", "L", "S", "I")),
    Plane("sagittal", (0, 1, 0), (0, 0, -1), ("A", "P", "S", "I")),
)


def slice_through(
    values: npt.NDArray[np.float32],
    affine_lps: npt.NDArray[np.float64],
    center_mm: tuple[float, float, float],
    plane: Plane,
    outside: float,
) -> npt.NDArray[np.float32]:
    """A square picture of `SIDE_MM`, `PIXEL_MM` a pixel, (row,column), linear; `outside` beyond the array."""
    n = round(SIDE_MM / PIXEL_MM)
    steps = (np.arange(n) - (n - 1) / 2) * PIXEL_MM
    points = (
        np.array(center_mm)[:, None, None]
        + np.array(plane.down)[:, None, None] * steps[None, :, None]
        + np.array(plane.right)[:, None, None] * steps[None, None, :]
    )
    inverse = np.linalg.inv(affine_lps)
    index = np.tensordot(inverse[:3, :3], points, axes=1) + inverse[:3, 3][:, None, None]
    return np.asarray(ndimage.map_coordinates(values, index, order=1, mode="constant", cval=outside, output=np.float32))


def region_panel(volume: Volume, region: RegionOfInterest, attribution: VolumeAttribution | None) -> bytes:
    """PNG: three planes (columns) in lung window, with overlay, and in soft-tissue window (rows).

    The planes pass through the attribution's peak where there is one, else through the region's center.
    """
    from matplotlib.figure import Figure

    center = attribution.peak_mm if attribution is not None else region.center_mm
    rows: list[tuple[Window, bool]] = [(LUNG_WINDOW, False), (SOFT_TISSUE_WINDOW, False)]
    if attribution is not None:
        rows.insert(1, (LUNG_WINDOW, True))
    figure = Figure(figsize=(8.4, 2.6 * len(rows) + 0.35), dpi=110, facecolor="white", layout="constrained")
    axes: Any = figure.subplots(len(rows), 3, squeeze=False)
    scale = scale_of(attribution)
    for row, (window, has_overlay) in enumerate(rows):
        for column, plane in enumerate(PLANES):
            picture = slice_through(volume.hu, volume.affine_lps, center, plane, -1000.0)
            _draw_plane(axes[row, column], picture, window, plane)
            _draw_region(axes[row, column], region, center, plane)
            if has_overlay and attribution is not None:
                laid = slice_through(attribution.values, attribution.affine_lps, center, plane, 0.0)
                axes[row, column].imshow(overlay_rgba(laid, scale), extent=_extent(), interpolation="nearest")
        axes[row, 0].set_ylabel(_row_words(window, attribution if has_overlay else None), fontsize=9)
    if attribution is not None:
        _draw_scale(figure, axes[1, :], scale)
    return _png(figure)


def _row_words(window: Window, overlay: VolumeAttribution | None) -> str:
    if overlay is None:
        return f"{window.name} window"
    return "attribution" if overlay.explains == WHOLE_CASE else "attribution (voxels alone)"


def scale_of(attribution: VolumeAttribution | None) -> float:
    """Where the color scale ends, in logits a voxel; 0 where there is nothing to show."""
    if attribution is None:
        return 0.0
    strong = np.abs(attribution.values[attribution.values != 0])
    return float(np.percentile(strong, SCALE_PERCENTILE)) if strong.size else 0.0


def _extent() -> tuple[float, float, float, float]:
    half = SIDE_MM / 2
    return -half, half, half, -half


def _draw_plane(axes: "Axes", picture: npt.NDArray[np.float32], window: Window, plane: Plane) -> None:
    from matplotlib.patheffects import Normal, Stroke

    axes.imshow(
        picture, cmap="gray", vmin=window.low_hu, vmax=window.high_hu, extent=_extent(), interpolation="bilinear"
    )
    axes.set_title(plane.name, fontsize=9)
    axes.set_xticks([])
    axes.set_yticks([])
    half = SIDE_MM / 2
    left, right, top, bottom = plane.letters
    # Light marks with a dark edge can be read on air and on bone.
    edge = [Stroke(linewidth=2, foreground="#202020"), Normal()]
    style: dict[str, Any] = {
        "color": "#ffd75e", "fontsize": 8, "ha": "center", "va": "center", "path_effects": edge,
    }  # fmt: skip
    axes.text(-half + 3, 0, left, **style)
    axes.text(half - 3, 0, right, **style)
    axes.text(0, -half + 3, top, **style)
    axes.text(0, half - 3, bottom, **style)
    axes.plot([half - 24, half - 4], [half - 4, half - 4], color="#ffd75e", linewidth=1.5, path_effects=edge)
    axes.text(half - 14, half - 7, "20 mm", **{**style, "fontsize": 7})


def _draw_region(axes: "Axes", region: RegionOfInterest, center: tuple[float, float, float], plane: Plane) -> None:
    from matplotlib.patches import Circle

    offset = np.array(region.center_mm) - np.array(center)
    x, y = float(offset @ np.array(plane.right)), float(offset @ np.array(plane.down))
    if region.diameter_mm is None:
        axes.plot([x], [y], "+", color="#7fdbca", markersize=10)
    else:
        axes.add_patch(Circle((x, y), region.diameter_mm / 2, fill=False, color="#7fdbca", linewidth=1.0))
    axes.set_xlim(-SIDE_MM / 2, SIDE_MM / 2)
    axes.set_ylim(SIDE_MM / 2, -SIDE_MM / 2)


def _draw_scale(figure: "Figure", axes: Any, scale: float) -> None:  # noqa: ANN401 - an array of axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    against, pro = (tuple(c / 255 for c in rgb) for rgb in (AGAINST_RGB, FOR_RGB))
    colors = LinearSegmentedColormap.from_list("attribution", [against, (1, 1, 1), pro])
    mappable = ScalarMappable(Normalize(-scale, scale), colors)
    bar = figure.colorbar(mappable, ax=list(axes), fraction=0.035, pad=0.02)
    bar.set_label("logits per voxel\n(orange: for, blue: against)", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    bar.formatter.set_powerlimits((-2, 3))  # type: ignore[attr-defined]


def waveform_panel(voice: VoiceNote, spans: tuple[SpeechSpan, ...]) -> bytes | None:
    """PNG: the sound over time, each word's stretch tinted by its attribution; None where the sound is not at hand.

    The strongest words are written above it, as many as there is room for.
    """
    if voice.audio is None:
        return None
    from matplotlib.figure import Figure

    duration_s = voice.audio.duration_s
    scale = max((abs(span.value) for span in spans), default=0.0)
    told = [span for span in spans if scale and abs(span.value) >= 0.05 * scale]
    labels = _word_labels(told, duration_s)
    n_lanes = 1 + max((label.lane for _, label in labels), default=-1)
    height = _WAVE_IN + n_lanes * _LANE_IN
    figure = Figure(figsize=(_WIDE_IN, height + _FOOT_IN), dpi=110, facecolor="white")
    axes = figure.add_axes((_SIDE, _FOOT_IN / (height + _FOOT_IN), 1 - 2 * _SIDE, height / (height + _FOOT_IN)))
    low, high, times = _envelope(voice.audio.samples, voice.audio.sampling_rate_hz)
    axes.fill_between(times, low, high, color="#444444", linewidth=0)
    for span in told:
        axes.axvspan(
            span.start_s, span.end_s, 0, _WAVE_IN / height, color=_rgba(tint_css(span.value, scale)), linewidth=0
        )
    _draw_labels(axes, labels)
    axes.set_xlim(0, duration_s)
    axes.set_ylim(-1, 1 + n_lanes * _LANE)
    axes.set_yticks([])
    axes.set_xlabel("seconds", fontsize=8)
    axes.tick_params(labelsize=7)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    return _png(figure)


_WIDE_IN, _WAVE_IN, _LANE_IN, _FOOT_IN, _SIDE = 8.4, 1.0, 0.17, 0.42, 0.02
"""Inches: width, waveform, lane of labels, axis below; share of the width that is free at each side."""
_LANE = 2 * _LANE_IN / _WAVE_IN
"""Height of a lane, where the waveform reaches from -1 to 1."""
_LANES, _LABELS, _LABEL_PT, _LONGEST = 4, 14, 7.5, 28


def _word_labels(spans: Sequence[SpeechSpan], duration_s: float) -> list[tuple[str, PlacedLabel]]:
    """The strongest words with the place of each; one word said twice is written twice."""
    from matplotlib.textpath import TextPath

    strongest = sorted(spans, key=lambda s: -abs(s.value))[:_LABELS]
    words = [" ".join(s.text.split()).strip(".,;:") for s in strongest]
    words = [word if len(word) <= _LONGEST else f"{word[: _LONGEST - 1]}…" for word in words]
    seconds_a_point = duration_s / ((1 - 2 * _SIDE) * _WIDE_IN * 72)
    widths = [float(TextPath((0, 0), word, size=_LABEL_PT).get_extents().width) * seconds_a_point for word in words]
    anchors = [(s.start_s + s.end_s) / 2 for s in strongest]
    return [(words[label.index], label) for label in place_labels(anchors, widths, duration_s, _LANES)]


def _draw_labels(axes: "Axes", labels: Sequence[tuple[str, PlacedLabel]]) -> None:
    for word, label in labels:
        height = 1 + (label.lane + 0.45) * _LANE
        axes.plot([label.anchor] * 2, [0.95, height - 0.25 * _LANE], color="#93a3b1", linewidth=0.6)
        axes.text(label.left, height, word, fontsize=_LABEL_PT, ha="left", va="center")


def _envelope(
    samples: npt.NDArray[np.float32], rate_hz: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Lowest and highest sample of each of at most 1,200 stretches, scaled to the loudest, and their times."""
    step = max(1, samples.size // 1200)
    blocks = samples[: samples.size // step * step].reshape(-1, step)
    peak = max(float(np.abs(blocks).max()), 1e-6)
    return blocks.min(axis=1) / peak, blocks.max(axis=1) / peak, np.arange(len(blocks)) * step / rate_hz


def _rgba(css: str) -> tuple[float, float, float, float]:
    red, green, blue, alpha = (float(part) for part in css.removeprefix("rgba(").removesuffix(")").split(","))
    return red / 255, green / 255, blue / 255, alpha


def _png(figure: "Figure") -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()
