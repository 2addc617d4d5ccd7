"""Calibrated probabilities of many versions of one case, which share most of their parts.

A change to the note leaves CT and dictation as they are. Each part is therefore encoded once for each form in which it
appears, and only the fusion runs for every version.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, final

import torch
from torch import Tensor

from diagnosis.explanation.parts import held_still
from diagnosis.networks.classifier import DiagnosisNetwork
from diagnosis.networks.model_input import ModalityTokens, ModelInput
from diagnosis.preprocessing.batch import InputContract, prepare_case, stack_cases
from diagnosis.record import Case
from diagnosis.vocabulary import MODALITIES, Modality, subset_name

AT_ONCE = 8
"""Cases in one pass through the encoders."""
PartKey = tuple[Modality, Hashable]


class CaseScorer(Protocol):
    """Calibrated probability of one finding, and where it is flagged."""

    @property
    def threshold(self) -> float:
        """Probability at or above which the finding is flagged."""

    def probabilities(self, cases: Sequence[Case]) -> list[float]:
        """Probability of each case."""


@final
@dataclass(frozen=True, eq=False)
class NetworkScorer:
    """A network with its preparation and calibration. Meant for the versions of one case, and forgotten with it.

    Attributes:
        network: what answers.
        contract: what it eats.
        tokenizer: of its BERT.
        finding: which finding.
        threshold: where it is flagged.
        to_probability: calibration: (name of the subset of modalities, logit) to probability.
    """

    network: DiagnosisNetwork
    contract: InputContract
    tokenizer: Any
    finding: int = 0
    threshold: float = 0.5
    to_probability: Callable[[str, float], float] = lambda _subset, logit: 1 / (1 + math.exp(-logit))
    _tokens: dict[PartKey, list[Tensor]] = field(default_factory=dict, repr=False)
    _kept: list[Any] = field(default_factory=list, repr=False)

    def probabilities(self, cases: Sequence[Case]) -> list[float]:
        """Probability of each case."""
        with torch.no_grad(), held_still(self.network):
            self._encode(cases)
            logits = [self._logit(case) for case in cases]
        return [
            self.to_probability(subset_name(case.present), logit) for case, logit in zip(cases, logits, strict=True)
        ]

    def _logit(self, case: Case) -> float:
        """Mean logit of the members; each case is fused alone, so that its answer depends on no other."""
        keys = _part_keys(case)
        is_present = torch.tensor([[part in case.present for part in MODALITIES]])
        logits = []
        for index, member in enumerate(self.network.classifiers()):
            ct, note, voice = (self._tokens[key][index] for key in keys)
            logits.append(member.fuse(ModalityTokens(ct, note, voice, is_present)).logits[0, self.finding])
        return float(torch.stack(logits).mean())

    def _encode(self, cases: Sequence[Case]) -> None:
        """Tokens of every form of every part that was not met before."""
        for place, part in enumerate(MODALITIES):
            new = {_part_keys(case)[place]: case for case in cases}
            todo = [(key, case) for key, case in new.items() if key not in self._tokens]
            for first in range(0, len(todo), AT_ONCE):
                some = todo[first : first + AT_ONCE]
                prepared = [prepare_case(_with_only(case, part), self.contract, self.tokenizer) for _, case in some]
                tokens = self._part_tokens(part, stack_cases(prepared, self.contract))
                for row, (key, case) in enumerate(some):
                    self._tokens[key] = [of_member[row : row + 1] for of_member in tokens]
                    # Keys hold identities: what they belong to must stay alive as long as they do.
                    self._kept.append((case.volume, case.voice_note))

    def _part_tokens(self, part: Modality, batch: ModelInput) -> list[Tensor]:
        """Tokens (batch,token,embed) of one part, for each member."""
        members = self.network.classifiers()
        if part is Modality.CT:
            return [member.volume_encoder(batch.volume, batch.diameter_mm).tokens for member in members]
        is_note = part is Modality.NOTE
        ids, mask = (batch.note_ids, batch.note_mask) if is_note else (batch.voice_ids, batch.voice_mask)
        states = self.network.bert(self.network.bert.word_embeddings(ids), mask)
        tokens = [reading.tokens for reading in self.network.read_text(states, mask)]
        if is_note or batch.voice_mel is None:
            return tokens
        sounds = [m.acoustic_encoder(batch.voice_mel) if m.acoustic_encoder is not None else None for m in members]
        return [
            words if sound is None else torch.cat([words, sound], dim=1)
            for words, sound in zip(tokens, sounds, strict=True)
        ]


def _with_only(case: Case, part: Modality) -> Case:
    """The case without its other parts, which need not be prepared; as it is where it does not have the part."""
    return case.restricted_to(frozenset({part})) if part in case.present else case


def _part_keys(case: Case) -> tuple[PartKey, PartKey, PartKey]:
    """What makes each part of a case what it is, in the order of the modality axis; None where it is absent."""
    present = case.present
    ct = (id(case.volume), case.region) if Modality.CT in present else None
    note = case.note.text if case.note is not None else None
    # The sound is part of a dictation beside its words.
    voice = (case.voice_note.text, id(case.voice_note.audio)) if case.voice_note and case.voice_note.words else None
    return (Modality.CT, ct), (Modality.NOTE, note), (Modality.VOICE, voice)
