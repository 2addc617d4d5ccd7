"""What every function of this room expects of its arrays, checked in one place."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diagnosis.errors import ConfigurationError

FloatArray = NDArray[np.float64]
LabelArray = NDArray[np.int64]


def as_values(subject: str, values: ArrayLike) -> FloatArray:
    """A finite one-dimensional float array, shape (cases,).

    Raises:
        ConfigurationError: another shape, no case at all, or a value that is not finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        msg = f"{subject}: an array of shape {array.shape} is not one value a case; pass shape (cases,)"
        raise ConfigurationError(msg)
    broken = np.flatnonzero(~np.isfinite(array))
    if broken.size:
        msg = f"{subject}: row {broken[0]} is {array[broken[0]]}, not a finite number; leave such cases out first"
        raise ConfigurationError(msg)
    return array


def as_probabilities(values: ArrayLike) -> FloatArray:
    """Probabilities in [0,1], shape (cases,).

    Raises:
        ConfigurationError: as `as_values`, or a value outside 0 to 1.
    """
    array = as_values("probabilities", values)
    outside = np.flatnonzero((array < 0) | (array > 1))
    if outside.size:
        row = outside[0]
        msg = f"probabilities: row {row} is {array[row]:g}, outside 0 to 1; pass calibrated probabilities, not logits"
        raise ConfigurationError(msg)
    return array


def as_labels(values: ArrayLike, count: int, *, both_classes: bool = False) -> LabelArray:
    """Labels 0 or 1, shape (cases,).

    Args:
        values: the labels.
        count: number of cases there are scores for.
        both_classes: whether at least one case of each class is needed.

    Raises:
        ConfigurationError: another length, a label that is neither 0 nor 1, or a class without cases.
    """
    array = as_values("labels", values)
    if array.size != count:
        msg = f"labels: {array.size} labels for {count} cases; pass one label for each"
        raise ConfigurationError(msg)
    odd = np.flatnonzero((array != 0) & (array != 1))
    if odd.size:
        msg = f"labels: row {odd[0]} is {array[odd[0]]:g}; labels are 0 or 1, leave unlabeled cases out first"
        raise ConfigurationError(msg)
    labels = array.astype(np.int64)
    if both_classes and (labels.min() == labels.max()):
        word = "positive" if labels[0] else "negative"
        msg = f"labels: all {labels.size} cases are {word}; cases of both classes are needed"
        raise ConfigurationError(msg)
    return labels


def as_groups(subject: str, values: Sequence[object] | NDArray[np.generic], count: int) -> NDArray[np.int64]:
    """Group of each case (fold, patient) as codes 0..groups-1, shape (cases,).

    Raises:
        ConfigurationError: another length than the cases.
    """
    if len(values) != count:
        msg = f"{subject}: {len(values)} entries for {count} cases; pass one for each"
        raise ConfigurationError(msg)
    codes = np.unique(np.asarray(values), return_inverse=True)[1]
    return codes.astype(np.int64).reshape(-1)
