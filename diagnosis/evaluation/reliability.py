"""Whether probabilities mean what they say.

Two binnings stand side by side, because each flatters another model: ten bins of equal width (Guo et al., ICML 2017;
what most papers call ECE), and ten of equally many cases (Nixon et al., CVPR workshops 2019). Both are absolute values,
so even a perfectly calibrated model has an error above zero on few cases: `expected_ece` says how much, and a measured
error is to be read beside it.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.calibration import logit, sigmoid
from diagnosis.evaluation.checks import FloatArray, LabelArray, as_labels, as_probabilities

BINS = 10


@final
@dataclass(frozen=True)
class ReliabilityBin:
    """Cases of similar probability: what was said of them, what was true, and its 95 % Wilson interval."""

    mean_probability: float
    observed: float
    low: float
    high: float
    n: int


@final
@dataclass(frozen=True)
class CalibrationLine:
    """The line logit(truth) = intercept + slope · logit(probability); (0, 1) is perfect, slope below 1 overconfident.

    Attributes:
        intercept: with the slope free.
        slope: with the intercept free.
        in_the_large: mean label minus mean probability.
    """

    intercept: float
    slope: float
    in_the_large: float


def bin_of_case(probability: FloatArray, bins: int = BINS, *, equal_mass: bool) -> NDArray[np.int64]:
    """Bin of each case, 0..bins-1, shape (cases,). Cases of one probability share a bin.

    Raises:
        ConfigurationError: no bins.
    """
    if bins < 1:
        msg = f"reliability: {bins} bins; at least one is needed"
        raise ConfigurationError(msg)
    levels = np.arange(1, bins) / bins
    edges = np.quantile(probability, levels) if equal_mass else levels
    return np.searchsorted(edges, probability, side="right").astype(np.int64)


def weighted_ece(
    probability: FloatArray, labels: LabelArray, weights: FloatArray, *, equal_mass: bool = False, bins: int = BINS
) -> FloatArray:
    """Expected calibration error under weights of shape (draws, cases): shape (draws,).

    The bins are those of the cases as they are, in every draw.
    """
    membership = np.eye(bins)[bin_of_case(probability, bins, equal_mass=equal_mass)]
    gaps = (weights * (labels - probability)) @ membership
    return np.asarray(np.abs(gaps).sum(axis=1) / weights.sum(axis=1))


def expected_calibration_error(
    probability: ArrayLike, labels: ArrayLike, *, equal_mass: bool = False, bins: int = BINS
) -> float:
    """Mean absolute gap of mean probability and observed share over bins, weighted by their cases."""
    p = as_probabilities(probability)
    y = as_labels(labels, p.size)
    return float(weighted_ece(p, y, np.ones((1, p.size)), equal_mass=equal_mass, bins=bins)[0])


def expected_ece(
    probability: ArrayLike, *, equal_mass: bool = False, bins: int = BINS, draws: int = 500, seed: int = 0
) -> float:
    """Calibration error these very probabilities would show on average if every one of them were exactly true.

    Args:
        probability: in [0,1], shape (cases,).
        equal_mass: the binning.
        bins: how many.
        draws: sets of labels drawn from the probabilities.
        seed: of the draws.
    """
    p = as_probabilities(probability)
    drawn = np.random.default_rng(seed).random((draws, p.size)) < p
    membership = np.eye(bins)[bin_of_case(p, bins, equal_mass=equal_mass)]
    return float(np.abs((drawn - p) @ membership).sum(axis=1).mean() / p.size)


def reliability_bins(
    probability: ArrayLike, labels: ArrayLike, *, equal_mass: bool = True, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """The bins that hold cases, by rising probability."""
    p = as_probabilities(probability)
    y = as_labels(labels, p.size)
    codes = bin_of_case(p, bins, equal_mass=equal_mass)
    return tuple(_one_bin(p[codes == code], y[codes == code]) for code in range(bins) if (codes == code).any())


def calibration_line(probability: ArrayLike, labels: ArrayLike) -> CalibrationLine:
    """Calibration intercept, slope, and in-the-large (Van Calster et al., BMC Med 2019;17:230).

    Plain maximum likelihood; nan for intercept and slope where it has no maximum (one class only, or cases that the
    probability separates).
    """
    p = as_probabilities(probability)
    y = as_labels(labels, p.size)
    z = logit(p)
    w = _likeliest_line(z, y) if _overlap(z[y == 0], z[y == 1]) else np.full(2, np.nan)
    return CalibrationLine(float(w[0]), float(w[1]), float(y.mean() - p.mean()))


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, JASA 1927;22:209)."""
    z = 1.959963984540054
    center = (successes + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(successes * (n - successes) / n + z**2 / 4)
    return float(max(center - half, 0.0)), float(min(center + half, 1.0))


def _one_bin(probability: FloatArray, labels: LabelArray) -> ReliabilityBin:
    """Summary of the cases of one bin."""
    low, high = wilson_interval(int(labels.sum()), labels.size)
    return ReliabilityBin(float(probability.mean()), float(labels.mean()), low, high, int(labels.size))


def _overlap(negative: FloatArray, positive: FloatArray) -> bool:
    """Whether no limit separates the classes, not even one on which cases of both lie: then the maximum exists."""
    if not negative.size or not positive.size:
        return False
    return bool(positive.min() < negative.max() and negative.min() < positive.max())


def _likeliest_line(logits: FloatArray, labels: LabelArray) -> FloatArray:
    """Intercept and slope of the greatest likelihood, shape (2,), of classes that overlap.

    Newton steps, each halved until the likelihood rises: whole ones leap to and fro where the probabilities are far
    from true, and may end on the perfect line they began with.
    """
    # Centered and scaled, so that the two steps are of one size whatever the logits' place and spread.
    center, scale = logits.mean(), logits.std()
    x = np.column_stack([np.ones(logits.size), (logits - center) / scale])
    w = np.array([center, scale])

    def loss(at: FloatArray) -> float:
        z = x @ at
        return float((np.logaddexp(0.0, z) - labels * z).sum())

    for _ in range(200):
        mean = sigmoid(x @ w)
        gradient = x.T @ (labels - mean)
        information = (x * (mean * (1 - mean))[:, None]).T @ x + 1e-12 * np.eye(2)
        step = np.linalg.solve(information, gradient)
        here, size = loss(w), 1.0
        while loss(w + size * step) > here and size > 1e-12:
            size /= 2
        w = w + size * step
        if np.abs(size * step).max() < 1e-10:
            break
    slope = w[1] / scale
    return np.array([w[0] - slope * center, slope])
