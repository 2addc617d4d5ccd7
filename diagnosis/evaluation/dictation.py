"""How good transcripts are: words, medical terms, negations lost, findings nobody said. Texts in, numbers out.

Texts are compared word by word after `spoken_words`: lower case, no punctuation, hyphens as spaces, number words as
digits, units in short form, two words as one where the other text writes them so ("air space", "airspace"). The
alignment of least edits is jiwer's.

==========================  ====================================================================================
figure                      definition
==========================  ====================================================================================
word error rate             (substituted + deleted + inserted words) / words of the references, pooled
medical-term error          medical terms of the references that are not aligned to themselves / all of them
lost negation               a cue of negation in the reference that is aligned to no cue of negation
lost finding                the name of a finding in the reference that is not aligned to the same finding
inserted finding            the name of a finding in the transcript where the reference has none or another one
==========================  ====================================================================================
"""

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass
from itertools import zip_longest
from typing import final

from diagnosis.errors import MissingDependencyError
from diagnosis.spoken_numbers import NUMBER_VALUES


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEGATIONS = _words(
    "no not without negative none never neither nor absent absence denies denied free cannot isn wasn aren weren"
)
# Each finding by the stems that name it; a word that begins with a stem names the finding.
FINDING_STEMS: tuple[tuple[str, ...], ...] = (
    ("nodul",),
    ("mass",),
    ("tumor", "tumour"),
    ("cancer", "carcinoma", "adenocarcinoma", "malignan"),
    ("metasta",),
    ("effusion",),
    ("pneumothora",),
    ("consolidat",),
    ("opacit", "opacif"),
    ("atelecta",),
    ("infiltrat",),
    ("pneumonia",),
    ("edema", "oedema"),
    ("emphysem",),
    ("cardiomegal",),
    ("fractur",),
    ("granulom",),
    ("calcif",),
    ("cavit",),
    ("lymphadenopath", "adenopath"),
    ("fibros",),
    ("scar",),
    ("hernia",),
    ("spiculat",),
    ("lobulat",),
    ("bronchiecta",),
    ("embol",),
    ("thromb",),
    ("osteophyt",),
    ("scolio", "levoscolio", "dextroscolio"),
    ("hyperinflat", "hyperexpan"),
)
_NUMBERS = {word: str(value) for word, value in NUMBER_VALUES.items() if value <= 20}
_UNITS = {
    "millimeter": "mm",
    "millimeters": "mm",
    "millimetre": "mm",
    "millimetres": "mm",
    "centimeter": "cm",
    "centimeters": "cm",
    "centimetre": "cm",
    "centimetres": "cm",
    "percent": "%",
}
_WORD = re.compile(r"\d+(?:\.\d+)?|[a-z]+(?:'[a-z]+)?|%")


@final
@dataclass(frozen=True)
class DictationQuality:
    """Errors of a set of transcripts; counts over all recordings."""

    n_recordings: int
    n_words: int
    n_word_errors: int
    n_medical_terms: int
    n_missed_medical_terms: int
    n_negations: int
    n_lost_negations: int
    n_findings: int
    n_lost_findings: int
    n_inserted_findings: int

    @property
    def word_error_rate(self) -> float:
        """Errors per word of the references; NaN without words."""
        return self.n_word_errors / self.n_words if self.n_words else float("nan")

    @property
    def medical_term_error(self) -> float:
        """Share of the medical terms that were not understood; NaN without terms."""
        return self.n_missed_medical_terms / self.n_medical_terms if self.n_medical_terms else float("nan")


def spoken_words(text: str) -> list[str]:
    """Words of a text in the form in which references and transcripts are compared."""
    found = _WORD.findall(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    return [_UNITS.get(word, _NUMBERS.get(word, word)) for word in found]


def dictation_quality(pairs: Iterable[tuple[str, str]], medical_terms: Set[str]) -> DictationQuality:
    """Compare transcripts with what was said.

    Args:
        pairs: (reference, transcript) of each recording.
        medical_terms: single words in lower case that count as medical terms.

    Raises:
        MissingDependencyError: jiwer is not installed.
    """
    counts = [0] * 10
    for reference, transcript in pairs:
        aligned = _aligned(spoken_words(reference), spoken_words(transcript))
        for position, count in enumerate(_counted(aligned, medical_terms)):
            counts[position] += count
    return DictationQuality(*counts)


def word_error_rate(reference: str, transcript: str) -> float:
    """Word error rate of one transcript."""
    return dictation_quality([(reference, transcript)], frozenset()).word_error_rate


def _counted(aligned: list[tuple[str, str]], medical_terms: Set[str]) -> tuple[int, ...]:
    """Counts in the order of the fields of `DictationQuality`."""
    terms = [said == heard for said, heard in aligned if said in medical_terms]
    negations = [heard in NEGATIONS for said, heard in aligned if said in NEGATIONS]
    findings = [(_finding(said), _finding(heard)) for said, heard in aligned]
    return (
        1,
        sum(said != "" for said, _ in aligned),
        sum(said != heard for said, heard in aligned),
        len(terms),
        terms.count(False),
        len(negations),
        negations.count(False),
        sum(said is not None for said, _ in findings),
        sum(said is not None and said != heard for said, heard in findings),
        sum(heard is not None and said != heard for said, heard in findings),
    )


def _finding(word: str) -> int | None:
    """Index of the finding that a word names."""
    return next((i for i, stems in enumerate(FINDING_STEMS) if word.startswith(stems)), None)


def _joined_as_in(words: list[str], other: list[str]) -> list[str]:
    """Words with two neighbors made one where the other text writes them as one: "air space", "airspace"."""
    known, joined = set(other), list[str]()
    for word in words:
        if joined and joined[-1] + word in known:
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _aligned(said: list[str], heard: list[str]) -> list[tuple[str, str]]:
    """Pairs (said, heard) in order; an empty string stands for no word."""
    reference, transcript = _joined_as_in(said, heard), _joined_as_in(heard, said)
    if not reference or not transcript:
        return [(word, "") for word in reference] + [("", word) for word in transcript]
    try:
        import jiwer
    except ImportError as error:
        msg = "measuring dictation: jiwer is not installed; run pip install jiwer"
        raise MissingDependencyError(msg) from error
    pairs: list[tuple[str, str]] = []
    for chunk in jiwer.process_words(" ".join(reference), " ".join(transcript)).alignments[0]:
        pairs.extend(
            zip_longest(
                reference[chunk.ref_start_idx : chunk.ref_end_idx],
                transcript[chunk.hyp_start_idx : chunk.hyp_end_idx],
                fillvalue="",
            )
        )
    return pairs
