"""The region of the CT to tokens: a MONAI 3D network, its feature map kept as spatial tokens.

Three kinds of network stand behind one switch. `slab_se_resnet` is built here from MONAI's blocks for thin slabs: the
stride acts in the plane first, since a slab of 5-10 mm has few slices, and squeeze-and-excitation follows each block
(Hu et al. 2018, arXiv:1709.01507). `resnet10` is MONAI's own, for comparison. `i3resnet152_slices` reads single slices
by a pretrained network that is frozen (`frozen_slices`), where there is too little to learn from pixels.
"""

from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from monai.networks.blocks import ChannelSELayer, Convolution
from monai.networks.nets import ResNet
from monai.networks.nets.resnet import ResNetBlock
from torch import Tensor, nn

from diagnosis.errors import ConfigurationError
from diagnosis.networks.frozen_slices import FrozenSlices
from diagnosis.networks.heads import DescriptorHead
from diagnosis.networks.measurements import N_MEASURED_READINGS, MeasuredReading
from diagnosis.vocabulary import DESCRIPTORS

LOG_CENTER, LOG_SPREAD = 2.0, 0.5
"""The log of a diameter is standardized around 7.4 mm."""
N_RATING_STEPS = 4
"""Cumulative logits of a five-level malignancy rating: P(rating > 1) to P(rating > 4)."""


@final
@dataclass(frozen=True)
class VolumeEncoderConfig:
    """Shape of the volume encoder."""

    kind: str = "slab_se_resnet"
    """`slab_se_resnet`, MONAI's own `resnet10`, or `i3resnet152_slices`, frozen."""
    widths: tuple[int, ...] = (16, 32, 64, 96)
    """Channels of the four stages."""
    hu_range: tuple[float, float] = (-1000.0, 400.0)
    """HU that 0 and 1 of the input stand for."""
    windows_hu: tuple[tuple[float, float], ...] = ((-1000.0, 400.0), (-160.0, 240.0))
    """Windows (low, high) shown to the network as channels: lung and soft tissue."""
    grid: int = 3
    """Spatial tokens along height and width."""
    dropout: float = 0.3
    """Dropout on the pooled features."""
    readout_dropout: float = 0.0
    """Dropout on the readouts that tokens are made of; from few cases the fusion learns them by heart otherwise."""
    n_rating_steps: int = N_RATING_STEPS
    """Steps of the malignancy rating; for a cohort with other findings, one for each finding."""
    measured_spacing_mm: float | None = None
    """Pixel spacing of the input; where it is given, the lesion is measured too (`measurements`)."""

    @property
    def n_readouts(self) -> int:
        """Numbers read at each place: rating steps, descriptors, and what the measurements say of the whole region."""
        n_read = self.n_rating_steps + len(DESCRIPTORS)
        return n_read if self.measured_spacing_mm is None else n_read + N_MEASURED_READINGS


@final
@dataclass(frozen=True, eq=False)
class VolumeReading:
    """What the volume encoder made of a region.

    Attributes:
        tokens: (batch,token,embed): one for the whole region, one for its size, `grid`² for places in the plane.
        readouts: (batch,place,readout): what is read from the whole region (first) and at each place; tokens are made
            of these and the size alone. What was measured stands in the first, places have zeros there.
        descriptors: (batch,descriptor) ratings read from the image.
        log_diameter: (batch,) log of the diameter in mm read from the image.
        rating_logits: (batch,step) cumulative logits of the malignancy rating, from image and size.
        lesion_logits: (batch,1,depth,height,width) where the lesion is, on a coarser grid.
    """

    tokens: Float[Tensor, "batch token embed"]
    readouts: Float[Tensor, "batch place readout"]
    descriptors: Float[Tensor, "batch descriptor"]
    log_diameter: Float[Tensor, " batch"]
    rating_logits: Float[Tensor, "batch step"]
    lesion_logits: Float[Tensor, "batch 1 d h w"]


