"""(b) One region of a CT on the network's grid."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from diagnosis.benchmark.made_up import center_mm, write_series
from diagnosis.benchmark.measuring import Figure, in_turns, missing
from diagnosis.ingest.dicom_volume import read_volume
from diagnosis.preprocessing.volume import FieldOfView, prepare_region
from diagnosis.record import RegionOfInterest, Volume

VIEW = FieldOfView((3, 40, 40), (1.25, 0.7, 0.7), (-1000.0, 400.0))
MARGIN_MM = 10.0


def measure_regions(folder: Path, repetitions: int = 5, n_slices: int = 300) -> list[Figure]:
    """Against resampling the whole scan, as most pipelines do, and against cutting it out first."""
    volume = read_volume(write_series(folder / "series", n_slices))
    region = RegionOfInterest(center_mm(n_slices), 16.0)
    name = f"prepare a region of a scan of {n_slices} slices"
    figures = []
    for peer, package, make in PEERS:
        try:
            theirs = make(volume, region)
        except ImportError:
            figures.append(missing(name, peer, package))
            continue
        figures.append(in_turns(name, peer, lambda: prepare_region(volume, region, VIEW), theirs, repetitions))
    return figures


def _bounds(volume: Volume, region: RegionOfInterest) -> tuple[slice, ...]:
    """The block of voxels around a region, for a peer that cuts it out before it resamples."""
    half = np.array(VIEW.shape) * np.array(VIEW.spacing_mm) / 2 + MARGIN_MM
    middle = volume.index_of(region.center_mm)
    reach = half / np.array(volume.spacing_mm)
    low = np.clip(middle - reach, 0, None).astype(int)
    high = np.minimum((middle + reach).astype(int) + 1, volume.hu.shape)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def _monai(*, cuts_first: bool) -> Callable[[Volume, RegionOfInterest], Callable[[], object]]:
    def make(volume: Volume, region: RegionOfInterest) -> Callable[[], object]:
        from monai.data import MetaTensor
        from monai.transforms import CenterSpatialCropd, Compose, ScaleIntensityRanged, Spacingd

        block = _bounds(volume, region) if cuts_first else (slice(None),) * 3
        steps = Compose(
            [
                Spacingd("image", pixdim=VIEW.spacing_mm, mode="bilinear"),
                CenterSpatialCropd("image", VIEW.shape),
                ScaleIntensityRanged("image", *VIEW.hu_range, 0.0, 1.0, clip=True),
            ]
        )
        affine = torch.diag(torch.tensor([*volume.spacing_mm, 1.0], dtype=torch.float64))
        return lambda: steps({"image": MetaTensor(torch.from_numpy(volume.hu[block])[None], affine=affine)})

    return make


def _torchio(volume: Volume, _region: RegionOfInterest) -> Callable[[], object]:
    import torchio

    affine = np.diag([*volume.spacing_mm, 1.0])
    steps = torchio.Compose([torchio.Resample(VIEW.spacing_mm), torchio.CropOrPad(VIEW.shape)])
    return lambda: steps(torchio.ScalarImage(tensor=torch.from_numpy(volume.hu)[None], affine=affine))


PEERS: tuple[tuple[str, str, Callable[[Volume, RegionOfInterest], Callable[[], object]]], ...] = (
    ("MONAI Spacingd of the scan, then crop", "monai", _monai(cuts_first=False)),
    ("crop, then MONAI Spacingd", "monai", _monai(cuts_first=True)),
    ("TorchIO Resample of the scan, then crop", "torchio", _torchio),
)
