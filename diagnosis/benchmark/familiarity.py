"""How often the CT alarm speaks up when it should, and when it should not.

Should not: real nodules of patients held out from the fit, lesions of synthetic patients, the marked lesion of a real
chest CT. Should: the same scans with wrong values (no rescale intercept, a doubled slope, 8-bit gray values, noise), a
region outside the lungs, CT of other parts of the body.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from diagnosis import settings
from diagnosis.bundle.folder import load_familiarity, read_metadata
from diagnosis.candidates.lung_mask import find_lung_space
from diagnosis.candidates.working_grid import resample_isotropic
from diagnosis.errors import BundleError, InputError
from diagnosis.evaluation.reliability import wilson_interval
from diagnosis.familiarity.ct import CtFamiliarity, appearance, fit_ct
from diagnosis.familiarity.model import middle_of, share_around
from diagnosis.ingest.dicom_volume import read_series
from diagnosis.ingest.lesion_boxes import read_lesion_boxes
from diagnosis.ingest.nifti import read_nifti
from diagnosis.phantom.kinds import KINDS, draw_kind_spec
from diagnosis.phantom.patient import make_ct
from diagnosis.preprocessing.volume import FieldOfView, prepare_region, sample_hu
from diagnosis.progress import OnProgress, OpenBar
from diagnosis.record import RegionOfInterest, Volume

Hu = npt.NDArray[np.float32]
MARGIN = (4, 14, 14)
"""Voxels around the field of view that are kept of a crop, to look for lung in; as in training."""
AS_IT_IS = "as it is"
PLACES = 12
"""Places drawn in each scan where the alarm should speak up."""
PLACE_MM = 12.0
"""Diameter that is stated for such a place."""
BEYOND_MM = {"region 20 to 60 mm from the lungs": (20.0, 60.0), "region farther from the lungs": (60.0, np.inf)}
"""Distance to the space of the lungs."""


@final
@dataclass(frozen=True, eq=False)
class Alarm:
    """The CT alarm of a bundle and the field of view it was fitted to."""

    model: CtFamiliarity
    view: FieldOfView


@final
@dataclass(frozen=True, eq=False)
class Crop:
    """A real nodule: HU around the field of view, and which voxels were scanned."""

    fold: str
    hu: npt.NDArray[np.float16 | np.float32]
    is_scanned: npt.NDArray[np.bool_]


@final
@dataclass(frozen=True)
class Sources:
    """What is measured on; a part that is None, or 0, is left out.

    Attributes:
        lidc: folder of the LIDC nodules.
        per_fold: nodules drawn of each fold.
        phantoms: synthetic patients.
        ct: folder of DICOM studies.
        boxes: table of the lesions in them.
    """

    lidc: Path | None
    per_fold: int
    phantoms: int
    ct: Path | None
    boxes: Path | None


def open_alarm(folder: Path | None) -> Alarm:
    """The alarm of a bundle folder, or of the default one.

    Raises:
        BundleError: it cannot be used, or has no CT alarm.
    """
    place = settings.bundle_dir() if folder is None else folder
    familiarity = load_familiarity(place)
    if familiarity is None or familiarity.ct is None:
        msg = f"bundle {place}: it has no CT alarm to measure; train it on at least 40 regions"
        raise BundleError(msg)
    return Alarm(familiarity.ct, read_metadata(place).inputs.contract().view)


@final
@dataclass(frozen=True)
class AlarmBenchmark:
    """An alarm, what it is measured on, and the seed of everything that is drawn."""

    alarm: Alarm
    sources: Sources
    seed: int

    def run(self, open_bar: OpenBar) -> dict[str, dict[str, Any]]:
        """Rates by source and by what was done to the CT, as JSON values.

        Raises:
            InputError: a source cannot be read.
        """
        sources, found = self.sources, {}
        if sources.lidc is not None:
            crops = read_crops(
                sources.lidc, self.alarm.view, (sources.per_fold, self.seed), open_bar("Reading nodules")
            )
            found["real nodules, fold by fold"] = rates(held_out_alarms(crops, self.alarm.view, self.seed))
        if sources.phantoms:
            bar = open_bar("Synthetic patients")
            found["synthetic patients"] = rates(phantom_alarms(self.alarm, sources.phantoms, self.seed, bar))
        if sources.ct is not None:
            studies = real_alarms(self.alarm, sources.ct, sources.boxes, open_bar("Real CT"))
            found |= {name: shares for name, alarmed in studies.items() if (shares := rates(alarmed))}
        return found


def read_crops(root: Path, view: FieldOfView, draw: tuple[int, int], advance: OnProgress) -> list[Crop]:
    """Nodules of the LIDC folder, so many of each fold drawn with a seed (`draw`), on the view's grid with a margin.

    Raises:
        InputError: the folder or its table is missing.
    """
    per_fold, seed = draw
    by_fold: dict[str, list[str]] = defaultdict(list)
    try:
        with (root / "labels.csv").open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                by_fold[row["split"]].append(row["image"])
    except (OSError, KeyError) as error:
        msg = f"LIDC cohort: labels.csv in {root} is missing or not as expected; name the folder of the nodules"
        raise InputError(msg) from error
    rng = np.random.default_rng(seed)
    chosen = [
        (fold, images[i]) for fold, images in sorted(by_fold.items()) for i in rng.permutation(len(images))[:per_fold]
    ]
    shape = tuple(n + 2 * m for n, m in zip(view.shape, MARGIN, strict=True))
    grid = FieldOfView((shape[0], shape[1], shape[2]), view.spacing_mm, view.hu_range)
    crops = []
    for done, (fold, image) in enumerate(chosen, start=1):
        volume = read_nifti(root / image)
        x, y, z = volume.position_of((np.array(volume.hu.shape) - 1) / 2)
        hu, inside = sample_hu(volume, grid.affine_at((float(x), float(y), float(z))), grid.shape)
        crops.append(Crop(fold, hu.astype(np.float16), inside))
        advance(done, len(chosen))
    return crops


def spoiled(hu: Hu, rng: np.random.Generator) -> dict[str, Hu]:
    """The same voxels with wrong values, by what is wrong."""
    gray = np.clip((hu + 1350) / 1500 * 255, 0, 255).round()
    return {
        "no rescale intercept (+1024)": hu + 1024,
        "intercept twice (-1024)": hu - 1024,
        "slope doubled": hu * 2,
        "8-bit gray values": gray.astype(np.float32),
        "inverted": -hu - 1000,
        "noise of 150 HU added": hu + rng.normal(0, 150, hu.shape).astype(np.float32),
        "noise of 300 HU added": hu + rng.normal(0, 300, hu.shape).astype(np.float32),
        "noise alone": rng.uniform(-1000, 400, hu.shape).astype(np.float32),
        "values shuffled": rng.permutation(hu.ravel()).reshape(hu.shape),
    }


def held_out_alarms(crops: list[Crop], view: FieldOfView, seed: int) -> dict[str, list[bool]]:
    """Real nodules of each fold against an alarm fitted to the other folds: as they are, and with wrong values."""
    folds = np.array([crop.fold for crop in crops])
    measured = [_measure(crop, view) for crop in crops]
    statistics, shares = np.stack([m[0] for m in measured]), np.array([m[1] for m in measured])
    rng = np.random.default_rng(seed)
    found: dict[str, list[bool]] = defaultdict(list)
    for fold in sorted(set(folds)):
        rest = folds != fold
        fitted = fit_ct(statistics[rest], shares[rest], list(folds[rest]))
        for i in np.flatnonzero(~rest):
            found[AS_IT_IS].append(_is_alarmed(fitted, statistics[i], shares[i]))
            for name, wrong in spoiled(crops[i].hu.astype(np.float32), rng).items():
                found[name].append(_is_alarmed(fitted, *_measure(replace(crops[i], hu=wrong), view)))
    return dict(found)


def _measure(crop: Crop, view: FieldOfView) -> tuple[npt.NDArray[np.float64], float]:
    """What the alarm is asked: appearance of the field of view, and lung around it."""
    return appearance(middle_of(crop.hu.astype(np.float32), view.shape)), share_around(crop, view.spacing_mm[1])


def _is_alarmed(fitted: CtFamiliarity, statistics: npt.NDArray[np.float64], share: float) -> bool:
    return bool(share < fitted.lung_limit or fitted.is_unlike(statistics))


def scan_alarms(alarm: Alarm, volume: Volume, lesions: Iterable[RegionOfInterest], seed: int) -> dict[str, list[bool]]:
    """A chest: its lesions as they are and with wrong values, and places outside the lungs."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[bool]] = defaultdict(list)
    places = list(lesions)
    found[AS_IT_IS] += [alarms(alarm, volume, place) for place in places]
    for name, wrong in spoiled(volume.hu, rng).items():
        changed = Volume(wrong, volume.affine_lps)
        found[name] += [alarms(alarm, changed, place) for place in places]
    for name, where in _outside_lungs(volume).items():
        found[name] += [alarms(alarm, volume, place) for place in _places(volume, rng, where)]
    return dict(found)


