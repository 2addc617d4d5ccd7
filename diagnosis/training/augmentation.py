"""Random views of a region, through MONAI; the same (seed, epoch, case) always gives the same view."""

from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from monai.transforms import (
    CenterSpatialCropd,
    Compose,
    RandAffined,
    RandFlipd,
    RandGaussianNoised,
    RandScaleIntensityd,
)
from torch import Tensor

from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.training.cohort import TrainingRegion
from diagnosis.training.config import AugmentationConfig


@final
class RegionAugmentation:
    """Turns, scales, shifts, flips, adds noise, and sometimes repeats the border as a tight crop would."""

    def __init__(self, config: AugmentationConfig, view: FieldOfView) -> None:
        self.view = view
        self.border_probability = config.border_probability
        flips = [RandFlipd(keys=("hu", "lesion"), prob=0.5, spatial_axis=axis) for axis in range(3 * config.flips)]
        noise = RandGaussianNoised(keys="hu", prob=0.8, std=config.noise_hu)
        gain = RandScaleIntensityd(keys="hu", factors=config.gain, prob=0.5)
        self.transform = Compose([_placed(config, view), *flips, noise, gain])

    def __call__(self, region: TrainingRegion, seed: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """A random view: values (1,depth,height,width) in [0,1] and the lesion in it."""
        rng = np.random.default_rng(seed)
        self.transform.set_random_state(seed=int(rng.integers(2**31)))
        hu = region.hu.astype(np.float32)
        if rng.random() < self.border_probability:
            hu = repeat_border(hu, rng)
        lesion = region.lesion if region.lesion is not None else np.zeros(hu.shape, np.uint8)
        data: dict[str, Any] = {"hu": torch.from_numpy(hu)[None], "lesion": torch.from_numpy(lesion)[None].float()}
        turned: Any = self.transform(data)
        values = torch.from_numpy(self.view.to_unit(turned["hu"].as_tensor().numpy()))
        return values, turned["lesion"].as_tensor()


def _placed(config: AugmentationConfig, view: FieldOfView) -> Any:  # noqa: ANN401 - MONAI's transforms have no types
    """The view turned, scaled and shifted; its middle, which costs nothing, where none of that is asked for."""
    keys = ("hu", "lesion")
    if not (config.spin_degrees or config.tilt_degrees or config.scale or config.shift_voxels):
        return CenterSpatialCropd(keys=keys, roi_size=view.shape)
    spin, tilt = np.radians(config.spin_degrees), np.radians(config.tilt_degrees)
    depth_ratio = view.spacing_mm[1] / view.spacing_mm[0]
    return RandAffined(
        keys=keys,
        spatial_size=view.shape,
        prob=1.0,
        rotate_range=(spin, tilt, tilt),
        scale_range=(config.scale,) * 3,
        translate_range=(config.shift_voxels * depth_ratio, config.shift_voxels, config.shift_voxels),
        mode=("bilinear", "nearest"),
        padding_mode="border",
    )


def repeat_border(hu: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Slices beyond a random depth above and below the center repeat the last one kept."""
    middle = hu.shape[0] // 2
    above, below = rng.integers(0, middle + 1, size=2)
    index = np.clip(np.arange(hu.shape[0]), middle - below, middle + above)
    return hu[index]


def centered(region: TrainingRegion, view: FieldOfView) -> Tensor:
    """The view that assessment sees: the middle of the region, (1,depth,height,width) in [0,1]."""
    low = [(have - want) // 2 for have, want in zip(region.hu.shape, view.shape, strict=True)]
    block = region.hu[tuple(slice(a, a + n) for a, n in zip(low, view.shape, strict=True))]
    return torch.from_numpy(view.to_unit(block.astype(np.float32)))[None]
