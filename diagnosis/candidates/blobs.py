"""Round things of any size in a volume: Gaussian scales, local maxima, and curvature in all three directions."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from diagnosis.candidates.working_grid import BoolArray, HuArray

SIGMA_PER_DIAMETER = 1 / (2 * np.sqrt(3.0))
"""The Laplacian of a Gaussian answers most to a ball of radius √3 sigma (Lindeberg, IJCV 1998;30:79)."""
OCTAVE_SIGMAS = (1.2, 1.7)
"""Scales within an octave, in voxels of its grid; the next octave is the same on a grid half as fine."""


@final
@dataclass(frozen=True)
class Blob:
    """A round thing.

    Attributes:
        index: fractional (z,y,x) on the grid that was searched.
        diameter: in voxels of that grid, from the scale.
        roundness: curvature of the flattest direction times its share of the steepest, in units of `values`, over the
            scale: 0 for a tube or a plane, which are flat along themselves.
    """

    index: tuple[float, float, float]
    diameter: float
    roundness: float


def find_blobs(values: HuArray, octaves: int, least_roundness: float) -> list[Blob]:
    """Bright round things at `2 * octaves` scales, strongest first.

    Args:
        values: isotropic grid; what must not answer has been set to the background.
        octaves: number of times the scale is doubled.
        least_roundness: weaker ones are left out.
    """
    found: list[Blob] = []
    level, factor = values, 1
    for octave in range(octaves):
        for sigma in OCTAVE_SIGMAS:
            smooth = ndimage.gaussian_filter(level, sigma, truncate=3.0)
            found += _at_scale(smooth, sigma, factor, least_roundness)
        if octave + 1 < octaves and min(level.shape) >= 8:
            level, factor = _halved(level), factor * 2
    return sorted(found, key=lambda blob: -blob.roundness)


def _halved(values: HuArray) -> HuArray:
    """Means of blocks of 2 x 2 x 2 voxels; an odd end is repeated."""
    padded = np.pad(values, [(0, n % 2) for n in values.shape], mode="edge")
    a, b, c = (n // 2 for n in padded.shape)
    return np.asarray(padded.reshape(a, 2, b, 2, c, 2).mean(axis=(1, 3, 5)), dtype=np.float32)


def _at_scale(smooth: HuArray, sigma: float, factor: int, least_roundness: float) -> list[Blob]:
    answer = -np.float32(sigma**2) * ndimage.laplace(smooth, mode="nearest")
    is_peak = (answer >= 3 * least_roundness) & (answer == ndimage.maximum_filter(answer, 3))
    peaks = np.argwhere(is_peak)
    if not len(peaks):
        return []
    roundness = _roundness(smooth, peaks) * sigma**2
    diameter = sigma * factor / SIGMA_PER_DIAMETER
    at_fine = peaks * factor + (factor - 1) / 2
    return [
        Blob((float(p[0]), float(p[1]), float(p[2])), float(diameter), float(r))
        for p, r in zip(at_fine, roundness, strict=True)
        if r >= least_roundness
    ]


def _roundness(smooth: HuArray, peaks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Smallest curvature squared over the largest, (peak,) (Li et al., Med Phys 2003;30:2040)."""
    padded = np.pad(smooth, 1, mode="edge")
    center = peaks + 1

    def at(*step: int) -> npt.NDArray[np.float64]:
        z, y, x = (center + np.array(step)).T
        return np.asarray(padded[z, y, x], dtype=np.float64)

    unit = np.eye(3, dtype=int)
    hessian = np.empty((len(peaks), 3, 3))
    for i in range(3):
        hessian[:, i, i] = at(*unit[i]) + at(*-unit[i]) - 2 * at(0, 0, 0)
        for j in range(i):
            plus, minus = unit[i] + unit[j], unit[i] - unit[j]
            hessian[:, i, j] = hessian[:, j, i] = (at(*plus) + at(*-plus) - at(*minus) - at(*-minus)) / 4
    bend = -np.linalg.eigvalsh(hessian)  # rising eigenvalues: the flattest direction is last
    steepest, flattest = bend[:, 0], bend[:, 2]
    return np.where(flattest > 0, flattest**2 / np.maximum(steepest, 1e-6), 0.0)


def merge_blobs(blobs: list[Blob], space: BoolArray, limit: int) -> list[Blob]:
    """The strongest that lie in `space` and not within one another, at most `limit`."""
    kept: list[Blob] = []
    for blob in blobs:
        nearest = tuple(np.clip(np.round(blob.index).astype(int), 0, np.array(space.shape) - 1))
        if not space[nearest]:
            continue
        if all(_distance(blob, other) > 0.5 * max(blob.diameter, other.diameter) for other in kept):
            kept.append(blob)
        if len(kept) == limit:
            break
    return kept


def _distance(one: Blob, other: Blob) -> float:
    return float(np.linalg.norm(np.subtract(one.index, other.index)))