def other_anatomy_alarms(alarm: Alarm, volume: Volume, seed: int) -> list[bool]:
    """Places within the body in a CT that is not of a chest."""
    return [alarms(alarm, volume, p) for p in _places(volume, np.random.default_rng(seed), volume.hu > -300)]


def alarms(alarm: Alarm, volume: Volume, region: RegionOfInterest) -> bool:
    """Whether anything is said of a region."""
    return bool(alarm.model.warnings(volume, prepare_region(volume, region, alarm.view), region.diameter_mm))


def _outside_lungs(volume: Volume) -> dict[str, npt.NDArray[np.bool_]]:
    """Voxels of the body at the distances of `BEYOND_MM`, (slice,row,column); empty where there are no lungs."""
    from scipy import ndimage

    grid = resample_isotropic(volume, 4.0)
    space = find_lung_space(grid)
    if space is None:
        return {}
    distance = ndimage.distance_transform_edt(~space.space) * 4.0
    to_grid = np.linalg.inv(grid.affine_lps) @ volume.affine_lps
    at_voxel = ndimage.affine_transform(
        distance.astype(np.float32), to_grid[:3, :3], to_grid[:3, 3], output_shape=volume.hu.shape, order=1,
        mode="nearest",
    )  # fmt: skip
    is_body = volume.hu > -300
    return {name: is_body & (at_voxel > low) & (at_voxel <= high) for name, (low, high) in BEYOND_MM.items()}


