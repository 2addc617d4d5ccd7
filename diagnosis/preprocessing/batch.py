"""One or many cases to a `ModelInput`, together with what is needed to find the way back."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from diagnosis.errors import CaseError
from diagnosis.networks.model_input import ModelInput
from diagnosis.preprocessing.audio import prepare_mel
from diagnosis.preprocessing.text import PreparedText, prepare_text
from diagnosis.preprocessing.volume import FieldOfView, PreparedRegion, prepare_region
from diagnosis.record import Case
from diagnosis.record.case import case_subject
from diagnosis.vocabulary import MODALITIES, Modality

SILENT_FRAMES = 8
"""Log-mel frames of silence that stand for a dictation without a recording."""


@final
@dataclass(frozen=True)
class InputContract:
    """What a bundle says its network eats.

    Attributes:
        view: grid and HU range of the CT.
        max_tokens: longest text.
        n_mels: mel bands of the acoustic branch, or None where there is none.
    """

    view: FieldOfView
    max_tokens: int
    n_mels: int | None = None


@final
@dataclass(frozen=True, eq=False)
class PreparedCase:
    """One case ready to be batched; a part that is absent is None."""

    case_id: str
    region: PreparedRegion | None
    diameter_mm: float | None
    note: PreparedText | None
    voice: PreparedText | None
    mel: np.ndarray[Any, np.dtype[np.float32]] | None
    present: frozenset[Modality]


def prepare_case(case: Case, contract: InputContract, tokenizer: Any) -> PreparedCase:  # noqa: ANN401
    """Prepare all parts of a case that can be assessed.

    Raises:
        RegionError: the region lies outside the CT.
    """
    present = case.present
    region = mel = None
    if Modality.CT in present and case.volume is not None and case.region is not None:
        region = prepare_region(case.volume, case.region, contract.view)
    texts = {
        Modality.NOTE: case.note.text if case.note else "",
        Modality.VOICE: case.voice_note.text if case.voice_note else "",
    }
    prepared = {m: prepare_text(t, tokenizer, contract.max_tokens) for m, t in texts.items() if m in present}
    if contract.n_mels and Modality.VOICE in present and case.voice_note and case.voice_note.audio:
        mel = prepare_mel(case.voice_note.audio, contract.n_mels)
    return PreparedCase(
        case_id=case.case_id,
        region=region,
        # The diameter belongs to the marked region: without a CT there is nothing it was measured on.
        diameter_mm=case.region.diameter_mm if region is not None and case.region else None,
        note=prepared.get(Modality.NOTE),
        voice=prepared.get(Modality.VOICE),
        mel=mel,
        present=present,
    )


def require_evidence(prepared: PreparedCase) -> None:
    """Refuse a case of which nothing can be assessed.

    Raises:
        CaseError: it has no kind of evidence.
    """
    if not prepared.present:
        msg = (
            f"{case_subject(prepared.case_id)}: nothing in it can be assessed; mark a region in the CT, or add a note "
            "or a dictation with words"
        )
        raise CaseError(msg)


def preparation_warnings(case: Case, prepared: PreparedCase, contract: InputContract) -> tuple[str, ...]:
    """Sentences for the reader on what of a case was not used, or not as a whole."""
    warnings = []
    if case.volume is not None and prepared.region is None:
        warnings.append("The CT was not used: no region is marked in it.")
    if prepared.region is not None and prepared.region.inside < 0.5:
        share = 100 * (1 - prepared.region.inside)
        warnings.append(f"{share:.0f} % of the region lies outside the scan; its border was repeated there.")
    for text, name in ((prepared.note, "note"), (prepared.voice, "transcript")):
        if text is not None and text.is_cut:
            warnings.append(
                f"The {name} is longer than {contract.max_tokens} tokens; only the part that says most of a lesion was "
                "read."
            )
    return tuple(warnings)


def stack_cases(cases: list[PreparedCase], contract: InputContract) -> ModelInput:
    """Batch prepared cases: texts padded to the longest, absent parts as zeros behind the presence mask."""
    volumes = np.zeros((len(cases), 1, *contract.view.shape), dtype=np.float32)
    for row, case in enumerate(cases):
        if case.region is not None:
            volumes[row, 0] = case.region.values
    note_ids, note_mask = _pad([case.note for case in cases])
    voice_ids, voice_mask = _pad([case.voice for case in cases])
    return ModelInput(
        volume=torch.from_numpy(volumes),
        diameter_mm=torch.tensor([np.nan if c.diameter_mm is None else c.diameter_mm for c in cases]).float(),
        note_ids=note_ids,
        note_mask=note_mask,
        voice_ids=voice_ids,
        voice_mask=voice_mask,
        is_present=torch.tensor([[m in case.present for m in MODALITIES] for case in cases]),
        voice_mel=_stack_mels([case.mel for case in cases], contract.n_mels) if contract.n_mels else None,
    )


def _pad(texts: list[PreparedText | None]) -> tuple[Tensor, Tensor]:
    length = max([1, *(text.ids.size for text in texts if text is not None)])
    ids, mask = np.zeros((len(texts), length), dtype=np.int64), np.zeros((len(texts), length), dtype=bool)
    for row, text in enumerate(texts):
        if text is not None:
            ids[row, : text.ids.size] = text.ids
            mask[row, : text.ids.size] = True
    return torch.from_numpy(ids), torch.from_numpy(mask)


def _stack_mels(mels: list[np.ndarray[Any, np.dtype[np.float32]] | None], n_mels: int) -> Tensor:
    length = max([SILENT_FRAMES, *(mel.shape[1] for mel in mels if mel is not None)])
    stacked = np.zeros((len(mels), n_mels, length), dtype=np.float32)
    for row, mel in enumerate(mels):
        if mel is not None:
            stacked[row, :, : mel.shape[1]] = mel
    return torch.from_numpy(stacked)
