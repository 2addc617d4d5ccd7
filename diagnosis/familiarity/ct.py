"""How much the CT around a region is like that of the training cases: robust statistics, and lung nearby.

The appearance statistics describe tissue and lung apart from each other, so that the inside of a large mass, which
fills the field of view, is as familiar as a small nodule. What it cannot tell, whether this is a chest at all, is asked
of the surroundings: lung is a low-density area that is not outside air, foam or bowel gas.
"""

from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from diagnosis.preprocessing.volume import FieldOfView, PreparedRegion, sample_hu
from diagnosis.record import Volume

Floats = npt.NDArray[np.float64]
SURROUNDINGS = FieldOfView((3, 145, 145), (3.75, 2.8, 2.8), (-1000.0, 400.0))
"""Grid on which lung is looked for: 406 mm in the plane, so that air outside the body is seen to be outside."""
BOXES_MM = (48.0, 68.0, 140.0)
"""Lung is looked for in boxes of these widths; the best counts, since a mass may fill the smaller ones."""
NEAR_LUNG_MM = 25.0
"""A small region may lie this far from the nearest lung in its slices: beside the hilum or on the wall."""
BEYOND_EDGE_MM = 15.0
"""The same for the edge of a large one."""
UNKNOWN_SIZE_MM = 50.0
"""The same for the center of a region of unknown size, which may be a mass."""
NOISE = 9
"""Place of the in-plane noise among the statistics."""
NOISIEST = 3.0
"""Standard deviations above the training cases' noise, in its logarithm; in a mass, whose lung statistics are missing,
the distance alone would let any noise pass."""
FLOORS = np.array([0.1, 0.1, 0.03, 20, 20, 20, 20, 20, 20, 0.2, 0.2])
"""Smallest standard deviation of each statistic: a constant one would make everything else infinitely far."""


@final
@dataclass(frozen=True, eq=False)
class CtFamiliarity:
    """Center, scale and covariance of the training regions' statistics, and the limits beyond which a CT is unfamiliar.

    Attributes:
        center, scale: (statistic,) of the training regions.
        covariance: (statistic,statistic) of the standardized statistics.
        distance_limit: squared Mahalanobis distance that 1 % of held-out training regions exceed.
        lung_limit: smallest share of lung around a region.
    """

    center: Floats
    scale: Floats
    covariance: Floats
    distance_limit: float
    lung_limit: float

    def distance(self, statistics: Floats) -> float:
        """Squared Mahalanobis distance over the statistics that are defined."""
        known = np.isfinite(statistics)
        z = ((statistics - self.center) / self.scale)[known]
        return float(z @ np.linalg.solve(self.covariance[np.ix_(known, known)], z))

    def is_unlike(self, statistics: Floats) -> bool:
        """Whether a region with these statistics looks unlike the training regions."""
        noise = (statistics[NOISE] - self.center[NOISE]) / self.scale[NOISE]
        return bool(self.distance(statistics) > self.distance_limit or noise > NOISIEST)

    def warnings(self, volume: Volume, region: PreparedRegion, diameter_mm: float | None = None) -> tuple[str, ...]:
        """Sentences on a region, whose diameter may be known; none where it is familiar."""
        shape = region.values.shape
        hu, _ = sample_hu(volume, region.affine_lps, (shape[0], shape[1], shape[2]))
        middle = region.affine_lps @ np.array([*(np.array(shape) - 1) / 2, 1.0])
        around = SURROUNDINGS.affine_at((float(middle[0]), float(middle[1]), float(middle[2])))
        lung, inside = lung_map(*sample_hu(volume, around, SURROUNDINGS.shape))
        share = _share_of(lung, inside, SURROUNDINGS.spacing_mm[1])
        distance_mm = _distance_of(lung, SURROUNDINGS.spacing_mm[1])
        found = []
        if share < self.lung_limit:
            found.append(
                "The CT shows no lung around the region, unlike every training case: check that it is a chest CT in "
                "Hounsfield units and that the region is right."
            )
        elif distance_mm > farthest_mm(diameter_mm):
            found.append(
                f"The region lies {distance_mm:.0f} mm from the nearest lung in its slices, farther than a lesion of "
                "the lung would: check that it is right."
            )
        if self.is_unlike(appearance(hu)):
            found.append(
                "The CT in the region looks unlike the training cases (its HU values, its noise or much calcium, bone "
                "or metal): rely on the result with care."
            )
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "center": self.center.tolist(),
            "scale": self.scale.tolist(),
            "covariance": self.covariance.tolist(),
            "distance_limit": self.distance_limit,
            "lung_limit": self.lung_limit,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The same from JSON.

        Raises:
            KeyError, TypeError, ValueError: a field is missing or of the wrong shape.
        """
        center, scale, covariance = (np.array(data[k], dtype=np.float64) for k in ("center", "scale", "covariance"))
        if center.shape != FLOORS.shape or scale.shape != FLOORS.shape or covariance.shape != (FLOORS.size,) * 2:
            msg = f"CT familiarity: {FLOORS.size} statistics are needed"
            raise ValueError(msg)
        return cls(center, scale, covariance, float(data["distance_limit"]), float(data["lung_limit"]))


def appearance(hu: npt.NDArray[np.float32]) -> Floats:
    """Statistics of a region in HU (depth,height,width), (statistic,); NaN for those of a tissue that is not in it."""
    noise = [np.abs(np.diff(hu, 2, axis=axis)).ravel() for axis in (1, 2)]
    between = np.abs(np.diff(hu, axis=0)) if hu.shape[0] > 1 else noise[0]
    return np.array(
        [
            np.log10((hu < -1100).mean() + 0.003),
            np.log10((hu > 300).mean() + 0.003),
            ((hu >= -500) & (hu <= -250)).mean(),
            *_percentiles(hu[hu > -250], hu.size),
            *_percentiles(hu[hu < -500], hu.size),
            np.log(np.median(np.concatenate(noise)) + 3),
            np.log(np.median(between) + 3),
        ],
        dtype=np.float64,
    )


def _percentiles(values: npt.NDArray[np.float32], n_all: int) -> list[float]:
    if values.size <= 0.03 * n_all:
        return [np.nan] * 3
    return [float(v) for v in np.percentile(values, [50, 10, 90])]


def lung_share(hu: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_], spacing_mm: float) -> float:
    """Largest share of lung in the boxes around the middle, among the voxels inside the scan.

    `hu` and `inside` are (depth,height,width); pixels are square, `spacing_mm` wide.

    An area of low density is lung unless its median is that of air: outside the body, with what lies in that air, or
    in the bowel.
    """
    return _share_of(*lung_map(hu, inside), spacing_mm)


def lung_map(
    hu: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which voxels are lung, slice by slice, and which are inside the scan; all (depth,height,width)."""
    return np.stack([_lung(plane, within) for plane, within in zip(hu, inside, strict=True)]), inside


