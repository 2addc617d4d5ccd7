"""A CT that is too small to hold a chest: a crop, cut around what somebody wants to know about.

Collections of nodules are often handed on as such crops (LIDC-IDRI, LUNA16, NoduleMNIST3D), with the nodule in the
middle and no lungs around it in which anything could be searched.
"""

import numpy as np
import numpy.typing as npt

from diagnosis.candidates.blobs import find_blobs
from diagnosis.candidates.lung_mask import LungSpace
from diagnosis.candidates.scene import SEARCH_SPACING_MM, Scene, make_scene
from diagnosis.candidates.traits import measure_traits
from diagnosis.candidates.working_grid import resample_isotropic
from diagnosis.record import RegionOfInterest, Volume
from diagnosis.record.volume import RegionSource

LARGEST_CROP_MM = 100.0
"""On every side. The chest of a newborn is about as wide; scanners show more around it."""
AERATED_HU = (-1000.0, -500.0)
LEAST_AERATED = 0.1
"""Share of the voxels; the 807 crops of LIDC-IDRI nodules have 0.13 and more, soft tissue and other units none."""
NEAR_MIDDLE_MM = 3.0
"""What is measured may lie so far from the middle, or by half its diameter."""


def extent_mm(volume: Volume) -> tuple[float, float, float]:
    """Length of the three sides."""
    first, second, third = (n * mm for n, mm in zip(volume.hu.shape, volume.spacing_mm, strict=True))
    return first, second, third


def is_lung_crop(volume: Volume) -> bool:
    """Whether a CT is too small to hold a chest and shows aerated lung."""
    if max(extent_mm(volume)) > LARGEST_CROP_MM:
        return False
    low, high = AERATED_HU
    return float(np.mean((volume.hu > low) & (volume.hu < high))) >= LEAST_AERATED


def middle_region(volume: Volume) -> RegionOfInterest:
    """The middle of a crop, with the diameter of what is round there; None for it where nothing is."""
    center = volume.position_of((np.array(volume.hu.shape) - 1) / 2)
    x, y, z = (round(float(v), 1) for v in center)
    return RegionOfInterest((x, y, z), _diameter_mm(volume, center), RegionSource.CANDIDATE)


def _diameter_mm(volume: Volume, center: npt.NDArray[np.float64]) -> float | None:
    scene = _scene_of(volume)
    _, sized = measure_traits(scene, find_blobs(scene))
    near: list[tuple[float, float]] = []
    for one in sized:
        diameter_mm = one.diameter * scene.grid.spacing_mm
        away_mm = float(np.linalg.norm(np.subtract(scene.grid.position_of(one.index), center)))
        if away_mm <= max(NEAR_MIDDLE_MM, diameter_mm / 2):
            near.append((one.blob.roundness, diameter_mm))
    return round(max(near)[1], 1) if near else None


def _scene_of(volume: Volume) -> Scene:
    """The whole crop as the space to search."""
    grid = resample_isotropic(volume, SEARCH_SPACING_MM)
    everywhere = np.ones(grid.values.shape, dtype=bool)
    return make_scene(volume, grid, LungSpace(everywhere, everywhere))