@final
class VolumeEncoder(nn.Module):
    """Windows, backbone, readouts, tokens.

    Why tokens are made of readouts and not of features: the fusion is trained on what encoders say of nodules that they
    have not seen, and only readouts mean the same in each of those encoders. It also keeps every token in words.
    """

    def __init__(self, config: VolumeEncoderConfig, embed: int) -> None:
        super().__init__()
        self.config = config
        self.backbone, middle_width, width = _make_backbone(config)
        self.dropout = nn.Dropout(config.dropout)
        self.lesion = nn.Conv3d(middle_width, 1, 1)
        self.descriptors = DescriptorHead(width)
        self.log_diameter = nn.Linear(width, 1)
        self.rating = nn.Linear(width + 1, config.n_rating_steps)
        self.tokens = VolumeTokens(config, embed)
        spacing = config.measured_spacing_mm
        self.measured = None if spacing is None else MeasuredReading(spacing, config.hu_range)

    def forward(
        self, volume: Float[Tensor, "batch 1 depth height width"], diameter_mm: Float[Tensor, " batch"]
    ) -> VolumeReading:
        """Read a batch of regions; an unknown diameter (NaN) is replaced by the one read from the image."""
        middle, features = self.backbone(self.windowed(volume))
        return self.read(volume, middle, features, diameter_mm)

    def read(
        self,
        volume: Float[Tensor, "batch 1 depth height width"],
        middle: Float[Tensor, "batch middle d h w"],
        features: Float[Tensor, "batch channel d2 h2 w2"],
        diameter_mm: Float[Tensor, " batch"],
    ) -> VolumeReading:
        """The cheap part: from feature maps, the diameter and measurements to readouts and tokens."""
        pooled = self.dropout(features.mean(dim=(2, 3, 4)))
        read_diameter = self.log_diameter(pooled).squeeze(1)
        size = standard_size(diameter_mm, read_diameter)
        grid = self.config.grid
        places = nn.functional.adaptive_avg_pool3d(features, (1, grid, grid)).flatten(2).transpose(1, 2)
        everywhere = torch.cat([pooled[:, None], places], dim=1)  # (batch, 1 + grid², width)
        sizes = size[:, None, :1].expand(-1, everywhere.shape[1], -1)
        ratings = self.rating(torch.cat([everywhere, sizes], dim=2))
        descriptors = self.descriptors(everywhere)
        readouts = torch.cat([ratings, (descriptors - 3) / 1.5], dim=2)
        if self.measured is not None:
            measured = self.measured(volume, torch.exp(size[:, 0] * LOG_SPREAD + LOG_CENTER))
            readouts = torch.cat([readouts, _at_first_place(measured, readouts)], dim=2)
        return VolumeReading(
            tokens=self.tokens(readouts, size),
            readouts=readouts,
            descriptors=descriptors[:, 0],
            log_diameter=read_diameter,
            rating_logits=ratings[:, 0],
            lesion_logits=self.lesion(middle),
        )

    def windowed(self, volume: Float[Tensor, "batch 1 depth height width"]) -> Tensor:
        """Channels in [-1,1], one a window, zero outside the cylinder inscribed in the field of view.

        The corners of a square field leave the scan first when a region lies near its border, and turn out of view when
        the region is rotated in training: a cylinder has none. Whole slices for the pretrained network keep theirs:
        they are never turned.
        """
        low, high = self.config.hu_range
        hu = low + volume * (high - low)
        channels = torch.cat([(hu - a) / (b - a) for a, b in self.config.windows_hu], dim=1).clamp(0, 1) * 2 - 1
        if self.config.kind == "i3resnet152_slices":
            return channels
        height, width = volume.shape[-2:]
        y = torch.linspace(-1, 1, height, device=volume.device)[:, None] * (1 - 1 / height)
        x = torch.linspace(-1, 1, width, device=volume.device)[None, :] * (1 - 1 / width)
        return channels * ((x**2 + y**2) <= 1).to(channels.dtype)


def _at_first_place(measured: Float[Tensor, "batch reading"], readouts: Float[Tensor, "batch place readout"]) -> Tensor:
    """(batch,place,reading): the measured readings at the whole region, zeros at its places."""
    padding = (0, 0, 0, readouts.shape[1] - 1)
    return nn.functional.pad(measured[:, None].to(readouts.dtype), padding)


def standard_size(diameter_mm: Float[Tensor, " batch"], read_log_diameter: Float[Tensor, " batch"]) -> Tensor:
    """(batch,2): log diameter, standardized around 7.4 mm, and whether it is known.

    Where it is unknown the diameter read from the image stands in; no gradient flows through it, so that the reading
    of the size stays a reading of the size.
    """
    is_known = torch.isfinite(diameter_mm)
    known = torch.log(torch.where(is_known, diameter_mm, torch.ones_like(diameter_mm)))
    log_diameter = torch.where(is_known, known, read_log_diameter.detach().to(known.dtype))
    return torch.stack([(log_diameter - LOG_CENTER) / LOG_SPREAD, is_known.to(log_diameter.dtype)], dim=1)


