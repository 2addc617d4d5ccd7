"""Warnings that need no fit: beyond the range of the training cases, another language, speech not heard well."""

from dataclasses import replace

from diagnosis.familiarity.language import foreign_language
from diagnosis.ingest.transcript_safety import transcript_warnings
from diagnosis.record import Case

Range = tuple[float, float]
NO_DIAMETER = (
    "The region has no diameter, which can change the probability much: measure it, and mark the region with it."
)


def range_warnings(case: Case, diameter_mm: Range, slice_spacing_mm: Range) -> tuple[str, ...]:
    """Sentences on a diameter or a slice spacing that lies outside the 1st to 99th percentile of the training cases.

    A diameter that is not known is named too: without it the network judges a nodule by its looks alone.
    """
    if case.volume is None or case.region is None:
        return ()
    found = [] if case.region.diameter_mm is not None else [NO_DIAMETER]
    for subject, value, (low, high) in (
        ("A diameter", case.region.diameter_mm, diameter_mm),
        ("A slice spacing", case.volume.spacing_mm[0], slice_spacing_mm),
    ):
        # Half a percent of tolerance: a spacing of 3.0000001 mm is 3 mm.
        if value is not None and not low * 0.995 <= value <= high * 1.005:
            found.append(
                f"{subject} of {value:.3g} mm is outside the range of the training cases ({low:.3g} to {high:.3g} mm)."
            )
    return tuple(found)


def language_warnings(case: Case) -> tuple[str, ...]:
    """Sentences on a note or a transcript in another language than English."""
    found = []
    for subject, text in (
        ("note", case.note.text if case.note else ""),
        ("transcript of the dictation", case.voice_note.text if case.voice_note else ""),
    ):
        if (language := foreign_language(text)) is not None:
            found.append(f"The {subject} seems to be in {language}; the model reads English alone: do not rely on it.")
    return tuple(found)


def speech_warnings(case: Case) -> tuple[str, ...]:
    """Sentences on a transcript whose words the recognizer was not sure of."""
    if case.voice_note is None or not case.voice_note.words:
        return ()
    # The words alone: listening to the recording for speech without words takes longer than the whole assessment.
    found = transcript_warnings(replace(case.voice_note, audio=None))
    return tuple(f"Dictation: {sentence}." for sentence in found)
