"""A CT on an isotropic grid along the patient's axes, coarse enough to search in seconds."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from diagnosis.record import Volume

HuArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
Box = tuple[slice, slice, slice]


@final
@dataclass(frozen=True, eq=False)
class WorkingGrid:
    """Values on an isotropic grid.

    Attributes:
        values: float32, axes nearest to the patient's (z,y,x) and in their direction, however the scan is stored.
        spacing_mm: of every axis.
        affine_lps: (4,4), index of this grid to LPS mm.
    """

    values: HuArray
    spacing_mm: float
    affine_lps: npt.NDArray[np.float64]

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in milliliters."""
        return self.spacing_mm**3 / 1000.0

    def position_of(self, index: npt.ArrayLike) -> tuple[float, float, float]:
        """LPS mm of an index of this grid."""
        x, y, z = self.affine_lps[:3, :3] @ np.asarray(index, dtype=np.float64) + self.affine_lps[:3, 3]
        return float(x), float(y), float(z)


def patient_axes(volume: Volume) -> tuple[int, int, int]:
    """The volume's axes that run nearest to the patient's z, y and x, whatever the plane of the scan."""
    share = np.abs(volume.affine_lps[:3, :3]) / np.array(volume.spacing_mm)
    z = int(np.argmax(share[2]))
    y = next(int(axis) for axis in np.argsort(-share[1]) if axis != z)
    return z, y, 3 - z - y


def resample_isotropic(volume: Volume, spacing_mm: float, box_mm: npt.NDArray[np.float64] | None = None) -> WorkingGrid:
    """Resample a volume: blocks are averaged, then interpolated linearly.

    Averaging first costs one pass over the scan, takes noise away, and keeps small things that picking would miss.

    Args:
        volume: any orientation.
        spacing_mm: of the result.
        box_mm: (2,3) LPS corners of the part that is wanted; the whole by default.
    """
    order = list(patient_axes(volume))
    low, high = _index_range(volume, box_mm)
    columns = volume.affine_lps[:3, :3][:, order]
    is_reversed = columns[[2, 1, 0], [0, 1, 2]] < 0
    block = volume.hu[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))].transpose(order)
    block = np.flip(block, tuple(np.flatnonzero(is_reversed).tolist()))
    columns = np.where(is_reversed, -columns, columns)
    first = np.array(low)
    first[order] = np.where(is_reversed, high[order] - 1, low[order])
    spacing = np.array(volume.spacing_mm)[order]
    factors = np.clip(np.round(spacing_mm / spacing).astype(int), 1, block.shape)
    averaged = _average_blocks(block, factors)
    zoom = spacing_mm / (spacing * factors)
    shape = tuple(int(n) for n in np.maximum(np.floor((np.array(averaged.shape) - 1) / zoom).astype(int) + 1, 1))
    values = ndimage.affine_transform(averaged, zoom, output_shape=shape, order=1, mode="nearest", output=np.float32)
    # First voxel of the grid: the middle of the first block of averaged voxels.
    affine = np.eye(4)
    affine[:3, :3] = columns / spacing * spacing_mm
    affine[:3, 3] = volume.position_of(first) + columns @ ((factors - 1) / 2)
    return WorkingGrid(values, spacing_mm, affine)


def _index_range(volume: Volume, box_mm: npt.NDArray[np.float64] | None) -> tuple[Any, Any]:
    size = np.array(volume.hu.shape)
    if box_mm is None:
        return np.zeros(3, dtype=int), size
    corners = np.array(np.meshgrid(*box_mm.T, indexing="ij")).reshape(3, -1).T
    index = volume.index_of(corners)
    low = np.clip(np.floor(index.min(axis=0)).astype(int), 0, size - 1)
    return low, np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, low + 1, size)


def _average_blocks(values: HuArray, factors: npt.NDArray[np.int64]) -> HuArray:
    """Mean of blocks of `factors` voxels; what does not fill a block at the far end is left out."""
    for axis, factor in enumerate(factors):
        if factor == 1:
            continue
        n = values.shape[axis] // factor
        parts = [np.take(values, np.arange(n) * factor + k, axis=axis) for k in range(factor)]
        total = parts[0]
        for part in parts[1:]:
            total += part
        total /= np.float32(factor)
        values = total
    return np.ascontiguousarray(values, dtype=np.float32)
