"""Where the words of a dictation are written beside its waveform, so that no two of them overlap (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

GAP = 0.006
"""Free space around a label, as a share of the whole width."""


@final
@dataclass(frozen=True)
class PlacedLabel:
    """A label in its lane.

    Attributes:
        index: which of the labels that were asked for.
        left, width: of its text, in seconds of the recording.
        anchor: second at which its word is spoken: where its line begins.
        lane: 0 is nearest to the waveform.
    """

    index: int
    left: float
    width: float
    anchor: float
    lane: int

    @property
    def right(self) -> float:
        """Where its text ends."""
        return self.left + self.width


def place_labels(
    anchors: Sequence[float], widths: Sequence[float], duration_s: float, n_lanes: int
) -> list[PlacedLabel]:
    """Labels in lanes, those that come first preferred; one that would find no place beside them is left out.

    Two texts of a lane never touch, no line runs through a text, and every text lies within the recording's width.

    Args:
        anchors: seconds at which the words are spoken, the most important first.
        widths: of their texts, in seconds of the picture.
        duration_s: width of the picture.
        n_lanes: how many lanes there are.
    """
    wanted: list[tuple[int, float, float]] = []
    placed: list[PlacedLabel] = []
    for index, (anchor, width) in enumerate(zip(anchors, widths, strict=True)):
        laid = _lay_out([*wanted, (index, anchor, width)], duration_s, n_lanes)
        if laid is not None:
            wanted.append((index, anchor, width))
            placed = laid
    return placed


def _lay_out(labels: list[tuple[int, float, float]], duration_s: float, n_lanes: int) -> list[PlacedLabel] | None:
    """All labels, or None where they do not fit together.

    Like flags on masts, from the right: a text begins at its line and hangs below those of the words before it, whose
    lines stand to its left.
    """
    placed: list[PlacedLabel] = []
    for index, anchor, width in sorted(labels, key=lambda label: -label[1]):
        if width > duration_s:
            return None
        left = min(anchor, duration_s - width)
        choices = (PlacedLabel(index, left, width, anchor, lane) for lane in range(n_lanes))
        fitting = next((o for o in choices if not any(_collide(o, p, GAP * duration_s) for p in placed)), None)
        if fitting is None:
            return None
        placed.append(fitting)
    return placed


def _collide(one: PlacedLabel, other: PlacedLabel, gap: float) -> bool:
    """Whether two texts overlap, or the line of the higher one runs through the text of the lower one."""
    if one.lane == other.lane:
        return one.left < other.right + gap and other.left < one.right + gap
    low, high = (one, other) if one.lane < other.lane else (other, one)
    return low.left < high.anchor < low.right + gap