def farthest_mm(diameter_mm: float | None) -> float:
    """How far in mm a region's center may lie from the nearest lung."""
    return UNKNOWN_SIZE_MM if diameter_mm is None else max(NEAR_LUNG_MM, diameter_mm / 2 + BEYOND_EDGE_MM)


def _share_of(lung: npt.NDArray[np.bool_], inside: npt.NDArray[np.bool_], spacing_mm: float) -> float:
    from_middle = np.abs(np.arange(lung.shape[1]) - (lung.shape[1] - 1) / 2) * spacing_mm
    shares = [0.0]
    for width_mm in BOXES_MM:
        near = from_middle <= width_mm / 2
        box = np.ix_(np.ones(len(lung), dtype=bool), near, near)
        if inside[box].any():
            shares.append(float(lung[box][inside[box]].mean()))
    return max(shares)


def _distance_of(lung: npt.NDArray[np.bool_], spacing_mm: float) -> float:
    """In-plane distance from the middle to the nearest lung; infinite where there is none."""
    rows, columns = np.nonzero(lung.any(axis=0))
    if not rows.size:
        return float("inf")
    middle = (np.array(lung.shape[1:]) - 1) / 2
    return float(np.hypot(rows - middle[0], columns - middle[1]).min() * spacing_mm)


def _lung(plane: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    smooth = ndimage.median_filter(plane, 3)
    labels, n_areas = ndimage.label((smooth < -500) & inside)
    medians = np.asarray(ndimage.median(smooth, labels, np.arange(1, n_areas + 1)))
    is_lung = np.concatenate([[False], medians > -965])
    return np.asarray(ndimage.binary_opening(is_lung[labels] & (smooth > -980), np.ones((3, 3))), dtype=bool)


def fit_ct(statistics: Floats, lung_shares: Floats, folds: list[str]) -> CtFamiliarity:
    """Fit on training regions, (region,statistic); the distance's limit is the 99th percentile over held-out folds."""
    held_out = np.zeros(len(statistics))
    names = np.array(folds)
    for fold in sorted(set(folds)):
        rest = _fit(statistics[names != fold])
        held_out[names == fold] = [rest.distance(row) for row in statistics[names == fold]]
    whole = _fit(statistics)
    # Half of what nearly every training region has: a scan's surroundings hold more than lung.
    lung_limit = float(np.percentile(lung_shares, 1)) / 2
    limit = float(np.percentile(held_out, 99))
    return CtFamiliarity(whole.center, whole.scale, whole.covariance, limit, lung_limit)


def _fit(statistics: Floats) -> CtFamiliarity:
    from sklearn.covariance import LedoitWolf

    known = np.isfinite(statistics)
    counts = np.maximum(known.sum(axis=0), 1)
    center = np.where(known, statistics, 0).sum(axis=0) / counts
    spread = np.sqrt(np.where(known, (statistics - center) ** 2, 0).sum(axis=0) / counts)
    scale = np.maximum(spread, FLOORS)
    covariance = LedoitWolf().fit(np.where(known, (statistics - center) / scale, 0)).covariance_
    np.fill_diagonal(covariance, np.maximum(np.diag(covariance), 1.0))
    return CtFamiliarity(center, scale, np.asarray(covariance, dtype=np.float64), np.inf, 0.0)
