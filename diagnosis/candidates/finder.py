"""From a chest CT to at most ten regions that somebody should look at."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import ndimage

from diagnosis.candidates.blobs import Blob, find_blobs, merge_blobs
from diagnosis.candidates.lung_mask import LungSpace, find_lung_space
from diagnosis.candidates.working_grid import BoolArray, HuArray, WorkingGrid, resample_isotropic
from diagnosis.record import RegionOfInterest, Volume
from diagnosis.record.volume import RegionSource

OnProgress = Callable[[int, int], None]

MOST_CANDIDATES = 10
MASK_SPACING_MM = 3.0
SEARCH_SPACING_MM = 1.5
OCTAVES = 5
"""Scales for balls of 6 to 140 mm; smaller ones answer to the first scale, only less."""
LUNG_HU = -850.0
TISSUE_HU = 50.0
"""Brighter counts the same: bone and contrast medium must not outshine a nodule."""
LEAST_ROUNDNESS = 0.02
NO_LUNGS = "no lungs were found in the CT: it is not a chest, or its values are not Hounsfield units"
NO_BLOBS = "nothing round was found in the lungs"


@final
@dataclass(frozen=True)
class Candidate:
    """A region that may hold a lesion, to be confirmed or dismissed by a clinician.

    Attributes:
        region: center in LPS mm, estimated diameter, source "candidate".
        strength: roundness times contrast to the lung, about 0 to 0.5; ranks candidates of one study and is no
            probability.
        reason: why it was proposed, in words.
    """

    region: RegionOfInterest
    strength: float
    reason: str


@final
@dataclass(frozen=True)
class CandidateSearch:
    """Outcome of a search.

    Attributes:
        candidates: strongest first.
        reason: why there are none, or None where there are some.
    """

    candidates: tuple[Candidate, ...]
    reason: str | None = None


def find_candidates(volume: Volume, on_progress: OnProgress | None = None) -> tuple[Candidate, ...]:
    """Up to ten candidates, strongest first; empty where there are no lungs or nothing round in them."""
    return search_candidates(volume, on_progress).candidates


def search_candidates(volume: Volume, on_progress: OnProgress | None = None) -> CandidateSearch:
    """The same, and why there are none.

    Args:
        volume: a CT in HU, any orientation.
        on_progress: called with (done, all) stages.
    """
    advance = on_progress or (lambda _done, _all: None)
    coarse = resample_isotropic(volume, MASK_SPACING_MM)
    advance(1, 4)
    lung_space = find_lung_space(coarse)
    advance(2, 4)
    if lung_space is None:
        advance(4, 4)
        return CandidateSearch((), NO_LUNGS)
    grid = resample_isotropic(volume, SEARCH_SPACING_MM, _box_mm(coarse, lung_space))
    values, space = _contrast(grid, coarse, lung_space)
    advance(3, 4)
    blobs = merge_blobs(find_blobs(values, OCTAVES, LEAST_ROUNDNESS), space, MOST_CANDIDATES)
    candidates = tuple(_candidate(blob, grid, values, volume) for blob in blobs)
    advance(4, 4)
    return CandidateSearch(candidates, None if candidates else NO_BLOBS)


def _box_mm(coarse: WorkingGrid, lung_space: LungSpace) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """(2,3) LPS corners of the searched space, a little widened."""
    box = ndimage.find_objects(lung_space.space.astype(np.uint8))[0]
    ends = np.array([[s.start - 2 for s in box], [s.stop + 1 for s in box]])
    corners = np.array([coarse.position_of(end) for end in ends])
    return np.array([corners.min(axis=0), corners.max(axis=0)])


def _contrast(grid: WorkingGrid, coarse: WorkingGrid, lung_space: LungSpace) -> tuple[HuArray, BoolArray]:
    """Contrast to lung in [0,1] within the searched space, 0 outside: the chest wall must not hide what is on it."""
    to_coarse = np.linalg.inv(coarse.affine_lps) @ grid.affine_lps
    inside = ndimage.affine_transform(
        lung_space.space.astype(np.float32),
        np.diag(to_coarse[:3, :3]),
        to_coarse[:3, 3],
        output_shape=grid.values.shape,
        order=1,
    )
    space = inside > 0.5
    contrast = np.clip((grid.values - LUNG_HU) / (TISSUE_HU - LUNG_HU), 0, 1)
    return np.asarray(np.where(space, contrast, 0), dtype=np.float32), space


def _candidate(blob: Blob, grid: WorkingGrid, values: HuArray, volume: Volume) -> Candidate:
    middle, diameter_mm = _measured(blob, grid, values)
    index = np.clip(volume.index_of(grid.position_of(middle)), 0, np.array(volume.hu.shape) - 1)
    x, y, z = (round(float(v), 1) for v in volume.position_of(index))
    region = RegionOfInterest((x, y, z), round(diameter_mm, 1), RegionSource.CANDIDATE)
    return Candidate(region, round(blob.roundness, 3), f"round, about {diameter_mm:.0f} mm, in or on the lung")


def _measured(blob: Blob, grid: WorkingGrid, values: HuArray) -> tuple[tuple[float, ...], float]:
    """Center and diameter by the voxels above half the contrast; by the scale where that grows into something else."""
    reach = 0.8 * blob.diameter
    low = np.maximum(np.floor(np.array(blob.index) - reach).astype(int), 0)
    high = np.minimum(np.ceil(np.array(blob.index) + reach).astype(int) + 1, values.shape)
    block = values[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    distance = np.linalg.norm(np.indices(block.shape).T + low - np.array(blob.index), axis=-1).T
    peak = float(block[distance <= max(1.0, 0.2 * blob.diameter)].max(initial=0.0))
    labels, _ = ndimage.label((block > peak / 2) & (distance <= reach))
    label = labels[tuple(np.clip(np.round(blob.index).astype(int) - low, 0, np.array(block.shape) - 1))]
    if label == 0:
        return blob.index, blob.diameter * grid.spacing_mm
    part = labels == label
    diameter = 2 * (3 * float(part.sum()) / (4 * np.pi)) ** (1 / 3)
    return blob.index, diameter * grid.spacing_mm
