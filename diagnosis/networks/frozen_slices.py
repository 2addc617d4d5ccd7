"""Slices through the pretrained ResNet, frozen; what is learned is a projection of its last maps.

For tasks with too few cases to learn from pixels: the second task's key slices (diagnosis/training/README.md). The
pretrained weights are named and verified (`pretrained_resnet`), and not copied into checkpoints. What the network says
of a slice is remembered while the program runs, so that training costs one look at each slice and not one an epoch.
"""

import hashlib
from functools import cache
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from diagnosis.networks.pretrained_resnet import N_FEATURES, PretrainedSlices, folded

GRAY_LEVELS = 255
"""Slices are rounded to so many levels above zero: the same slice is then the same bytes."""
MOST_REMEMBERED = 8192
_remembered: dict[tuple[bytes, int], Tensor] = {}
"""Maps (2048,grid,grid), float16, by the slice's hash and the grid."""


@cache
def _network() -> nn.Module:
    """The frozen network; loaded when it is first asked."""
    with torch.inference_mode(mode=False):  # whoever asks first: gradients must flow through it later
        return folded(PretrainedSlices().layers, torch.channels_last)


@final
class FrozenSlices(nn.Module):
    """Every slice of a region read by itself in its first window; gives the projected map, as middle and as last."""

    def __init__(self, width: int, grid: int) -> None:
        super().__init__()
        self.grid = grid
        self.normalize = nn.BatchNorm3d(N_FEATURES, affine=False)
        self.project = nn.Conv3d(N_FEATURES, width, 1)

    def forward(self, channels: Float[Tensor, "batch channel depth height width"]) -> tuple[Tensor, Tensor]:
        """Projected map (batch,width,depth,grid,grid), twice.

        Raises:
            MissingDependencyError: the weights are not installed.
            BundleError: they are not the published ones.
        """
        unit = ((channels[:, 0].float() + 1) / 2).clamp(0, 1)
        slices = unit.flatten(0, 1)
        # Gradients to the voxels are asked for by explanations alone; a remembered map has none.
        maps = _look(slices, self.grid) if slices.requires_grad else _recall(slices, self.grid)
        batch, depth = unit.shape[:2]
        volume = maps.reshape(batch, depth, *maps.shape[1:]).transpose(1, 2)
        projected = self.project(self.normalize(volume))
        return projected, projected


def _look(slices: Float[Tensor, "slice height width"], grid: int) -> Float[Tensor, "slice feature grid grid"]:
    """The network's last maps, averaged on a grid. Rows and columns of LPS become x and y of RAS."""
    ras = slices.transpose(1, 2).flip(1, 2)[:, None]
    with torch.autocast("cpu", enabled=False):
        last = _network()(ras.bfloat16().contiguous(memory_format=torch.channels_last))
    return nn.functional.adaptive_avg_pool2d(last.float(), grid).transpose(2, 3).flip(2, 3)


def _recall(slices: Tensor, grid: int) -> Tensor:
    """The same for slices that may have been looked at before."""
    gray = (slices * GRAY_LEVELS).round()
    keys = [(hashlib.blake2b(g.byte().numpy().tobytes(), digest_size=16).digest(), grid) for g in gray]
    for key, one in zip(keys, gray, strict=True):
        if key not in _remembered:
            with torch.no_grad():
                _remembered[key] = _look(one[None] / GRAY_LEVELS, grid)[0].half()
    found = torch.stack([_remembered[key].float() for key in keys])
    while len(_remembered) > MOST_REMEMBERED:
        del _remembered[next(iter(_remembered))]
    return found
