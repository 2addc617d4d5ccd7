"""Whether the cases that come in are still like the cases that a model was measured on.

Two measures stand side by side. PSI (population stability index) is the symmetric Kullback-Leibler divergence of two
binned distributions; its customary limits, 0.1 for "watch" and 0.25 for "changed" (Siddiqi, Credit Risk Scorecards,
Wiley 2006), say nothing of chance: with 50 cases in ten bins, equal distributions pass 0.1 more often than not. So a
change is called only where PSI passes its limit *and* Pearson's chi-squared test of the same counts finds what chance
would give in fewer than one of a thousand looks. KS is the largest distance of the cumulative shares, read at the
reference's bin edges.

Below `MIN_CASES` nothing is said. A variable without a reference is "not known", never "steady".
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.checks import FloatArray
from diagnosis.evaluation.reliability import wilson_interval

MIN_CASES = 50
"""With ten bins of equal mass: five cases expected in each."""
BINS = 10
PSI_WATCH = 0.1
PSI_CHANGED = 0.25
CHANCE = 0.001
_LEAST_SHARE = 1e-4
"""An empty bin would make PSI infinite."""


class Verdict(StrEnum):
    """What is said of one variable in one period."""

    STEADY = "steady"
    WATCH = "watch"
    CHANGED = "changed"
    TOO_FEW = "too few cases"
    NOT_KNOWN = "not known"


@final
@dataclass(frozen=True)
class Reference:
    """A distribution to compare with.

    Attributes:
        edges: inner edges of the bins, rising; one less than there are bins. A value equal to an edge is above it.
        shares: of the reference cases in each bin; they sum to 1.
        n: number of reference cases.
        source: where it comes from, in words.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    n: int
    source: str

    def __post_init__(self) -> None:
        rises = all(a < b for a, b in pairwise(self.edges))
        if len(self.shares) != len(self.edges) + 1 or not rises:
            msg = "drift: a reference needs rising edges and one share more than edges"
            raise ConfigurationError(msg)
        if self.n < 1 or min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-6:
            msg = "drift: the shares of a reference are not those of at least one case; they must sum to 1"
            raise ConfigurationError(msg)


@final
@dataclass(frozen=True)
class Comparison:
    """One period against a reference; `psi` and `ks` are None where nothing can be said.

    Attributes:
        n: cases of the period that have the variable.
        p_value: of Pearson's chi-squared test that both come from one distribution.
    """

    n: int
    psi: float | None
    ks: float | None
    p_value: float | None
    verdict: Verdict


@final
@dataclass(frozen=True)
class RateComparison:
    """A share against the one expected, with its 95 % Wilson interval."""

    n: int
    observed: float | None
    low: float | None
    high: float | None
    expected: float
    verdict: Verdict


def reference_of(values: ArrayLike, source: str) -> Reference:
    """A reference of plain values: bins of equal mass, fewer where values repeat.

    Raises:
        ConfigurationError: fewer than `MIN_CASES` values.
    """
    known = _known(values)
    if known.size < MIN_CASES:
        msg = f"drift: a reference of {known.size} cases; at least {MIN_CASES} are needed"
        raise ConfigurationError(msg)
    edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS, method="higher"))
    edges = edges[edges > known.min()]
    return Reference(tuple(edges.tolist()), tuple((_counts(known, edges) / known.size).tolist()), known.size, source)


def reference_of_counts(counts: ArrayLike, source: str) -> Reference:
    """A reference of probabilities counted in bins of equal width from 0 to 1.

    Raises:
        ConfigurationError: no counts.
    """
    seen = np.asarray(counts, dtype=np.float64)
    total = int(seen.sum())
    if seen.size < 2 or total < 1:
        msg = "drift: a reference of probabilities has no counts"
        raise ConfigurationError(msg)
    edges = np.arange(1, seen.size) / seen.size
    return Reference(tuple(edges.tolist()), tuple((seen / total).tolist()), total, source)


def compare(reference: Reference | None, values: ArrayLike) -> Comparison:
    """One period's values against a reference; values that are not finite are left out."""
    known = _known(values)
    if reference is None:
        return Comparison(known.size, None, None, None, Verdict.NOT_KNOWN)
    if known.size < MIN_CASES:
        return Comparison(known.size, None, None, None, Verdict.TOO_FEW)
    expected = np.array(reference.shares)
    counts = _counts(known, np.array(reference.edges))
    observed = counts / known.size
    psi = population_stability(expected, observed)
    ks = float(np.abs(np.cumsum(observed) - np.cumsum(expected)).max())
    p_value = _p_value(counts, expected * reference.n)
    if p_value >= CHANCE or psi < PSI_WATCH:
        verdict = Verdict.STEADY
    else:
        verdict = Verdict.CHANGED if psi >= PSI_CHANGED else Verdict.WATCH
    return Comparison(known.size, psi, ks, p_value, verdict)


def _p_value(counts: FloatArray, reference_counts: FloatArray) -> float:
    from scipy.stats import chi2_contingency  # here: it takes a second, and a page that shows no drift needs it not

    table = np.stack([counts, reference_counts])
    table = table[:, table.sum(axis=0) > 0]
    return 1.0 if table.shape[1] < 2 else float(chi2_contingency(table, correction=False).pvalue)


def compare_rate(expected: float | None, hits: int, n: int) -> RateComparison | None:
    """A share of a period against the one expected, by the exact binomial test; None where none is known.

    Raises:
        ConfigurationError: more hits than cases.
    """
    if expected is None:
        return None
    if not 0 <= hits <= n:
        msg = f"drift: {hits} of {n} cases; there cannot be more"
        raise ConfigurationError(msg)
    if n < MIN_CASES:
        return RateComparison(n, None, None, None, expected, Verdict.TOO_FEW)
    from scipy.stats import binom

    low, high = wilson_interval(hits, n)
    tail = min(float(binom.cdf(hits, n, expected)), float(binom.sf(hits - 1, n, expected)))
    verdict = Verdict.CHANGED if 2 * tail < CHANCE else Verdict.WATCH if 2 * tail < 10 * CHANCE else Verdict.STEADY
    return RateComparison(n, hits / n, low, high, expected, verdict)


def population_stability(expected: FloatArray, observed: FloatArray) -> float:
    """PSI of two binned distributions, shape (bins,) each; empty bins count as `_LEAST_SHARE`."""
    p, q = np.maximum(expected, _LEAST_SHARE), np.maximum(observed, _LEAST_SHARE)
    return float(((q - p) * np.log(q / p)).sum())


def periods(n: int, most: int = 12) -> list[slice]:
    """Cut `n` cases in order of time into blocks of equal size, each of at least `MIN_CASES`; one block of fewer."""
    if n == 0:
        return []
    blocks = max(min(n // MIN_CASES, most), 1)
    cuts = np.linspace(0, n, blocks + 1).round().astype(int)
    return [slice(int(a), int(b)) for a, b in pairwise(cuts)]


def _known(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64).ravel()
    return array[np.isfinite(array)]


def _counts(values: FloatArray, edges: FloatArray) -> NDArray[np.float64]:
    return np.bincount(np.searchsorted(edges, values, side="right"), minlength=edges.size + 1).astype(np.float64)
