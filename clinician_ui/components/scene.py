"""A CT turned to anatomical axes, with what lies on it.

The axes run toward the patient's head, back and left (LPS), whatever the order in which the series was stored.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import final

import numpy as np
import numpy.typing as npt

from diagnosis.record import RegionOfInterest, Volume, VolumeAttribution
from diagnosis.reporting.colors import AGAINST_RGB, FOR_RGB

Mm = tuple[float, float, float]
Index = tuple[int, int, int]
OBLIQUE_DEGREES = 10.0
"""Above this angle between the scanner's axes and the body's, the reader is told."""
SCALE_PERCENTILE = 99.5
"""The color scale ends at this percentile of |attribution|: a single voxel does not wash out the rest."""


@final
@dataclass(frozen=True)
class ColorScale:
    """Colors of what speaks for and against the finding; None hides that side."""

    name: str
    positive_rgb: tuple[int, int, int]
    negative_rgb: tuple[int, int, int] | None


COLOR_SCALES = (
    ColorScale("Orange / blue", FOR_RGB, AGAINST_RGB),
    ColorScale("Yellow / purple", (253, 224, 37), (146, 72, 200)),
    ColorScale("Orange, only for", FOR_RGB, None),
)


@final
@dataclass(frozen=True, eq=False)
class Scene:
    """A CT turned to anatomical axes, with what lies on it.

    Attributes:
        hu: (z,y,x), rising toward head, back and left; a view of the volume's own array.
        affine_lps: (4,4), index (z,y,x) to LPS mm.
        region: marked region, or None.
        attribution: map to lay over it, or None.
    """

    hu: npt.NDArray[np.float32]
    affine_lps: npt.NDArray[np.float64]
    region: RegionOfInterest | None = None
    attribution: VolumeAttribution | None = None

    @cached_property
    def spacing_mm(self) -> Mm:
        """Along (z,y,x)."""
        z, y, x = np.linalg.norm(self.affine_lps[:3, :3], axis=0)
        return float(z), float(y), float(x)

    @cached_property
    def oblique_degrees(self) -> float:
        """Largest angle between an axis of the array and the body's axis that it stands for."""
        units = self.affine_lps[:3, :3] / np.array(self.spacing_mm)
        cosines = np.abs(np.diag(units[::-1]))
        return float(np.degrees(np.arccos(np.clip(cosines.min(), 0, 1))))

    @cached_property
    def color_limit(self) -> float:
        """|logit| drawn at full strength: the same on every slice."""
        if self.attribution is None:
            return 0.0
        strong = np.abs(self.attribution.values[self.attribution.values != 0])
        return float(np.percentile(strong, SCALE_PERCENTILE)) if strong.size else 0.0

    def index_of(self, point_mm: Mm) -> Index:
        """Nearest voxel (z,y,x) within the array."""
        raw = np.linalg.solve(self.affine_lps[:3, :3], np.array(point_mm) - self.affine_lps[:3, 3])
        z, y, x = (int(np.clip(round(float(v)), 0, n - 1)) for v, n in zip(raw, self.hu.shape, strict=True))
        return z, y, x

    def position_of(self, index: Index) -> Mm:
        """LPS mm of a voxel."""
        x, y, z = self.affine_lps[:3, :3] @ np.array(index, dtype=np.float64) + self.affine_lps[:3, 3]
        return float(x), float(y), float(z)

    def extent_mm(self, axis: int) -> float:
        """Length of the array along an axis."""
        return float(self.hu.shape[axis] * self.spacing_mm[axis])


def make_scene(
    volume: Volume, region: RegionOfInterest | None = None, attribution: VolumeAttribution | None = None
) -> Scene:
    """Turn a volume to anatomical axes, without copying it."""
    columns = volume.affine_lps[:3, :3] / np.array(volume.spacing_mm)
    # Which array axis stands for z, y, x: the assignment with the largest sum of |cosines|.
    order = max(permutations(range(3)), key=lambda p: sum(abs(columns[2 - i, axis]) for i, axis in enumerate(p)))
    hu: npt.NDArray[np.float32] = volume.hu.transpose(order)
    affine = volume.affine_lps.copy()
    affine[:3, :3] = volume.affine_lps[:3, list(order)]
    for axis in range(3):
        if affine[2 - axis, axis] < 0:
            affine[:3, 3] += affine[:3, axis] * (hu.shape[axis] - 1)
            affine[:3, axis] *= -1
            hu = np.flip(hu, axis)
    return Scene(hu, affine, region, attribution)
