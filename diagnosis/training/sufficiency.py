"""Whether a cohort is enough to be trained, calibrated and measured on; told before anything is trained."""

from collections.abc import Sequence

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.calibration import MIN_OF_EACH_CLASS
from diagnosis.settings import process_count
from diagnosis.training.cohort import Cohort, TrainingCase
from diagnosis.training.config import TrainConfig
from diagnosis.vocabulary import NON_EMPTY_SUBSETS, Modality

FEWEST_REGIONS = 2
"""For each process: batch norm needs two cases in a batch."""


def labels_suffice(cohort: Cohort, rows: Sequence[int], finding: int) -> bool:
    """Whether these cases can be scored: both classes in each fold, and enough outside each fold to calibrate on."""
    return _first_want(cohort, rows, finding) is None


def _first_want(cohort: Cohort, rows: Sequence[int], finding: int) -> str | None:
    """The first fold that cannot be scored on these cases and why, or None."""
    counts = {fold: [0, 0] for fold in cohort.folds}
    for i in rows:
        label = cohort.cases[i].labels[finding]
        if label is not None:
            counts[cohort.cases[i].fold][label] += 1
    for fold, (negative, positive) in counts.items():
        if not (negative and positive):
            return f"{fold} has {positive} positive and {negative} negative cases, and needs one of each"
        outside = [sum(n[label] for name, n in counts.items() if name != fold) for label in (0, 1)]
        if min(outside) < MIN_OF_EACH_CLASS:
            return (
                f"outside {fold} there are {outside[1]} positive and {outside[0]} negative cases, and "
                f"{MIN_OF_EACH_CLASS} of each are needed to calibrate on"
            )
    return None


def require_enough(cohort: Cohort, config: TrainConfig) -> None:
    """Refuse a cohort on which a run would fail at its end.

    Raises:
        ConfigurationError: a finding that no subset of the parts has enough labels for, or too few CTs for a volume
            encoder.
    """
    for index, name in enumerate(cohort.findings):
        _require_labels(cohort, index, name)
    if any(case.region is not None for case in cohort.cases):
        _require_regions(cohort, config)


def _require_labels(cohort: Cohort, finding: int, name: str) -> None:
    every = range(len(cohort.cases))
    by_subset = [[i for i in every if subset <= parts_of(cohort.cases[i])] for subset in NON_EMPTY_SUBSETS]
    if any(labels_suffice(cohort, rows, finding) for rows in by_subset):
        return
    want = _first_want(cohort, every, finding)
    if want is None:
        want = "it is so for no part by itself: CT, note and dictation are each there in too few of the labeled cases"
    msg = (
        f"cohort {cohort.name}: {name} has too few labels to be measured: {want}; label more cases, divide the folds "
        "anew, or leave it out of data.findings"
    )
    raise ConfigurationError(msg)


def parts_of(case: TrainingCase) -> frozenset[Modality]:
    """What a case has."""
    there = {Modality.CT: case.region is not None, Modality.NOTE: bool(case.note), Modality.VOICE: bool(case.voice)}
    return frozenset(part for part, is_there in there.items() if is_there)


def _require_regions(cohort: Cohort, config: TrainConfig) -> None:
    """A volume encoder is trained without each pair of folds; with `patience` it gives up some patients too."""
    fewest = FEWEST_REGIONS * process_count() * (2 if config.volume.patience else 1)
    regions = {fold: sum(cohort.cases[i].region is not None for i in cohort.inside(fold)) for fold in cohort.folds}
    largest = sorted(regions, key=lambda fold: regions[fold])[-2:]
    left = sum(regions.values()) - sum(regions[fold] for fold in largest)
    if left < fewest:
        msg = (
            f"cohort {cohort.name}: {left} CTs are left when the folds {' and '.join(sorted(largest))} are held out, "
            f"and {fewest} are needed; make more folds, or leave the CTs out"
        )
        raise ConfigurationError(msg)
