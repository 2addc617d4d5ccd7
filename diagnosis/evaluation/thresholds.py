"""Where a probability becomes a flag."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.checks import as_labels, as_probabilities


def fit_threshold(probability: ArrayLike, labels: ArrayLike, sensitivity: float | None = None) -> float:
    """The threshold that keeps a sensitivity, or that balances the two errors.

    Args:
        probability: calibrated, shape (cases,).
        labels: 0 or 1, shape (cases,).
        sensitivity: the highest threshold that still flags this share of the positives; if None, the one of the
            greatest sensitivity + specificity (Youden), half-way between the two neighboring cases.

    Raises:
        ConfigurationError: arrays that do not fit, one class only, or a sensitivity outside (0,1].
    """
    p = as_probabilities(probability)
    y = as_labels(labels, p.size, both_classes=True)
    if sensitivity is not None:
        return _keeping_sensitivity(np.sort(p[y == 1]), sensitivity)
    candidates = np.unique(p)
    flagged = p[None, :] >= candidates[:, None]
    youden = flagged[:, y == 1].mean(axis=1) - flagged[:, y == 0].mean(axis=1)
    best = int(youden.argmax())
    below = candidates[best - 1] if best else candidates[0]
    return float((candidates[best] + below) / 2)


def _keeping_sensitivity(positives: NDArray[np.float64], sensitivity: float) -> float:
    """The largest probability that leaves at least this share of the (rising) positives at or above it."""
    if not 0 < sensitivity <= 1:
        msg = f"threshold: a sensitivity of {sensitivity:g} is not in 0 to 1; 0.9 flags nine of ten positives"
        raise ConfigurationError(msg)
    missed = int(np.floor((1 - sensitivity) * positives.size + 1e-9))
    return float(positives[missed])
