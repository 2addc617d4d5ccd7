"""What a network eats and what it gives back."""

from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@final
@dataclass(frozen=True, eq=False)
class ModelInput:
    """A batch, ready for the network.

    Attributes:
        volume: region, (batch,1,depth,height,width) in [0,1] over the bundle's HU range; zeros where absent.
        diameter_mm: (batch,), NaN where unknown.
        note_ids, note_mask: (batch,note_tokens) token ids and True where a token is real.
        voice_ids, voice_mask: (batch,voice_tokens) of the transcript.
        voice_mel: (batch,mel,frames) log-mel energies, or None where the bundle has no acoustic branch.
        is_present: (batch,modality) in the order of `vocabulary.MODALITIES`.
    """

    volume: Float[Tensor, "batch 1 depth height width"]
    diameter_mm: Float[Tensor, " batch"]
    note_ids: Int[Tensor, "batch note_tokens"]
    note_mask: Bool[Tensor, "batch note_tokens"]
    voice_ids: Int[Tensor, "batch voice_tokens"]
    voice_mask: Bool[Tensor, "batch voice_tokens"]
    is_present: Bool[Tensor, "batch modality"]
    voice_mel: Float[Tensor, "batch mel frames"] | None = None


@final
@dataclass(frozen=True, eq=False)
class EncodedInput:
    """The same batch after the frozen BERT: states instead of ids, (batch,tokens,bert)."""

    volume: Float[Tensor, "batch 1 depth height width"]
    diameter_mm: Float[Tensor, " batch"]
    note_states: Float[Tensor, "batch note_tokens bert"]
    note_mask: Bool[Tensor, "batch note_tokens"]
    voice_states: Float[Tensor, "batch voice_tokens bert"]
    voice_mask: Bool[Tensor, "batch voice_tokens"]
    is_present: Bool[Tensor, "batch modality"]
    voice_mel: Float[Tensor, "batch mel frames"] | None = None


@final
@dataclass(frozen=True, eq=False)
class ModalityTokens:
    """What the encoders made of a batch; the fusion's input.

    Attributes:
        ct, note, voice: (batch,tokens,embed); tokens of an absent modality are present as numbers and masked by
            `is_present`, so that their values can never reach the output.
        is_present: (batch,modality).
    """

    ct: Float[Tensor, "batch ct_tokens embed"]
    note: Float[Tensor, "batch note_tokens embed"]
    voice: Float[Tensor, "batch voice_tokens embed"]
    is_present: Bool[Tensor, "batch modality"]

    def by_modality(self) -> tuple[Tensor, Tensor, Tensor]:
        """The three token tensors in the order of the modality axis."""
        return self.ct, self.note, self.voice

    def pooled(self) -> Float[Tensor, "batch modality embed"]:
        """Mean token of each modality; zero where it is absent."""
        means = torch.stack([tokens.mean(dim=1) for tokens in self.by_modality()], dim=1)
        return torch.where(self.is_present[:, :, None], means, torch.zeros_like(means))

    def with_presence(self, is_present: Bool[Tensor, "batch modality"]) -> "ModalityTokens":
        """The same tokens seen through another mask."""
        return replace(self, is_present=is_present)


@final
@dataclass(frozen=True, eq=False)
class NetworkOutput:
    """What a network says of a batch, before calibration.

    Attributes:
        logits: (batch,finding).
        branch_logits: (batch,modality,finding): what each modality says alone; zero where it is absent.
        descriptors: (batch,descriptor): expected ratings, on each descriptor's own scale.
        embeddings: (batch,modality,embed): unit length, aligned across modalities; zero where absent.
        attention_weights: (batch,modality): rows sum to 1, absent is 0; all zero where nothing is present.
        member_logits: (member,batch,finding) of an ensemble.
    """

    logits: Float[Tensor, "batch finding"]
    branch_logits: Float[Tensor, "batch modality finding"]
    descriptors: Float[Tensor, "batch descriptor"]
    embeddings: Float[Tensor, "batch modality embed"]
    attention_weights: Float[Tensor, "batch modality"]
    member_logits: Float[Tensor, "member batch finding"]
