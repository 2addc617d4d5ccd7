"""What the probability would have been: a sentence removed, a word negated, the region blanked, a part left out.

Every change is made to the case itself and goes the whole way through preparation, network and calibration, so that
the answer is what the product would have said of that case.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from diagnosis.explanation.baselines import PARENCHYMA_HU
from diagnosis.explanation.case_scorer import CaseScorer
from diagnosis.explanation.words import Span, sentence_spans
from diagnosis.record import (
    Case,
    ChangeKind,
    ClinicalNote,
    Counterfactual,
    SpeechSegment,
    SpeechSpan,
    TextAttribution,
    TextSpan,
    Volume,
)
from diagnosis.vocabulary import MODALITIES, Modality

N_WORDS = 6
"""Words that are negated: those with the largest attributions."""
N_CANDIDATES = 12
"""Words that may be part of the smallest change."""
MOST_REMOVED = 4
"""A change of more words or sentences than this is not a small one."""
UNKNOWN_RADIUS_MM = 15.0
_NEGATION_ITSELF = re.compile("no|not|without|denies|absent|negative", re.IGNORECASE)
_NEGATION = re.compile(r"(?:\b(?:no|not|without|denies|negative for|absent)\s+)$", re.IGNORECASE)


@final
@dataclass(frozen=True, eq=False)
class _Change:
    """A changed case, and what was changed."""

    kind: ChangeKind
    modality: Modality
    spans: tuple[Span, ...]
    case: Case


def explain_counterfactuals(
    case: Case, scorer: CaseScorer, texts: dict[Modality, TextAttribution] | None = None
) -> tuple[Counterfactual, ...]:
    """All changes of one case with their answers.

    Args:
        case: as it was assessed.
        scorer: what is asked.
        texts: attributions of note and dictation; their strongest words are negated.
    """
    changes = [*_sentences_removed(case), *_words_negated(case, texts or {}), *_parts_left_out(case)]
    if Modality.CT in case.present:
        changes.append(_Change(ChangeKind.REGION_BLANKED, Modality.CT, (), with_region_blanked(case)))
    before, *after = scorer.probabilities([case, *(change.case for change in changes)])
    return tuple(
        _counterfactual(case, change, before, p, scorer.threshold) for change, p in zip(changes, after, strict=True)
    )


def smallest_change(
    case: Case, scorer: CaseScorer, part: Modality, attribution: TextAttribution | None = None
) -> Counterfactual | None:
    """The fewest words, or else sentences, of a text without which the flag changes; None where none do.

    Args:
        case: as it was assessed.
        scorer: what is asked.
        part: note or voice.
        attribution: where given, its strongest words are tried before whole sentences.
    """
    found = fewest_words(case, scorer, part, attribution) if attribution else None
    return found or fewest_sentences(case, scorer, part)


def fewest_words(case: Case, scorer: CaseScorer, part: Modality, attribution: TextAttribution) -> Counterfactual | None:
    """The fewest of the strongest words without which the flag changes.

    Every single removal is tried, so that an answer of one is the smallest there is. Longer answers are found
    greedily and then verified: whatever can be put back without the flag changing again is put back.
    """
    return _fewest(case, scorer, part, ChangeKind.WORD_REMOVED, _strongest(attribution.spans, N_CANDIDATES))


def fewest_sentences(case: Case, scorer: CaseScorer, part: Modality) -> Counterfactual | None:
    """The same of whole sentences."""
    return _fewest(case, scorer, part, ChangeKind.SENTENCE_REMOVED, sentence_spans(text_of(case, part)))


def _fewest(
    case: Case, scorer: CaseScorer, part: Modality, kind: ChangeKind, candidates: Sequence[Span]
) -> Counterfactual | None:
    found = _greedy(case, scorer, part, candidates) if candidates else None
    if found is None:
        return None
    spans, before, after = found
    return _counterfactual(case, _Change(kind, part, tuple(sorted(spans)), case), before, after, scorer.threshold)


def _greedy(
    case: Case, scorer: CaseScorer, part: Modality, candidates: Sequence[Span]
) -> tuple[list[Span], float, float] | None:
    """Spans whose removal flips the flag, the probability before and after; at most `MOST_REMOVED` of them."""
    (before,) = scorer.probabilities([case])
    is_flagged, removed, after = before >= scorer.threshold, list[Span](), before
    while (after >= scorer.threshold) == is_flagged:
        if len(removed) == MOST_REMOVED:
            return None
        options = _removals(case, part, [[*removed, span] for span in candidates if span not in removed])
        if not options:
            return None
        answers = scorer.probabilities([changed for _, changed in options])
        best = int(np.argmin(answers) if is_flagged else np.argmax(answers))
        removed, after = options[best][0], answers[best]
    for span in list(removed)[:-1]:
        fewer = _removals(case, part, [[kept for kept in removed if kept != span]])
        answer = scorer.probabilities([fewer[0][1]])[0]
        if (answer >= scorer.threshold) != is_flagged:
            removed, after = fewer[0][0], answer
    return removed, before, after


def _removals(case: Case, part: Modality, choices: Iterable[list[Span]]) -> list[tuple[list[Span], Case]]:
    changed = ((spans, without_text(case, part, spans)) for spans in choices)
    return [(spans, other) for spans, other in changed if other is not None]


def text_of(case: Case, part: Modality) -> str:
    """The note, or the transcript, or nothing."""
    if part is Modality.NOTE:
        return case.note.text if case.note else ""
    return case.voice_note.text if part is Modality.VOICE and case.voice_note else ""


def without_text(case: Case, part: Modality, spans: Sequence[Span]) -> Case | None:
    """The case without some characters of its note, or without the spoken words that lie in them.

    A text of which nothing is left counts as absent; None where that leaves no evidence at all.
    """
    if part is Modality.NOTE and case.note is not None:
        kept, done = "", 0
        for start, end in sorted(spans):
            kept += case.note.text[done:start]
            done = max(done, end)
        kept += case.note.text[done:]
        changed = replace(case, note=ClinicalNote(kept)) if re.search(r"\w", kept) else _left_out(case, part)
    elif case.voice_note is not None:
        voice = case.voice_note
        gone = [any(s < end and start < e for s, e in spans) for start, end in voice.word_spans]
        words = tuple(word for word, is_gone in zip(voice.words, gone, strict=True) if not is_gone)
        voice = replace(voice, segments=(SpeechSegment(words),) if words else ())
        changed = replace(case, voice_note=voice) if words else _left_out(case, part)
    else:
        return None
    return changed if changed is not None and changed.present else None


def with_word_negated(case: Case, part: Modality, span: Span) -> Case:
    """`no` put before a word, or the negation that already stands before it taken away."""
    start = span[0]
    text = text_of(case, part)
    negation = _NEGATION.search(text[:start])
    if part is Modality.NOTE:
        head = text[: negation.start()] if negation else f"{text[:start]}no "
        return replace(case, note=ClinicalNote(head + text[start:]))
    if negation:
        return without_text(case, part, [(negation.start(), start)]) or case
    voice = case.voice_note
    if voice is None:
        return case
    places = zip(voice.words, voice.word_spans, strict=True)
    words = tuple(replace(w, text=f"no {w.text.strip()}") if s <= start < e else w for w, (s, e) in places)
    return replace(case, voice_note=replace(voice, segments=(SpeechSegment(words),)))


def with_region_blanked(case: Case) -> Case:
    """The region's ball filled with lung parenchyma; only a block around it is copied, since scans are large."""
    if case.volume is None or case.region is None:
        return case
    volume, center = case.volume, np.asarray(case.region.center_mm)
    radius = (case.region.diameter_mm or 2 * UNKNOWN_RADIUS_MM) / 2 + 2.0
    reach = np.ceil((radius + _CONTEXT_MM) / np.asarray(volume.spacing_mm)).astype(int)
    index = np.round(volume.index_of(center)).astype(int)
    low = np.clip(index - reach, 0, np.array(volume.hu.shape) - 1)
    high = np.clip(index + reach + 1, low + 1, volume.hu.shape)
    block = volume.hu[low[0] : high[0], low[1] : high[1], low[2] : high[2]].copy()
    affine = volume.affine_lps.copy()
    affine[:3, 3] = volume.position_of(low)
    grid = np.moveaxis(np.indices(block.shape), 0, -1)
    distance = np.linalg.norm(grid @ affine[:3, :3].T + affine[:3, 3] - center, axis=-1)
    block[distance <= radius] = PARENCHYMA_HU
    blanked = Volume(block, affine, volume.padding_hu, (*volume.history, "region blanked"))
    return replace(case, volume=blanked)


