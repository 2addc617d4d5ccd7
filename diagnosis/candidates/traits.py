"""What a blob is like: numbers that tell a lesion from a vessel, the heart, a dome of the diaphragm, a fissure.

All are taken in units of the blob's own radius, on the level where it is about four voxels wide, so that a nodule and a
mass of the same form have the same numbers. Only geometry, HU and the place within the lungs are asked, no texture:
they mean the same on every scanner.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from diagnosis.candidates.blobs import SIGMA_PER_DIAMETER, Blob, hessian_at
from diagnosis.candidates.scene import Level, Scene
from diagnosis.candidates.working_grid import BoolArray, HuArray

Floats = npt.NDArray[np.float64]

TRAIT_NAMES = (
    "log_diameter", "is_soft", "log_roundness",
    "solid_core", "solid_ball", "solid_shell", "solid_far", "soft_core", "soft_shell", "soft_far",
    "unevenness", "core_hu", "core_high_hu", "lung_in_shell", "outside_in_shell", "outside_far",
    "way_min", "way_25", "way_50", "way_75", "way_max", "way_opposite", "way_mean_vector",
    "way_axis_small", "way_axis_middle", "flat_by_steep", "middle_by_steep", "steepness",
    "part_radius", "part_reaches_out", "part_shape_small", "part_shape_middle", "part_off_center",
    "height", "from_middle", "depth_in_chest", "from_border", "from_border_by_radius",
)  # fmt: skip
"""Order of the last axis of `measure_traits`."""

REACH = 2.5
"""Radii around the center that are looked at."""
LEAST_RADIUS = 2.5
"""Voxels: a level on which the blob is smaller is too coarse."""


@final
@dataclass(frozen=True)
class Sized:
    """A blob with what its voxels say of its middle and size.

    Attributes:
        blob: as it was found.
        index: fractional (z,y,x) on the finest level: centroid of its own tissue.
        diameter: of the ball of that tissue's volume, in voxels of the finest level; by the scale where the tissue
            grows into something else.
    """

    blob: Blob
    index: tuple[float, float, float]
    diameter: float


def measure_traits(scene: Scene, blobs: list[Blob]) -> tuple[Floats, list[Sized]]:
    """Traits of each blob, (blob,trait), and its measured middle and size."""
    rows, sized = [], []
    for blob in blobs:
        look = _look_at(scene, blob)
        part, own = _own_tissue(look, blob)
        row = [np.log2(blob.diameter), float(blob.is_soft), np.log(blob.roundness + 1e-3)]
        row += _tissue(look) + _ways(look) + _curvature(look) + part + _place(scene, blob)
        rows.append(row)
        sized.append(own)
    return np.array(rows, dtype=np.float64).reshape(len(blobs), len(TRAIT_NAMES)), sized


@final
@dataclass(frozen=True, eq=False)
class _Look:
    """The block around a blob on its level.

    Attributes:
        low: (3,) index of the block's first voxel on the level.
        center, radius: of the blob, in voxels of the block.
        hu, solid, soft, space: the block's part of the level.
        rho: distance of each voxel from the center, in radii.
    """

    level: Level
    low: npt.NDArray[np.int64]
    center: Floats
    radius: float
    hu: HuArray
    solid: HuArray
    soft: HuArray
    space: BoolArray
    rho: HuArray

    @property
    def core(self) -> BoolArray:
        """The inner half, and at least the voxels about the center."""
        return np.asarray(self.rho <= max(0.5, 0.9 / self.radius))

    def own(self, *, is_soft: bool) -> HuArray:
        """The contrast on the scale that the blob was found on."""
        return self.soft if is_soft else self.solid


def _look_at(scene: Scene, blob: Blob) -> _Look:
    """On the coarsest level that still shows the blob well, or the finest where none does."""
    fitting = [level for level in scene.levels if blob.diameter / 2 / level.factor >= LEAST_RADIUS]
    level = fitting[-1] if fitting else scene.levels[0]
    radius = max(blob.diameter / 2 / level.factor, 1.5)
    middle = level.index_of(blob.index)
    size = np.array(level.hu.shape)
    low = np.clip(np.floor(middle - REACH * radius).astype(int), 0, size - 1)
    high = np.clip(np.ceil(middle + REACH * radius).astype(int) + 1, low + 1, size)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    center = middle - low
    z, y, x = (np.arange(n, dtype=np.float32) - c for n, c in zip(high - low, center, strict=True))
    rho = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2) / np.float32(radius)
    return _Look(level, low, center, radius, level.hu[box], level.solid[box], level.soft[box], level.space[box], rho)


def _tissue(look: _Look) -> list[float]:
    """Contrast, HU and lung in the core, the ball, the shell around it and farther out."""
    core, ball = look.core, look.rho <= 1
    shell, far = (look.rho > 1.2) & (look.rho <= 1.7), (look.rho > 1.7) & (look.rho <= 2.4)

    def mean(values: npt.NDArray[np.float32] | BoolArray, where: BoolArray) -> float:
        return float(values[where].mean()) if where.any() else 0.0

    core_hu = np.clip(look.hu[core], -1000, 400)
    return [
        *(mean(look.solid, where) for where in (core, ball, shell, far)),
        *(mean(look.soft, where) for where in (core, shell, far)),
        float(look.solid[ball].std()),
        float(np.median(core_hu)) / 500,
        float(np.percentile(core_hu, 90)) / 500,
        mean((look.hu < -650) & look.space, shell),
        mean(~look.space, shell),
        mean(~look.space, far),
    ]


def _directions() -> Floats:
    """(26,3) unit vectors to the neighbors of a voxel; row i and row 25 - i are opposite."""
    steps = np.array([(a, b, c) for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1) if (a, b, c) != (0, 0, 0)])
    return np.asarray(steps / np.linalg.norm(steps, axis=1, keepdims=True))


_WAYS = _directions()


def _ways(look: _Look) -> list[float]:
    """Contrast along 26 ways out, as a share of the core's: a nodule has none, a vessel two opposite, a wall one side.

    What lies outside the space counts as tissue here: that is where a wall continues.
    """
    steps = np.array([1.3, 1.6, 1.9])
    points = look.center + look.radius * steps[:, None, None] * _WAYS
    index = np.clip(np.round(points).astype(int), 0, np.array(look.hu.shape) - 1)
    z, y, x = np.moveaxis(index, -1, 0)
    tissue = np.where(look.space, look.soft, np.float32(1))
    core = float(look.soft[look.core].mean()) + 1e-3
    ways = np.minimum(tissue[z, y, x].mean(axis=0) / core, 1.5).astype(np.float64)
    spread = np.einsum("w,wi,wj->ij", ways, _WAYS, _WAYS) / (ways.sum() + 1e-3)
    small, middle, _ = np.linalg.eigvalsh(spread)
    return [
        *np.percentile(ways, [0, 25, 50, 75, 100]),
        float(np.minimum(ways, ways[::-1]).max()),
        float(np.linalg.norm(ways @ _WAYS) / 26),
        float(small),
        float(middle),
    ]


def _curvature(look: _Look) -> list[float]:
    """Ratios of the Hessian's eigenvalues at the blob's own scale on the scale of ground glass, and the steepest."""
    sigma = 2 * look.radius * SIGMA_PER_DIAMETER
    smooth = ndimage.gaussian_filter(look.soft, sigma, truncate=2.5)
    at = np.clip(np.round(look.center).astype(int), 0, np.array(look.soft.shape) - 1)
    bend = -np.linalg.eigvalsh(hessian_at(smooth, at[None]))[0] * sigma**2
    steepest = max(float(bend[0]), 1e-4)
    return [float(np.clip(bend[2] / steepest, -1, 1)), float(np.clip(bend[1] / steepest, -1, 1)), steepest]


def _own_tissue(look: _Look, blob: Blob) -> tuple[list[float], Sized]:
    """The voxels above half the core's contrast that hang together with it: size, shape, and how far they reach."""
    values = look.own(is_soft=blob.is_soft)
    core = look.rho <= max(0.4, 0.9 / look.radius)
    peak = float(np.percentile(values[core], 90))
    labels, _ = ndimage.label((values > max(0.5 * peak, 0.1)) & (look.rho <= 1.8))
    inner = labels[core]
    inner = inner[inner > 0]
    if not inner.size:
        return [0.0, 0.0, 0.0, 0.0, 0.0], Sized(blob, blob.index, blob.diameter)
    part = labels == np.bincount(inner).argmax()
    places = np.argwhere(part)
    radius = (3 * len(places) / (4 * np.pi)) ** (1 / 3)
    around = part[(look.rho > 1.5) & (look.rho <= 1.8)]
    reaches_out = float(around.mean()) if around.size else 0.0  # a crop may end before
    center = places.mean(axis=0)
    shape = np.linalg.eigvalsh(np.cov(places.T) + np.eye(3) / 12) if len(places) > 3 else np.ones(3)
    off = float(np.linalg.norm(center - look.center)) / look.radius
    traits = [radius / look.radius, reaches_out, float(shape[0] / shape[2]), float(shape[1] / shape[2]), off]
    is_whole = reaches_out < 0.25
    fine = look.level.fine_index_of(center + look.low if is_whole else look.center + look.low)
    diameter = 2 * radius * look.level.factor if is_whole else blob.diameter
    return traits, Sized(blob, (float(fine[0]), float(fine[1]), float(fine[2])), float(diameter))


def _place(scene: Scene, blob: Blob) -> list[float]:
    """Where it lies within the lungs, and how far from the border of the space."""
    low, high = scene.lung_box
    part = (np.array(blob.index) - low) / np.maximum(high - low, 1)
    level = scene.levels[min(1, len(scene.levels) - 1)]
    at = np.clip(np.round(level.index_of(blob.index)).astype(int), 0, np.array(scene.depth_mm.shape) - 1)
    depth = float(scene.depth_mm[tuple(at)])
    radius_mm = blob.diameter / 2 * scene.grid.spacing_mm
    z_up, y_back = scene.grid.affine_lps[2, 0] > 0, scene.grid.affine_lps[1, 1] > 0
    height = part[0] if z_up else 1 - part[0]
    back = part[1] if y_back else 1 - part[1]
    return [float(height), float(abs(part[2] - 0.5)), float(back), depth / 50, min(depth / radius_mm, 4.0)]
