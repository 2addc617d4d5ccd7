"""What is searched: the CT around the lungs at halving resolutions, with the space in which a lesion can lie."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from diagnosis.candidates.lung_mask import LungSpace
from diagnosis.candidates.working_grid import BoolArray, HuArray, WorkingGrid, resample_isotropic
from diagnosis.record import Volume

SEARCH_SPACING_MM = 1.5
LEVELS = 5
SOLID_HU = (-850.0, 50.0)
"""Mapped to 0 and 1. Brighter counts the same: bone and contrast medium must not outshine a nodule."""
SOFT_HU = (-830.0, -480.0)
"""The same for ground glass (about -600), which would answer weakly on the scale of solid tissue."""


@final
@dataclass(frozen=True, eq=False)
class Level:
    """The scene at one resolution; level n has voxels of `SEARCH_SPACING_MM` times 2^n.

    Attributes:
        hu: (z,y,x).
        solid, soft: contrast to lung in [0,1] on two scales, 0 outside the space: the chest wall must not hide what
            is on it.
        space: where a lesion can lie.
        factor: 2^n.
    """

    hu: HuArray
    solid: HuArray
    soft: HuArray
    space: BoolArray
    factor: int

    def index_of(self, fine: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Index on this level of (…,3) indices on the finest."""
        return (np.asarray(fine, dtype=np.float64) - (self.factor - 1) / 2) / self.factor

    def fine_index_of(self, index: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Index on the finest level of (…,3) indices on this one."""
        return np.asarray(index, dtype=np.float64) * self.factor + (self.factor - 1) / 2


@final
@dataclass(frozen=True, eq=False)
class Scene:
    """The space of the lungs, ready to be searched.

    Attributes:
        grid: the finest resolution and its place in the patient.
        levels: the same at halving resolutions.
        lung_box: (2,3), first and last index of aerated lung on the finest level.
        depth_mm: distance to the border of the space on level 1, (z,y,x).
    """

    grid: WorkingGrid
    levels: tuple[Level, ...]
    lung_box: npt.NDArray[np.float64]
    depth_mm: HuArray


def make_scene(volume: Volume, coarse: WorkingGrid, lung_space: LungSpace) -> Scene:
    """Resample the CT around the lungs.

    Args:
        volume: the CT.
        coarse: the grid that the lungs were found on.
        lung_space: what was found there.
    """
    grid = resample_isotropic(volume, SEARCH_SPACING_MM, _box_mm(coarse, lung_space.space))
    to_coarse = np.linalg.inv(coarse.affine_lps) @ grid.affine_lps
    space = _onto(lung_space.space, to_coarse, grid.values.shape)
    levels = [_level(grid.values, space, 1)]
    while len(levels) < LEVELS and min(levels[-1].hu.shape) >= 8:
        levels.append(_next(levels[-1]))
    corners = np.argwhere(lung_space.lungs)
    ends = np.array([corners.min(axis=0), corners.max(axis=0)], dtype=np.float64)
    box = (ends - to_coarse[:3, 3]) / np.diag(to_coarse)[:3]
    level = levels[min(1, len(levels) - 1)]
    depth = ndimage.distance_transform_edt(np.pad(level.space, 1))[1:-1, 1:-1, 1:-1]
    return Scene(grid, tuple(levels), box, np.asarray(depth * SEARCH_SPACING_MM * level.factor, dtype=np.float32))


def contrast(hu: HuArray, hu_range: tuple[float, float]) -> HuArray:
    """HU to [0,1]."""
    low, high = hu_range
    return np.asarray(np.clip((hu - low) / (high - low), 0, 1), dtype=np.float32)


def _level(hu: HuArray, space: BoolArray, factor: int) -> Level:
    solid = np.where(space, contrast(hu, SOLID_HU), np.float32(0))
    soft = np.where(space, contrast(hu, SOFT_HU), np.float32(0))
    return Level(hu, solid, soft, space, factor)


def _next(level: Level) -> Level:
    """Half the resolution. Contrast is halved and not made anew: a fine edge of the space stays what it was."""
    return Level(
        _halved(level.hu),
        _halved(level.solid),
        # Of the averaged HU: noise, which is cut off at 0, would otherwise look like tissue.
        np.asarray(_halved(level.space) * contrast(_halved(level.hu), SOFT_HU), dtype=np.float32),
        _halved(level.space) >= 0.5,
        level.factor * 2,
    )


def _halved(values: npt.NDArray[np.float32] | BoolArray) -> HuArray:
    """Means of blocks of 2 x 2 x 2 voxels; an odd end is repeated."""
    padded = np.pad(values, [(0, n % 2) for n in values.shape], mode="edge")
    a, b, c = (n // 2 for n in padded.shape)
    return np.asarray(padded.reshape(a, 2, b, 2, c, 2).mean(axis=(1, 3, 5), dtype=np.float32), dtype=np.float32)


def _box_mm(coarse: WorkingGrid, space: BoolArray) -> npt.NDArray[np.float64]:
    """(2,3) LPS corners of the searched space, a little widened."""
    box = ndimage.find_objects(space.astype(np.uint8))[0]
    ends = np.array([[s.start - 2 for s in box], [s.stop + 1 for s in box]])
    corners = np.array([coarse.position_of(end) for end in ends])
    return np.array([corners.min(axis=0), corners.max(axis=0)])


def _onto(space: BoolArray, to_coarse: npt.NDArray[np.float64], shape: tuple[int, ...]) -> BoolArray:
    inside = ndimage.affine_transform(
        space.astype(np.float32), np.diag(to_coarse[:3, :3]), to_coarse[:3, 3], output_shape=shape, order=1
    )
    return np.asarray(inside > 0.5)
