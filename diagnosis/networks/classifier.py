"""The whole network: `FusionClassifier` is one member, `DiagnosisNetwork` the frozen BERT with its ensemble of members.

::

    region ──── VolumeEncoder ─── ct tokens ────┐
    diameter ── size token ─────────────────────┤
    note ─ FrozenBert ─ TextReader ─ note tokens ┼─ Fusion ─ logits of the findings, descriptors
    transcript ─ same ──────────── voice tokens ─┤
    log-mel ─── AcousticEncoder (optional) ──────┘
"""

from dataclasses import dataclass, field
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from diagnosis.networks.acoustic_encoder import AcousticEncoder, AcousticEncoderConfig
from diagnosis.networks.fusion import FusionConfig, make_fusion
from diagnosis.networks.heads import DescriptorHead
from diagnosis.networks.model_input import EncodedInput, ModalityTokens, ModelInput, NetworkOutput
from diagnosis.networks.text_encoder import FrozenBert, TextEncoderConfig
from diagnosis.networks.text_reader import TextReaderConfig, TextReading, make_text_reader, read_by_each
from diagnosis.networks.volume_encoder import VolumeEncoder, VolumeEncoderConfig, VolumeReading
from diagnosis.vocabulary import MODALITIES


@final
@dataclass(frozen=True)
class NetworkConfig:
    """Shape of the whole network."""

    n_findings: int = 1
    """Binary findings; the first is the main one."""
    embed_dim: int = 128
    """Width of all tokens."""
    n_members: int = 1
    """Networks of the ensemble; their logits are averaged."""
    volume_encoder: VolumeEncoderConfig = field(default_factory=VolumeEncoderConfig)
    """Region to tokens."""
    text_encoder: TextEncoderConfig = field(default_factory=TextEncoderConfig)
    """The frozen BERT."""
    text_reader: TextReaderConfig = field(default_factory=TextReaderConfig)
    """BERT states to tokens."""
    fusion: FusionConfig = field(default_factory=FusionConfig)
    """How modalities are joined."""
    acoustic_encoder: AcousticEncoderConfig | None = None
    """Log-mel frames to one more voice token; None leaves the branch out."""
    reads_descriptors: bool = True
    """Whether the descriptors were learned; a cohort without readers' ratings teaches none, and none are told then."""


@final
@dataclass(frozen=True, eq=False)
class Reading:
    """What the encoders of one member made of a batch: tokens for the fusion, and each branch's own answers."""

    tokens: ModalityTokens
    volume: VolumeReading
    note: TextReading
    voice: TextReading


@final
class FusionClassifier(nn.Module):
    """One member of the ensemble: encoders, fusion and heads, over BERT states."""

    def __init__(self, config: NetworkConfig, bert_width: int) -> None:
        super().__init__()
        embed = config.embed_dim
        self.n_findings = config.n_findings
        self.volume_encoder = VolumeEncoder(config.volume_encoder, embed)
        self.text_reader = make_text_reader(config.text_reader, bert_width, embed)
        self.acoustic_encoder = (
            None if config.acoustic_encoder is None else AcousticEncoder(config.acoustic_encoder, embed)
        )
        self.fusion = make_fusion(config.fusion, embed, config.n_findings)
        self.branch_heads = nn.ModuleList(nn.Linear(embed, config.n_findings) for _ in MODALITIES)
        self.descriptor_head = DescriptorHead(embed)
        self.align = nn.Linear(embed, embed, bias=False)

    def encode(self, batch: EncodedInput) -> Reading:
        """Run the encoders; the part that costs."""
        note = self.text_reader(batch.note_states, batch.note_mask)
        voice = self.text_reader(batch.voice_states, batch.voice_mask)
        return self.encode_beside(batch, note, voice)

    def encode_beside(self, batch: EncodedInput, note: TextReading, voice: TextReading) -> Reading:
        """The same beside texts that were read."""
        volume = self.volume_encoder(batch.volume, batch.diameter_mm)
        voice_tokens = voice.tokens
        if self.acoustic_encoder is not None and batch.voice_mel is not None:
            voice_tokens = torch.cat([voice_tokens, self.acoustic_encoder(batch.voice_mel)], dim=1)
        tokens = ModalityTokens(volume.tokens, note.tokens, voice_tokens, batch.is_present)
        return Reading(tokens, volume, note, voice)

    def fuse(self, tokens: ModalityTokens) -> NetworkOutput:
        """Join the tokens that are present; the part that is cheap."""
        fused = self.fusion(tokens)
        pooled = tokens.pooled()
        present = tokens.is_present[:, :, None]
        branch = torch.stack([head(pooled[:, m]) for m, head in enumerate(self.branch_heads)], dim=1)
        embeddings = nn.functional.normalize(self.align(pooled), dim=-1)
        return NetworkOutput(
            logits=fused.logits,
            branch_logits=torch.where(present, branch, torch.zeros_like(branch)),
            descriptors=self.descriptor_head(fused.fused),
            embeddings=torch.where(present, embeddings, torch.zeros_like(embeddings)),
            attention_weights=fused.weights,
            member_logits=fused.logits[None],
        )

    def forward(self, batch: EncodedInput) -> NetworkOutput:
        """Encode and fuse."""
        return self.fuse(self.encode(batch).tokens)


