"""Round things of any size in a scene: Gaussian scales, local maxima, and curvature in all three directions."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from diagnosis.candidates.scene import Level, Scene
from diagnosis.candidates.working_grid import HuArray

SIGMA_PER_DIAMETER = 1 / (2 * np.sqrt(3.0))
"""The Laplacian of a Gaussian answers most to a ball of radius √3 sigma (Lindeberg, IJCV 1998;30:79)."""
OCTAVE_SIGMAS = (1.2, 1.7)
"""Scales within an octave, in voxels of its level; the next octave is the same on a level half as fine."""
LEAST_ROUNDNESS = {"solid": 0.015, "soft": 0.03}
"""Of a blob on the scale of solid tissue and on that of ground glass; what has less is left out."""
MOST_OF_A_SCALE = 24
"""The roundest of each scale are kept: there are always more small round things than large ones."""


@final
@dataclass(frozen=True)
class Blob:
    """A round thing.

    Attributes:
        index: fractional (z,y,x) on the finest level.
        diameter: in voxels of that level, from the scale.
        roundness: curvature of the flattest direction squared over that of the steepest, in units of contrast, times
            the scale squared: 0 for a tube or a plane, which are flat along themselves (Li et al., Med Phys
            2003;30:2040).
        is_soft: whether it was found on the scale of ground glass.
    """

    index: tuple[float, float, float]
    diameter: float
    roundness: float
    is_soft: bool = False


def find_blobs(scene: Scene) -> list[Blob]:
    """Bright round things at two scales an octave, the roundest of each scale.

    The scale of ground glass is searched from the second octave on: below it is noise.
    """
    found: list[Blob] = []
    for n, level in enumerate(scene.levels):
        for sigma in OCTAVE_SIGMAS:
            found += _at_scale(level, sigma, is_soft=False)
            if n > 0:
                found += _at_scale(level, sigma, is_soft=True)
    return found


def _at_scale(level: Level, sigma: float, *, is_soft: bool) -> list[Blob]:
    """Blobs of one scale, the roundest first; `sigma` in voxels of the level."""
    least = LEAST_ROUNDNESS["soft" if is_soft else "solid"]
    smooth = ndimage.gaussian_filter(level.soft if is_soft else level.solid, sigma, truncate=3.0)
    # Roundness is never more than the flattest curvature: the sum of all three is at least thrice that.
    answer = -np.float32(sigma**2) * ndimage.laplace(smooth, mode="nearest")
    is_peak = (answer >= 3 * least) & level.space & (answer == ndimage.maximum_filter(answer, 3))
    peaks = np.argwhere(is_peak)
    if not len(peaks):
        return []
    roundness = _roundness(smooth, peaks) * sigma**2
    strongest = [int(i) for i in np.argsort(-roundness)[:MOST_OF_A_SCALE] if roundness[i] >= least]
    diameter = sigma * level.factor / SIGMA_PER_DIAMETER
    places = level.fine_index_of(peaks)
    return [
        Blob((float(places[i][0]), float(places[i][1]), float(places[i][2])), diameter, float(roundness[i]), is_soft)
        for i in strongest
    ]


def _roundness(smooth: HuArray, peaks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Smallest curvature squared over the largest, (peak,)."""
    bend = -np.linalg.eigvalsh(hessian_at(smooth, peaks))  # rising eigenvalues: the flattest direction is last
    steepest, flattest = bend[:, 0], bend[:, 2]
    return np.where(flattest > 0, flattest**2 / np.maximum(steepest, 1e-6), 0.0)


def hessian_at(smooth: HuArray, places: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Second differences at (place,3) indices, (place,3,3)."""
    padded = np.pad(smooth, 1, mode="edge")
    center = places + 1

    def at(*step: int) -> npt.NDArray[np.float64]:
        z, y, x = (center + np.array(step)).T
        return np.asarray(padded[z, y, x], dtype=np.float64)

    unit = np.eye(3, dtype=int)
    hessian = np.empty((len(places), 3, 3))
    for i in range(3):
        hessian[:, i, i] = at(*unit[i]) + at(*-unit[i]) - 2 * at(0, 0, 0)
        for j in range(i):
            plus, minus = unit[i] + unit[j], unit[i] - unit[j]
            hessian[:, i, j] = hessian[:, j, i] = (at(*plus) + at(*-plus) - at(*minus) - at(*-minus)) / 4
    return hessian


Thing = tuple[tuple[float, float, float], float]
"""Middle and diameter, in the same unit."""


def merge_things(things: list[Thing], limit: int) -> list[int]:
    """Numbers of the first of those that are one thing, at most `limit`; the order says which are better.

    Two are one thing where the middle of one lies well within the other, unless that one is far larger: a nodule
    beside the heart is no part of it.
    """
    kept: list[int] = []
    for number, thing in enumerate(things):
        if len(kept) == limit:
            break
        if not any(_is_same(thing, things[other]) for other in kept):
            kept.append(number)
    return kept


def _is_same(one: Thing, other: Thing) -> bool:
    small, large = sorted((one[1], other[1]))
    near = 0.5 * large if large < 2.5 * small else 0.3 * large
    return float(np.linalg.norm(np.subtract(one[0], other[0]))) <= near
