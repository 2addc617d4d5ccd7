"""Real nodules set into synthetic chests: known truth in whole scans, to train and check a search.

A crop around a nodule holds no vessels, heart or diaphragm to tell it from, and a network that saw real nodules beside
synthetic vessels could learn to tell real from synthetic. So each nodule is cut out along its readers' outline and set
into a synthetic patient without a lesion: lesion and everything else then share the scan.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from diagnosis.candidates.lung_mask import find_lung_space
from diagnosis.candidates.working_grid import resample_isotropic
from diagnosis.errors import InputError
from diagnosis.ingest.nifti import read_nifti
from diagnosis.record import RegionOfInterest, Volume

Floats = npt.NDArray[np.float64]
GAP_MM = 8.0
"""Least distance between two implants."""
MASS_FROM_MM = 14.0
"""Larger nodules are also set in magnified, as masses: the cohort has none."""
MASS_MM = (35.0, 75.0)


@final
@dataclass(frozen=True, eq=False)
class Cutout:
    """A nodule with its outline.

    Attributes:
        volume: CT around it.
        share: how much of each voxel is nodule, of the volume's shape.
        center_mm: LPS centroid.
        diameter_mm: as the readers measured it.
        fold: of its patient.
    """

    volume: Volume
    share: npt.NDArray[np.float32]
    center_mm: Floats
    diameter_mm: float
    fold: str


def read_cutouts(root: Path) -> list[Cutout]:
    """Every outlined nodule of the LIDC folder (`labels.csv`, `image/`, `mask/`).

    Raises:
        InputError: the folder or its table is missing.
    """
    try:
        with (root / "labels.csv").open(encoding="utf-8", newline="") as stream:
            return [
                _cutout(root / row["image"], root / row["mask"], float(row["diameter_mm"]), row["split"])
                for row in csv.DictReader(stream)
            ]
    except (OSError, KeyError, ValueError) as error:
        msg = f"LIDC cohort: labels.csv in {root} is missing or not as expected; name the folder of the nodules"
        raise InputError(msg) from error


def _cutout(image: Path, mask: Path, diameter_mm: float, fold: str) -> Cutout:
    volume, outline = read_nifti(image), read_nifti(mask)
    # A voxel of blur: the edge of an outline is a staircase, that of a nodule is not.
    share = ndimage.gaussian_filter((outline.hu > 0).astype(np.float32), (0.4, 0.7, 0.7))
    center = outline.position_of(np.argwhere(outline.hu > 0).mean(axis=0))
    return Cutout(volume, share, np.asarray(center), diameter_mm, fold)


def implant(
    chest: Volume, cutouts: Sequence[Cutout], n_masses: int, rng: np.random.Generator
) -> tuple[Volume, tuple[RegionOfInterest, ...]]:
    """Set nodules into a chest, a third of them on the pleura or the mediastinum.

    Args:
        chest: without a lesion.
        cutouts: which nodules.
        n_masses: how many of the large ones are set in magnified as well.
        rng: places, mirroring, magnification.

    Returns:
        The chest with the lesions, and where they are; one that finds no room is left out.
    """
    hu = chest.hu.copy()
    large = [c for c in cutouts if c.diameter_mm >= MASS_FROM_MM]
    scaled = [(c, float(rng.uniform(*MASS_MM)) / c.diameter_mm) for c in large[:n_masses]]
    scaled += [(c, 1.0) for c in cutouts]
    places, depths = _places(chest)
    lesions: list[RegionOfInterest] = []
    for cutout, scale in scaled:
        diameter_mm = cutout.diameter_mm * scale
        center = _room(places, depths, diameter_mm, lesions, rng)
        if center is None:
            continue
        _set_in(hu, chest, (cutout, scale), center, rng)
        lesions.append(RegionOfInterest((float(center[0]), float(center[1]), float(center[2])), diameter_mm))
    return Volume(hu, chest.affine_lps), tuple(lesions)


def _places(chest: Volume) -> tuple[Floats, Floats]:
    """LPS mm of lung voxels, (place,3), and their distance to the lung's edge, (place,)."""
    grid = resample_isotropic(chest, 3.0)
    space = find_lung_space(grid)
    if space is None:
        msg = "implants: no lungs were found in the chest that nodules are to be set into"
        raise InputError(msg)
    lungs = ndimage.binary_closing(np.pad(space.lungs, 4), iterations=3)[4:-4, 4:-4, 4:-4]
    depth = ndimage.distance_transform_edt(np.pad(lungs, 1))[1:-1, 1:-1, 1:-1] * 3.0
    index = np.argwhere(lungs)
    places = index @ grid.affine_lps[:3, :3].T + grid.affine_lps[:3, 3]
    return np.asarray(places), np.asarray(depth[tuple(index.T)], dtype=np.float64)


def _room(
    places: Floats, depths: Floats, diameter_mm: float, taken: list[RegionOfInterest], rng: np.random.Generator
) -> Floats | None:
    radius = diameter_mm / 2
    on_wall = rng.random() < (0.6 if diameter_mm > MASS_MM[0] else 0.33)
    low, high = (0.4 * radius, 0.9 * radius + 2) if on_wall else (radius + 3, np.inf)
    fits = (depths >= low) & (depths <= high)
    for lesion in taken:
        apart = radius + (lesion.diameter_mm or 0) / 2 + GAP_MM
        fits &= np.linalg.norm(places - np.array(lesion.center_mm), axis=1) > apart
    chosen = np.flatnonzero(fits)
    return np.asarray(places[rng.choice(chosen)]) if chosen.size else None


def _set_in(
    hu: npt.NDArray[np.float32], chest: Volume, nodule: tuple[Cutout, float], center: Floats, rng: np.random.Generator
) -> None:
    """Blend a nodule into the voxels, in place, mirrored at random."""
    cutout, scale = nodule
    extent = np.array(cutout.volume.hu.shape) * np.array(cutout.volume.spacing_mm)
    reach = float(np.linalg.norm(extent)) / 2 * scale
    middle = chest.index_of(center)
    half = reach / np.array(chest.spacing_mm)
    low = np.maximum(np.floor(middle - half).astype(int), 0)
    high = np.minimum(np.ceil(middle + half).astype(int) + 1, chest.hu.shape)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    index = np.indices(tuple(high - low)).reshape(3, -1).T + low
    offset = (chest.position_of(index) - center) / scale * rng.choice([-1.0, 1.0], 3)
    source = cutout.volume.index_of(cutout.center_mm + offset).T
    share = ndimage.map_coordinates(cutout.share, source, order=1, cval=0.0).reshape(hu[box].shape)
    inner = ndimage.map_coordinates(cutout.volume.hu, source, order=1, mode="nearest").reshape(hu[box].shape)
    hu[box] = (1 - share) * hu[box] + share * np.maximum(inner, -1000)
