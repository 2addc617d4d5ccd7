"""How the heavy parts of a network are run: the volume encoders' backbones and the BERT. All else is cheap."""

from abc import ABC, abstractmethod
from typing import final

import torch
from torch import Tensor

from diagnosis.networks.classifier import DiagnosisNetwork

Maps = list[tuple[Tensor, Tensor]]
"""Middle and last feature map of each member of the ensemble."""


class Runtime(ABC):
    """Runs the heavy parts of one network."""

    name: str

    @abstractmethod
    def maps(self, volume: Tensor) -> Maps:
        """Feature maps of regions (batch,1,depth,height,width)."""

    @abstractmethod
    def states(self, token_ids: Tensor) -> Tensor:
        """BERT states (1,token,bert) of one text (1,token)."""


@final
class TorchRuntime(Runtime):
    """The network as it stands, in float32; on a graphics processor where there is one."""

    name = "torch-float32"

    def __init__(self, network: DiagnosisNetwork) -> None:
        self._network = network

    def maps(self, volume: Tensor) -> Maps:
        """Feature maps of regions."""
        encoders = [member.volume_encoder for member in self._network.classifiers()]
        return [encoder.backbone(encoder.windowed(volume)) for encoder in encoders]

    def states(self, token_ids: Tensor) -> Tensor:
        """BERT states of one text."""
        bert = self._network.bert
        found: Tensor = bert(bert.word_embeddings(token_ids), torch.ones_like(token_ids, dtype=torch.bool))
        return found