_CONTEXT_MM = 60.0
"""More than half the field of view of any bundle for nodules."""


def _sentences_removed(case: Case) -> list[_Change]:
    changes = []
    for part in (Modality.NOTE, Modality.VOICE):
        for span in sentence_spans(text_of(case, part)) if part in case.present else ():
            changed = without_text(case, part, [span])
            if changed is not None:
                changes.append(_Change(ChangeKind.SENTENCE_REMOVED, part, (span,), changed))
    return changes


def _words_negated(case: Case, texts: dict[Modality, TextAttribution]) -> list[_Change]:
    """The strongest words, without those that negate themselves: nobody writes "no no effusion"."""
    return [
        _Change(_negation_kind(case, part, span), part, (span,), with_word_negated(case, part, span))
        for part, attribution in texts.items()
        for span in _strongest(_that_can_be_negated(attribution.spans), N_WORDS)
    ]


def _that_can_be_negated(words: Sequence[TextSpan | SpeechSpan]) -> list[TextSpan | SpeechSpan]:
    return [word for word in words if not _NEGATION_ITSELF.fullmatch(word.text.strip(" .,;:"))]


def _negation_kind(case: Case, part: Modality, span: Span) -> ChangeKind:
    """Which of the two `with_word_negated` does."""
    is_negated = _NEGATION.search(text_of(case, part)[: span[0]]) is not None
    return ChangeKind.NEGATION_REMOVED if is_negated else ChangeKind.WORD_NEGATED


def _strongest(words: Sequence[TextSpan | SpeechSpan], n: int) -> list[Span]:
    """Characters of the words with the largest attributions."""
    places = [(abs(word.value), word.start, word.end) for word in words]
    return [(start, end) for _, start, end in sorted(places, reverse=True)[:n]]


def _parts_left_out(case: Case) -> list[_Change]:
    changes = []
    for part in MODALITIES:
        changed = _left_out(case, part) if part in case.present else None
        if changed is not None:
            changes.append(_Change(ChangeKind.MODALITY_LEFT_OUT, part, (), changed))
    return changes


def _left_out(case: Case, part: Modality) -> Case | None:
    kept = case.present - {part}
    return case.restricted_to(kept) if kept else None


def _counterfactual(case: Case, change: _Change, before: float, after: float, threshold: float) -> Counterfactual:
    text = text_of(case, change.modality)
    return Counterfactual(
        kind=change.kind,
        modality=change.modality,
        spans=change.spans,
        texts=tuple(text[start:end] for start, end in change.spans),
        probability_before=before,
        probability_after=after,
        is_flipped=(before >= threshold) != (after >= threshold),
    )