@final
class VolumeTokens(nn.Module):
    """Readouts and size to tokens; trained with the fusion."""

    def __init__(self, config: VolumeEncoderConfig, embed: int) -> None:
        super().__init__()
        self.region = _token_layer(config.n_readouts + 2, embed)
        self.size = _token_layer(2, embed)
        self.place = _token_layer(config.n_readouts, embed)
        self.position = nn.Parameter(torch.randn(config.grid**2, embed) * 0.02)
        self.dropout = nn.Dropout(config.readout_dropout)

    def forward(
        self, readouts: Float[Tensor, "batch place readout"], size: Float[Tensor, "batch 2"]
    ) -> Float[Tensor, "batch token embed"]:
        """Region token, size token, place tokens."""
        readouts = self.dropout(readouts)
        region = self.region(torch.cat([readouts[:, 0], size], dim=1))[:, None]
        places = self.place(readouts[:, 1:]) + self.position
        return torch.cat([region, self.size(size)[:, None], places], dim=1)


def _token_layer(n_in: int, embed: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_in, embed), nn.GELU(), nn.Linear(embed, embed), nn.LayerNorm(embed))


@final
class SlabBlock(nn.Module):
    """Residual block: a convolution in the plane, one in space, squeeze-and-excitation, average-pooled shortcut."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        plane = (1, stride, stride)
        self.inner = nn.Sequential(
            Convolution(3, n_in, n_out, strides=plane, kernel_size=(1, 3, 3), act="relu", norm="batch", bias=False),
            Convolution(3, n_out, n_out, kernel_size=3, act=None, norm="batch", bias=False),
            ChannelSELayer(3, n_out, r=4),
        )
        self.shortcut: nn.Module = nn.Identity()
        if n_in != n_out or stride > 1:
            project = Convolution(3, n_in, n_out, kernel_size=1, act=None, norm="batch", bias=False)
            self.shortcut = nn.Sequential(nn.AvgPool3d(plane, plane, ceil_mode=True), project)

    def forward(self, features: Float[Tensor, "batch n_in d h w"]) -> Float[Tensor, "batch n_out d2 h2 w2"]:
        """One block."""
        return nn.functional.relu(self.shortcut(features) + self.inner(features))


@final
class SlabSEResNet(nn.Module):
    """A stem and four blocks; gives the middle map (stride 4 in the plane) and the last (stride 8)."""

    def __init__(self, n_channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        first, second, third, fourth = widths
        self.stem = Convolution(
            3, n_channels, first, strides=(1, 2, 2), kernel_size=3, norm="batch", act="relu", bias=False
        )
        self.early = nn.Sequential(SlabBlock(first, first, 1), SlabBlock(first, second, 2))
        self.late = nn.Sequential(SlabBlock(second, third, 2), SlabBlock(third, fourth, 1))

    def forward(self, channels: Float[Tensor, "batch channel d h w"]) -> tuple[Tensor, Tensor]:
        """Middle and last feature map."""
        middle = self.early(self.stem(channels))
        return middle, self.late(middle)


@final
class MonaiBackbone(nn.Module):
    """A MONAI network cut in two: `early` ends at the map the lesion is read from, `late` before its pooling."""

    def __init__(self, early: nn.Module, late: nn.Module) -> None:
        super().__init__()
        self.early, self.late = early, late

    def forward(self, channels: Float[Tensor, "batch channel d h w"]) -> tuple[Tensor, Tensor]:
        """Middle and last feature map."""
        middle = self.early(channels)
        return middle, self.late(middle)


def _make_backbone(config: VolumeEncoderConfig) -> tuple[nn.Module, int, int]:
    """The backbone with the widths of its middle and last map.

    Raises:
        ConfigurationError: unknown kind, or not four widths.
    """
    if len(config.widths) != 4:
        msg = f"volume encoder: {len(config.widths)} widths were given, four are needed; correct `widths`"
        raise ConfigurationError(msg)
    n_channels = len(config.windows_hu)
    if config.kind == "slab_se_resnet":
        return SlabSEResNet(n_channels, config.widths), config.widths[1], config.widths[3]
    if config.kind == "resnet10":
        plane = {"conv1_t_size": (3, 7, 7), "conv1_t_stride": (1, 2, 2), "no_max_pool": True}
        net: Any = ResNet(ResNetBlock, [1, 1, 1, 1], list(config.widths), 3, n_channels, **plane)
        early = nn.Sequential(net.conv1, net.bn1, nn.ReLU(), net.layer1)
        late = nn.Sequential(net.layer2, net.layer3, net.layer4)
        return MonaiBackbone(early, late), config.widths[0], config.widths[3]
    if config.kind == "i3resnet152_slices":
        return FrozenSlices(config.widths[3], config.grid), config.widths[3], config.widths[3]
    msg = f"volume encoder: {config.kind!r} is not known; use slab_se_resnet, resnet10 or i3resnet152_slices"
    raise ConfigurationError(msg)