def _places(volume: Volume, rng: np.random.Generator, allowed: npt.NDArray[np.bool_]) -> list[RegionOfInterest]:
    """`PLACES` regions drawn among allowed voxels; none where there are none."""
    chosen = np.flatnonzero(allowed)
    if not chosen.size:
        return []
    index = np.stack(np.unravel_index(rng.choice(chosen, PLACES), volume.hu.shape), axis=1)
    points = volume.position_of(index)
    return [RegionOfInterest((float(x), float(y), float(z)), PLACE_MM) for x, y, z in points]


def phantom_alarms(alarm: Alarm, n: int, seed: int, advance: OnProgress) -> dict[str, list[bool]]:
    """`n` synthetic patients, one lesion each."""
    found: dict[str, list[bool]] = defaultdict(list)
    for number in range(n):
        spec = draw_kind_spec(KINDS[number % len(KINDS)], np.random.default_rng([seed, number]), f"p{number:03d}")
        ct = make_ct(spec)
        lesion = RegionOfInterest(ct.center_mm, spec.nodule.diameter_mm)
        volume = Volume(ct.hu.astype(np.float32), ct.affine_lps)
        for name, values in scan_alarms(alarm, volume, [lesion], number).items():
            found[name] += values
        advance(number + 1, n)
    return dict(found)


def real_alarms(
    alarm: Alarm, folder: Path, boxes: Path | None, advance: OnProgress
) -> dict[str, dict[str, list[bool]]]:
    """Each study of a folder by its name: as a chest with a lesion where a box says so, else as other anatomy.

    A tilted series is resampled; one that cannot be read is left out.
    """
    lesions = read_lesion_boxes(boxes, folder) if boxes is not None else {}
    places = sorted(path for path in folder.iterdir() if path.is_dir())
    found: dict[str, dict[str, list[bool]]] = {}
    for done, place in enumerate(places, start=1):
        try:
            volume = read_series(place, repair="resample").volume
        except InputError:
            continue
        finally:
            advance(done, len(places))
        if place.name in lesions:
            found[place.name] = scan_alarms(alarm, volume, [lesions[place.name]], done)
        else:
            found[place.name] = {AS_IT_IS: other_anatomy_alarms(alarm, volume, done)}
    return found


def rates(found: dict[str, list[bool]]) -> dict[str, Any]:
    """Share of alarms with its 95 % interval (Wilson), as JSON values."""
    result = {}
    for name, values in found.items():
        if values:
            low, high = wilson_interval(sum(values), len(values))
            result[name] = {"alarms": sum(values), "n": len(values), "low": low, "high": high}
    return result
