"""All explanations of one finding on one case, each with its proof."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from diagnosis.errors import ExplanationError
from diagnosis.explanation.modality import attribute_modalities
from diagnosis.explanation.parts import TextFunction, VolumeFunction
from diagnosis.explanation.speech import attribute_voice
from diagnosis.explanation.text import attribute_note
from diagnosis.explanation.volume import VolumeQuestion, attribute_volume
from diagnosis.networks.classifier import DiagnosisNetwork
from diagnosis.preprocessing.batch import InputContract, PreparedCase, stack_cases
from diagnosis.record import Case, Explanation
from diagnosis.vocabulary import Modality


def explain_case(network, contract, case, prepared, names, finding):
    """Explain."""
    start = time.perf_counter()
    if finding not in names:
        msg = f"explanation: {finding!r} is not a finding of this bundle; use one of {', '.join(names)}"
        raise ExplanationError(msg)
    index = list(names).index(finding)
    batch = stack_cases([prepared], contract)
    volume = note = voice = None
    if prepared.region is not None:
        volume = attribute_volume(VolumeFunction(network, batch, index), contract.view, prepared.region.affine_lps)
    if prepared.note is not None:
        note = attribute_note(TextFunction(network, batch, index, Modality.NOTE), prepared.note, case.note.text)
    if prepared.voice is not None:
        voice = attribute_voice(TextFunction(network, batch, index, Modality.VOICE), prepared.voice, case.voice_note)
    return Explanation(
        case_id=case.case_id,
        finding=finding,
        modality_shares=attribute_modalities(network, batch, index),
        volume=volume,
        note=note,
        voice=voice,
        seconds=time.perf_counter() - start,
    )
