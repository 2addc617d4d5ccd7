"""Drift: hand-computed values, calm on equal distributions, alarm on shifted ones, silence where nothing is known."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.drift import (
    MIN_CASES,
    Reference,
    Verdict,
    compare,
    compare_rate,
    periods,
    population_stability,
    reference_of,
    reference_of_counts,
)

RNG = np.random.default_rng(5)


def test_psi_by_hand():
    expected, observed = np.array([0.5, 0.5]), np.array([0.75, 0.25])
    assert population_stability(expected, observed) == pytest.approx(0.25 * np.log(1.5) - 0.25 * np.log(0.5))
    assert population_stability(expected, expected) == 0
    assert np.isfinite(population_stability(np.array([1.0, 0.0]), np.array([0.0, 1.0])))


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=10), st.integers(0, 100))
def test_psi_is_symmetric_and_not_negative(weights, seed):
    p = np.array(weights) / sum(weights)
    q = np.random.default_rng(seed).permutation(p)
    assert population_stability(p, q) == pytest.approx(population_stability(q, p))
    assert population_stability(p, q) >= 0


def test_equal_distributions_are_rarely_called_changed():
    reference = reference_of(RNG.normal(size=500), "made")
    verdicts = [compare(reference, RNG.normal(size=MIN_CASES)).verdict for _ in range(400)]
    # PSI alone would pass 0.1 in most of these small samples; the test of chance holds it back.
    assert np.mean([v is not Verdict.STEADY for v in verdicts]) < 0.02
    assert np.mean([compare(reference, RNG.normal(size=50)).psi > 0.1 for _ in range(100)]) > 0.5


def test_shifted_distributions_are_called():
    reference = reference_of(RNG.normal(size=500), "made")
    found = compare(reference, RNG.normal(1.0, 1, size=200))
    assert found.verdict is Verdict.CHANGED
    assert found.p_value < 1e-6
    assert compare(reference, RNG.normal(0.42, 1, size=2000)).verdict is Verdict.WATCH


def test_ks_agrees_with_scipy_at_the_edges():
    values, other = RNG.normal(size=1000), RNG.normal(0.5, 1, size=800)
    ours = compare(reference_of(values, "made"), other).ks
    assert ours <= ks_2samp(values, other).statistic + 1e-12
    assert ours == pytest.approx(ks_2samp(values, other).statistic, abs=0.03)


def test_what_is_not_known_is_not_steady():
    assert compare(None, [0.5] * 100).verdict is Verdict.NOT_KNOWN
    reference = reference_of_counts([10] * 10, "made")
    assert compare(reference, [0.5] * (MIN_CASES - 1)).verdict is Verdict.TOO_FEW
    assert compare(reference, [0.5] * 30 + [np.nan] * 30).n == 30
    assert compare_rate(None, 3, 100) is None
    assert compare_rate(0.5, 3, 10).verdict is Verdict.TOO_FEW


def test_values_that_repeat_make_fewer_bins():
    reference = reference_of([1.0] * 60 + [2.0] * 40, "made")
    assert reference.edges == (2.0,)
    assert reference.shares == (0.6, 0.4)
    constant = reference_of([1.25] * 60, "made")
    assert constant.shares == (1.0,)
    assert compare(constant, [1.25] * 60).verdict is Verdict.STEADY


def test_rates():
    calm = compare_rate(0.02, 2, 100)
    assert (calm.verdict, calm.observed) == (Verdict.STEADY, 0.02)
    assert calm.low < 0.02 < calm.high
    assert compare_rate(0.02, 12, 100).verdict is Verdict.CHANGED
    assert compare_rate(0.5, 20, 100).verdict is Verdict.CHANGED


@given(st.integers(1, 5000))
def test_periods_cover_all_cases_once(n):
    cuts = periods(n)
    assert cuts[0].start == 0
    assert cuts[-1].stop == n
    assert all(a.stop == b.start for a, b in pairwise(cuts))
    assert all(c.stop - c.start >= min(MIN_CASES, n) for c in cuts)
    assert periods(0) == []


def test_references_that_do_not_hold():
    with pytest.raises(ConfigurationError, match="at least 50 are needed"):
        reference_of([1.0] * 49, "made")
    with pytest.raises(ConfigurationError, match="rising edges"):
        Reference((1.0, 1.0), (0.3, 0.3, 0.4), 10, "made")
    with pytest.raises(ConfigurationError, match="sum to 1"):
        Reference((1.0,), (0.3, 0.3), 10, "made")
    with pytest.raises(ConfigurationError, match="no counts"):
        reference_of_counts([0, 0], "made")
    with pytest.raises(ConfigurationError, match="there cannot be more"):
        compare_rate(0.5, 11, 10)
