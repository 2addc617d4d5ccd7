"""Captions on held-out folds: the trained decoder beside the template over the descriptor head, against the readers."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from diagnosis.drafting.wording import PHRASES, levels_said
from diagnosis.errors import MissingDependencyError
from diagnosis.training.caption_stage import caption_of
from diagnosis.training.cohort import Reader, TrainingCase
from diagnosis.vocabulary import DESCRIPTORS

_COLUMN = {d.name: i for i, d in enumerate(DESCRIPTORS)}
_ABSENT_CALCIFICATION = 6


def is_finding(name: str, level: float) -> bool:
    """Whether a level says that something is there which a plain nodule has not."""
    if name in {"lobulation", "spiculation"}:
        return level >= 3
    if name == "calcification":
        return level < _ABSENT_CALCIFICATION
    if name == "texture":
        return level <= 3
    return name == "internal_structure" and level > 1


def caption_quality(captions: Sequence[str], cases: Sequence[TrainingCase]) -> dict[str, float]:
    """Descriptor accuracy, invented and missed findings, BLEU and ROUGE-L of captions of cases with readers.

    A finding is invented where none of a nodule's readers saw it, and missed where all did.

    Raises:
        MissingDependencyError: sacrebleu or rouge-score is not installed.
    """
    said = [levels_said(caption) for caption in captions]
    pairs = list(zip(said, cases, strict=True))
    accuracy = [_right(levels, case.readers) for levels, case in pairs]
    invented = [_invented(levels, case.readers) for levels, case in pairs]
    missed = [_missed(levels, case.readers) for levels, case in pairs]
    references = [[caption_of(reader) for reader in case.readers] for case in cases]
    bleu, rouge = _bleu_and_rouge(captions, references)
    return {
        "n": float(len(cases)),
        "descriptor_accuracy": float(np.mean([a for a, _ in accuracy])),
        "within_one_level": float(np.mean([b for _, b in accuracy])),
        "invented_findings_per_caption": float(np.mean(invented)),
        "captions_with_an_invented_finding": float(np.mean(np.array(invented) > 0)),
        "missed_findings_per_caption": float(np.mean(missed)),
        "bleu": bleu,
        "rouge_l": rouge,
    }


def _ratings(readers: Sequence[Reader], name: str) -> npt.NDArray[np.float64]:
    values = np.array([reader.ratings[_COLUMN[name]] for reader in readers])
    return np.asarray(values[np.isfinite(values)], dtype=np.float64)


def _right(said: dict[str, set[int]], readers: Sequence[Reader]) -> tuple[float, float]:
    """Share of the descriptors said at the readers' median level, and within one of it; unsaid counts as wrong."""
    exact, near = [], []
    for name in PHRASES:
        ratings = _ratings(readers, name)
        if len(ratings):
            level = next(iter(said.get(name, {-9})))
            difference = abs(level - float(np.median(ratings)))
            exact.append(difference <= 0.5)
            near.append(difference <= 1)
    return float(np.mean(exact)), float(np.mean(near))


def _invented(said: dict[str, set[int]], readers: Sequence[Reader]) -> int:
    """Findings that a caption has and none of the readers."""
    return sum(
        is_finding(name, level) and not any(is_finding(name, r) for r in _ratings(readers, name))
        for name, levels in said.items()
        for level in levels
    )


def _missed(said: dict[str, set[int]], readers: Sequence[Reader]) -> int:
    """Findings that every reader has and a caption has not."""
    missed = 0
    for name in PHRASES:
        ratings = _ratings(readers, name)
        if len(ratings) and all(is_finding(name, r) for r in ratings):
            missed += not any(is_finding(name, level) for level in said.get(name, ()))
    return missed


def _bleu_and_rouge(captions: Sequence[str], references: list[list[str]]) -> tuple[float, float]:
    """Corpus BLEU (0 to 100) and mean ROUGE-L F (0 to 1), against all readers of each nodule."""
    try:
        from rouge_score.rouge_scorer import RougeScorer
        from sacrebleu.metrics import BLEU
    except ModuleNotFoundError as error:
        msg = 'captions: sacrebleu and rouge-score, which measure them, are not installed; run pip install ".[test]"'
        raise MissingDependencyError(msg) from error
    most = max(len(r) for r in references)
    streams: list[list[str | None]] = [[r[i] if i < len(r) else None for r in references] for i in range(most)]
    bleu = BLEU(tokenize="none").corpus_score(list(captions), streams).score
    scorer = RougeScorer(["rougeL"])
    rouge = [
        max(scorer.score(reference, caption)["rougeL"].fmeasure for reference in own)
        for caption, own in zip(captions, references, strict=True)
    ]
    return float(bleu), float(np.mean(rouge))
