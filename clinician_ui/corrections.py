"""A case as its clinician corrected it: the kept edits applied to what the files hold (pure)."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from difflib import SequenceMatcher

from diagnosis.ingest.case_folder import NO_REGION
from diagnosis.ingest.notes import note_from_text
from diagnosis.record import Case, RegionOfInterest, SpeechSegment, VoiceNote, Word
from diagnosis.store.documents import canonical_json
from diagnosis.store.edits import EditedPart, KeptEdit

_TOKEN = re.compile(r"\n|[^\s]+")


def other_warnings(case: Case) -> tuple[str, ...]:
    """What the reader of the files warns of, but for the region that is not marked: the page says that by itself."""
    return tuple(warning for warning in case.warnings if warning != NO_REGION)


def region_text(region: RegionOfInterest | None) -> str:
    """A region as an edit keeps it; empty for none."""
    if region is None:
        return ""
    return canonical_json({"center_mm": list(map(float, region.center_mm)), "diameter_mm": region.diameter_mm})


def corrected(case: Case, edits: Iterable[KeptEdit]) -> Case:
    """The case with the newest edit of each part applied.

    Args:
        case: as its files hold it.
        edits: newest first.

    Raises:
        InputError: an edit that does not fit the case, such as a region outside the CT.
    """
    newest: dict[EditedPart, KeptEdit] = {}
    for kept in edits:
        newest.setdefault(kept.edit.part, kept)
    if (moved := newest.get(EditedPart.REGION)) is not None and case.volume is not None:
        region = _region(moved.edit.edited)
        # A region that is set answers what the reader of the files had missed.
        warnings = tuple(w for w in case.warnings if region is None or w != NO_REGION)
        case = replace(case, region=region, warnings=warnings)
    if (written := newest.get(EditedPart.NOTE)) is not None:
        text = written.edit.edited
        case = replace(case, note=note_from_text(text) if text.strip() else None)
    if (spoken := newest.get(EditedPart.TRANSCRIPT)) is not None and case.voice_note is not None:
        case = replace(case, voice_note=_transcript(case.voice_note, spoken))
    return case


def _region(text: str) -> RegionOfInterest | None:
    if not text:
        return None
    stated = json.loads(text)
    x, y, z = stated["center_mm"]
    return RegionOfInterest((x, y, z), stated["diameter_mm"])


def _transcript(voice: VoiceNote, kept: KeptEdit) -> VoiceNote:
    confirmed_by = kept.made_by if kept.edit.is_confirmed else None
    if kept.edit.edited == voice.text:
        return replace(voice, confirmed_by=confirmed_by)
    words = retimed(voice, kept.edit.edited)
    segments = (SpeechSegment(words),) if words else ()
    return replace(voice, segments=segments, confirmed_by=confirmed_by)


def retimed(voice: VoiceNote, text: str) -> tuple[Word, ...]:
    """The words of an edited transcript with times: kept words keep theirs, new ones share the gap that they fill.

    A word that the clinician typed has probability 1.
    """
    old, new = _spoken(voice), _TOKEN.findall(text)
    timed: list[Word] = []
    for kind, a, b, c, d in SequenceMatcher(a=[w.text for w in old], b=new, autojunk=False).get_opcodes():
        if kind == "equal":
            timed += old[a:b]
        elif d > c:
            start = timed[-1].end_s if timed else 0.0
            end = old[b].start_s if b < len(old) else max(voice.duration_s, start)
            step = max(end - start, 0.0) / (d - c)
            timed += [Word(w, start + i * step, start + (i + 1) * step, 1.0) for i, w in enumerate(new[c:d])]
    return tuple(timed)


def _spoken(voice: VoiceNote) -> list[Word]:
    """The transcript as an editor shows it: a mark that was spoken stands at the end of the word before it."""
    tokens = []
    for found in _TOKEN.finditer(voice.text):
        spans = zip(voice.words, voice.word_spans, strict=True)
        parts = [w for w, (start, end) in spans if start < found.end() and end > found.start()]
        times = parts[0].start_s, parts[-1].end_s
        tokens.append(Word(found.group(), *times, min(w.probability for w in parts)))
    return tokens
