"""A CT volume in Hounsfield units with the affine that places it in the patient, and a region in it."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import final

import numpy as np
import numpy.typing as npt

from diagnosis.errors import GeometryError, RegionError
from diagnosis.record import geometry

PLAUSIBLE_HU = (-32768.0, 65535.0)
"""Widest range that 16-bit CT data with extended scale can hold; metal reaches about 30,000 HU."""


@final
@dataclass(frozen=True, eq=False)
class Volume:
    """A CT volume.

    Attributes:
        hu: float32 (slice,row,column), Hounsfield units.
        affine_lps: float64 (4,4), index (slice,row,column) of a voxel center to LPS mm.
        padding_hu: value that fills voxels outside the scanner's field, or None where there are none.
        history: what was done to the voxels since they were read, in words.

    Raises:
        GeometryError: not three-dimensional, non-finite, skewed or degenerate affine, implausible HU.
    """

    hu: npt.NDArray[np.float32]
    affine_lps: npt.NDArray[np.float64]
    padding_hu: float | None = None
    history: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.hu.ndim != 3 or 0 in self.hu.shape:
            msg = f"volume: shape {self.hu.shape} is not (slice, row, column) with at least one voxel along each axis"
            raise GeometryError(msg)
        object.__setattr__(self, "hu", np.ascontiguousarray(self.hu, dtype=np.float32))
        object.__setattr__(self, "affine_lps", np.array(self.affine_lps, dtype=np.float64))
        self._check_affine()
        self._check_values()
        geometry.frozen(self.affine_lps)

    def _check_affine(self) -> None:
        affine = self.affine_lps
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or not np.allclose(affine[3], [0, 0, 0, 1]):
            msg = "volume: the affine is not a finite (4,4) matrix with last row 0 0 0 1; export the series again"
            raise GeometryError(msg)
        lengths = np.linalg.norm(affine[:3, :3], axis=0)
        if (lengths < 1e-3).any():
            stated = " x ".join(f"{length:.4g}" for length in lengths)
            msg = f"volume: voxel spacing {stated} mm is degenerate; export the series again"
            raise GeometryError(msg)
        unit = affine[:3, :3] / lengths
        if np.abs(unit.T @ unit - np.eye(3)).max() > 0.01:
            msg = "volume: the affine's columns are not orthogonal (a tilted gantry?); resample onto an orthogonal grid"
            raise GeometryError(msg)

    def _check_values(self) -> None:
        # min and max propagate NaN and infinity: two passes, no temporary the size of the volume.
        low, high = float(self.hu.min()), float(self.hu.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            msg = "volume: some voxels are not finite numbers; export the series again"
            raise GeometryError(msg)
        if low < PLAUSIBLE_HU[0] or high > PLAUSIBLE_HU[1]:
            msg = f"volume: values from {low:.0f} to {high:.0f} cannot be Hounsfield units; check the rescale slope"
            raise GeometryError(msg)

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centers along (slice,row,column), never Slice Thickness."""
        return geometry.spacing_mm(self.affine_lps)

    def index_of(self, point_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Fractional (slice,row,column) index of an LPS point."""
        return geometry.mm_to_index(self.affine_lps, point_mm)

    def position_of(self, index: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """LPS mm of a (slice,row,column) index."""
        return geometry.index_to_mm(self.affine_lps, index)

    def contains(self, point_mm: npt.ArrayLike) -> bool:
        """Whether an LPS point lies within the volume, half a voxel beyond the outermost centers included."""
        index = self.index_of(point_mm)
        return bool((index >= -0.5).all() and (index <= np.array(self.hu.shape) - 0.5).all())


class RegionSource(StrEnum):
    """Who said where to look."""

    CLICK = "click"
    REPORT = "report"
    CANDIDATE = "candidate"


@final
@dataclass(frozen=True)
class RegionOfInterest:
    """A region to be assessed.

    Attributes:
        center_mm: LPS.
        diameter_mm: largest diameter where it is known.
        source: who said where to look.
    """

    center_mm: tuple[float, float, float]
    diameter_mm: float | None = None
    source: RegionSource = RegionSource.CLICK

    def __post_init__(self) -> None:
        if len(self.center_mm) != 3 or not all(np.isfinite(v) for v in self.center_mm):
            msg = "region: the center is not three finite millimeter values; give X,Y,Z in LPS"
            raise RegionError(msg)
        if self.diameter_mm is not None and not 0.5 <= self.diameter_mm <= 300:
            msg = f"region: a diameter of {self.diameter_mm:g} mm is not possible; give 0.5 to 300 mm, or none"
            raise RegionError(msg)

    def require_inside(self, volume: Volume) -> None:
        """Raise RegionError unless the center lies in the volume."""
        if not volume.contains(self.center_mm):
            corners = volume.position_of([[0, 0, 0], [size - 1 for size in volume.hu.shape]])
            low, high = corners.min(axis=0), corners.max(axis=0)
            x, y, z = self.center_mm
            remedy = "check the coordinates"
            if volume.contains((-x, -y, z)):
                remedy = "with x and y of the other sign it lies inside: give LPS, not the RAS coordinates of NIfTI"
            msg = (
                f"region: the center lies outside the CT, which spans x {low[0]:.0f} to {high[0]:.0f}, "
                f"y {low[1]:.0f} to {high[1]:.0f}, z {low[2]:.0f} to {high[2]:.0f} mm (LPS); {remedy}"
            )
            raise RegionError(msg)
