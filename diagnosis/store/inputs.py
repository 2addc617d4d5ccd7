"""What went into an assessment, as plain facts: to tell two assessments apart, and to watch for drift."""

import hashlib
from typing import Any

from diagnosis.record import Case
from diagnosis.vocabulary import subset_name


def inputs_of(case: Case, fingerprint: str) -> dict[str, Any]:
    """Facts of a case as it was assessed. Texts appear as hashes only.

    Args:
        case: with all edits applied.
        fingerprint: of the case's files, which stands for the voxels.
    """
    facts: dict[str, Any] = {
        "fingerprint": fingerprint,
        "parts": subset_name(case.present),
        "age_years": case.age_years,
        "sex": case.sex.value if case.sex is not None else None,
    }
    if case.volume is not None:
        facts |= {
            "slices": case.volume.hu.shape[0],
            "slice_spacing_mm": case.volume.spacing_mm[0],
            "pixel_spacing_mm": case.volume.spacing_mm[1],
        }
    if case.region is not None:
        facts |= {"region_mm": list(map(float, case.region.center_mm)), "diameter_mm": case.region.diameter_mm}
    if case.note is not None:
        facts |= {"note_sha256": _sha256(case.note.text), "note_words": len(case.note.text.split())}
    if case.voice_note is not None:
        words = case.voice_note.words
        facts |= {
            "voice_sha256": _sha256(case.voice_note.text),
            "voice_words": len(words),
            "voice_word_probability": sum(w.probability for w in words) / len(words) if words else None,
            "voice_confirmed_by": case.voice_note.confirmed_by,
        }
    return facts


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