def mean_output(outputs: list[NetworkOutput]) -> NetworkOutput:
    """The ensemble's answer: the mean of its members' logits, ratings, weights and embeddings."""
    return NetworkOutput(
        logits=torch.stack([o.logits for o in outputs]).mean(dim=0),
        branch_logits=torch.stack([o.branch_logits for o in outputs]).mean(dim=0),
        descriptors=torch.stack([o.descriptors for o in outputs]).mean(dim=0),
        # Members' embedding spaces differ: one member's space is used, so that distances mean something.
        embeddings=outputs[0].embeddings,
        attention_weights=torch.stack([o.attention_weights for o in outputs]).mean(dim=0),
        member_logits=torch.cat([o.member_logits for o in outputs]),
    )


@final
class DiagnosisNetwork(nn.Module):
    """The frozen BERT, run once, and the members of the ensemble."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.bert = FrozenBert(config.text_encoder)
        self.members = nn.ModuleList(FusionClassifier(config, self.bert.width) for _ in range(config.n_members))

    def encode_text(self, batch: ModelInput) -> EncodedInput:
        """Run the BERT over note and transcript."""
        return self.encode_embeddings(
            batch, self.bert.word_embeddings(batch.note_ids), self.bert.word_embeddings(batch.voice_ids)
        )

    def encode_embeddings(
        self,
        batch: ModelInput,
        note_embeddings: Float[Tensor, "batch note_tokens bert"],
        voice_embeddings: Float[Tensor, "batch voice_tokens bert"],
    ) -> EncodedInput:
        """The same from word embeddings: the door through which attribution enters."""
        return EncodedInput(
            volume=batch.volume,
            diameter_mm=batch.diameter_mm,
            note_states=self.bert(note_embeddings, batch.note_mask),
            note_mask=batch.note_mask,
            voice_states=self.bert(voice_embeddings, batch.voice_mask),
            voice_mask=batch.voice_mask,
            is_present=batch.is_present,
            voice_mel=batch.voice_mel,
        )

    def encode(self, batch: EncodedInput) -> tuple[Reading, ...]:
        """What the encoders of each member make of a batch."""
        notes = self.read_text(batch.note_states, batch.note_mask)
        voices = self.read_text(batch.voice_states, batch.voice_mask)
        members = zip(self.classifiers(), notes, voices, strict=True)
        return tuple(member.encode_beside(batch, note, voice) for member, note, voice in members)

    def read_text(
        self, states: Float[Tensor, "batch token bert"], mask: Bool[Tensor, "batch token"]
    ) -> list[TextReading]:
        """What each member reads in notes or transcripts."""
        return read_by_each([member.text_reader for member in self.classifiers()], states, mask)

    def forward_encoded(self, batch: EncodedInput) -> NetworkOutput:
        """Answer of the ensemble on a batch whose text is already encoded."""
        read = zip(self.classifiers(), self.encode(batch), strict=True)
        return mean_output([member.fuse(reading.tokens) for member, reading in read])

    def forward(self, batch: ModelInput) -> NetworkOutput:
        """Answer of the ensemble."""
        return self.forward_encoded(self.encode_text(batch))

    def forward_subsets(
        self, batch: ModelInput, presences: list[Bool[Tensor, "batch modality"]]
    ) -> list[NetworkOutput]:
        """One encoding and as many fusions as there are masks: what exact Shapley values need."""
        encoded = self.encode_text(batch)
        read = list(zip(self.classifiers(), self.encode(encoded), strict=True))
        return [mean_output([m.fuse(reading.tokens.with_presence(p)) for m, reading in read]) for p in presences]

    def classifiers(self) -> list[FusionClassifier]:
        """The members, by their type."""
        return [member for member in self.members if isinstance(member, FusionClassifier)]
