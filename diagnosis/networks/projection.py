"""The space in which a CT and words on it can be compared: two small heads on what the frozen encoders read.

The heads see readings, not features: what is read from the whole region (malignancy steps, descriptors, measurements)
and its size on one side, what the text reader read (ratings, what was said at all, size) on the other. Readings mean
the same in every member of an ensemble, so one pair of heads serves all members, whose readings are averaged.
"""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from diagnosis.networks.classifier import DiagnosisNetwork
from diagnosis.networks.model_input import ModelInput
from diagnosis.networks.text_reader import N_TEXT_READOUTS, TextReading, readouts
from diagnosis.networks.volume_encoder import LOG_CENTER, LOG_SPREAD, standard_size


@final
@dataclass(frozen=True)
class ProjectionConfig:
    """Shape of the heads."""

    n_readouts: int
    """Numbers that the volume encoder reads of a whole region."""
    hidden: int = 128
    """Width of the hidden layer."""
    embed: int = 64
    """Width of the space."""
    dropout: float = 0.1
    """While training."""


N_SIZE_READINGS = 3
"""The size, whether it is known, and the size read from the image."""


def ct_reading(
    at_region: Float[Tensor, "batch readout"],
    log_diameter: Float[Tensor, " batch"],
    diameter_mm: Float[Tensor, " batch"],
) -> Float[Tensor, "batch reading"]:
    """What the CT head sees: readouts of the whole region, the known size, and the size read from the image."""
    own = ((log_diameter - LOG_CENTER) / LOG_SPREAD)[:, None]
    return torch.cat([at_region, standard_size(diameter_mm, log_diameter), own.to(at_region.dtype)], dim=1)


def text_reading(reading: TextReading) -> Float[Tensor, "batch reading"]:
    """What the text head sees."""
    return readouts(reading)


@final
class ProjectionHead(nn.Module):
    """A linear map and one hidden layer beside it, scaled to unit length."""

    def __init__(self, n_in: int, config: ProjectionConfig) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, config.embed)
        self.bent = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(n_in, config.hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.embed),
        )

    def forward(self, reading: Float[Tensor, "batch n_in"]) -> Float[Tensor, "batch embed"]:
        """Unit vectors."""
        return nn.functional.normalize(self.linear(reading) + self.bent(reading), dim=-1)


@final
class AlignedSpace(nn.Module):
    """Both heads; notes and dictations share one, as they share the text reader."""

    def __init__(self, config: ProjectionConfig) -> None:
        super().__init__()
        self.config = config
        self.ct = ProjectionHead(config.n_readouts + N_SIZE_READINGS, config)
        self.text = ProjectionHead(N_TEXT_READOUTS, config)

    @torch.inference_mode()
    def embed(self, network: DiagnosisNetwork, batch: ModelInput) -> Float[Tensor, "batch modality embed"]:
        """Place the parts of cases in the space; zeros where a part is absent."""
        encoded = network.encode_text(batch)
        members = network.classifiers()
        read = [member.volume_encoder(encoded.volume, encoded.diameter_mm) for member in members]
        at_region = torch.stack([r.readouts[:, 0] for r in read]).mean(dim=0)
        log_diameter = torch.stack([r.log_diameter for r in read]).mean(dim=0)
        reader = members[0].text_reader  # its reading is the same in all members: it sees no patient while it learns
        parts = [
            self.ct(ct_reading(at_region, log_diameter, encoded.diameter_mm)),
            self.text(text_reading(reader(encoded.note_states, encoded.note_mask))),
            self.text(text_reading(reader(encoded.voice_states, encoded.voice_mask))),
        ]
        return torch.where(batch.is_present[:, :, None], torch.stack(parts, dim=1), 0.0)
