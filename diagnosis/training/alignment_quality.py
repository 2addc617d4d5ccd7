"""What the aligned space finds on held-out folds: recall against chance for each loss, and the bound set by readers."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from diagnosis.progress import OpenBar
from diagnosis.retrieval.quality import Recall, pair_likelihood, recall_of
from diagnosis.training.alignment_stage import LOSSES, cases_of_fold, embed_cohort, fit_space
from diagnosis.training.cohort import Cohort, Reader
from diagnosis.training.ct_readings import CohortReadings
from diagnosis.training.folds import CohortTexts
from diagnosis.vocabulary import MODALITIES, Modality

CT, NOTE, VOICE = (MODALITIES.index(m) for m in (Modality.CT, Modality.NOTE, Modality.VOICE))
DIRECTIONS: dict[str, tuple[int, int]] = {
    "note to CT": (NOTE, CT),
    "dictation to CT": (VOICE, CT),
    "CT to note": (CT, NOTE),
    "CT to dictation": (CT, VOICE),
    "note to dictation": (NOTE, VOICE),
}
UNTOLD = " (diameter not told)"
N_NEAREST = 5
MIDDLE_RATING, MIDDLE_LOG_DIAMETER = 3.0, 2.3
"""Where a rating or a diameter (10 mm) that is not known is put: it speaks for no nodule more than for another."""
Similarity = npt.NDArray[np.float32]


def measure_alignment(
    cohort: Cohort, readings: CohortReadings, texts: CohortTexts, text: Tensor, seed: int, open_bar: OpenBar
) -> dict[str, dict[str, Recall]]:
    """Recall by loss and direction.

    A cohort whose cases have no two descriptions by two readers is not measured: the answer is empty.

    Every query comes from the held-out fold of heads and encoders. The gallery are all scored nodules; those outside
    the fold are other nodules that must not be found. A note is by reader 1, a dictation by reader 2.
    """
    rows = [i for i, (note, voice) in enumerate(texts.scored) if note >= 0 and voice >= 0]
    if not rows or any(len(cohort.cases[i].readers) < 2 for i in rows):
        return {}
    folds = np.array([cohort.cases[i].fold for i in rows])
    bar = open_bar("Aligning CT and words")
    found: dict[str, dict[str, Recall]] = {}
    for step, loss in enumerate(LOSSES):
        tables: dict[str, Similarity] = {}
        for done, fold in enumerate(cohort.folds):
            space = fit_space(cases_of_fold(readings, fold, texts, text), loss, seed)
            for is_told in (True, False):
                embedded = embed_cohort(space, cohort, readings, texts, text, is_told=is_told)[rows]
                _fill(tables, embedded.numpy(), folds == fold, is_told=is_told)
            bar(step * len(cohort.folds) + done + 1, len(LOSSES) * len(cohort.folds))
        found[loss] = {name: recall_of(table, np.arange(len(rows))) for name, table in tables.items()}
    found["readers' own values"] = _between_readers(cohort, rows, folds)
    return found


def _fill(
    tables: dict[str, Similarity], embedded: Similarity, is_inside: npt.NDArray[np.bool_], *, is_told: bool
) -> None:
    """Similarities of the held-out queries to all nodules, in every direction that the diameter touches."""
    for name, (query, gallery) in DIRECTIONS.items():
        if not is_told and CT not in {query, gallery}:
            continue
        table = tables.setdefault(name if is_told else name + UNTOLD, np.zeros((len(embedded),) * 2, np.float32))
        table[is_inside] = embedded[is_inside, query] @ embedded[:, gallery].T


def _between_readers(cohort: Cohort, rows: list[int], folds: npt.NDArray[np.str_]) -> dict[str, Recall]:
    """How well other readers' own ratings and diameters find reader 1's of the same nodule: no words, no network.

    Reader 2 bounds what a dictation can find. The mean of all other readers is what a CT reader as good as their
    consensus would see, and bounds what a CT can find without knowing how reader 1 differs from everybody else.
    """
    readers = [[_values(reader) for reader in cohort.cases[i].readers] for i in rows]
    first = np.stack([values[0] for values in readers])
    others = {
        "reader 2 to reader 1": np.stack([values[1] for values in readers]),
        "mean of the other readers to reader 1": np.stack([np.mean(values[1:], axis=0) for values in readers]),
    }
    return {name: _recall_between(first, other, folds) for name, other in others.items()}


def _recall_between(
    first: npt.NDArray[np.float64], other: npt.NDArray[np.float64], folds: npt.NDArray[np.str_]
) -> Recall:
    table = np.zeros((len(first), len(first)))
    for fold in np.unique(folds):
        inside = folds == fold
        table[inside] = pair_likelihood(other[inside], first, (other[~inside], first[~inside]))
    return recall_of(table, np.arange(len(first)))


def _values(reader: Reader) -> npt.NDArray[np.float64]:
    """Ratings and log diameter; what is not known is put in the middle of its scale, (rating + 1,)."""
    values = np.array([*reader.ratings, np.log(reader.diameter_mm) if reader.diameter_mm else np.nan])
    return np.where(np.isfinite(values), values, [MIDDLE_RATING] * len(reader.ratings) + [MIDDLE_LOG_DIAMETER])


def neighbor_agreement(embedded: Tensor, cohort: Cohort) -> dict[str, float]:
    """Of the 5 nearest nodules of other patients by the CT alone: how often they were judged alike, beside chance.

    Args:
        embedded: (case,modality,space) of all cases of the cohort.
        cohort: whose cases without a label are left out.
    """
    cases = cohort.cases
    rows = [i for i, case in enumerate(cases) if case.labels[0] is not None]
    vectors = torch.nn.functional.normalize(embedded[rows][:, CT], dim=-1).numpy()
    similarity = vectors @ vectors.T
    patients = np.array([cases[i].patient_id for i in rows])
    similarity[patients[:, None] == patients[None]] = -2  # below any cosine: never among the nearest
    labels = np.array([cases[i].labels[0] for i in rows])
    nearest = np.argsort(-similarity, axis=1)[:, :N_NEAREST]
    share = float((labels[nearest] == labels[:, None]).mean())
    positive = float(labels.mean())
    return {"same_call_of_5_nearest": share, "by_chance": positive**2 + (1 - positive) ** 2}
