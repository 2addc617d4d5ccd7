"""Calibration error by hand, its floor, and the calibration line."""

import numpy as np
import pytest

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.calibration import logit, sigmoid
from diagnosis.evaluation.reliability import (
    calibration_line,
    expected_calibration_error,
    expected_ece,
    reliability_bins,
    wilson_interval,
)


def make_true_probabilities(count: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    p = sigmoid(rng.normal(-0.5, 1.6, count))
    return p, (rng.random(count) < p).astype(int)


def test_calibration_error_by_hand():
    p, y = [0.05, 0.05, 0.95, 0.95], [0, 1, 1, 1]
    # Two bins of two: |0.5 - 0.05| and |1 - 0.95|.
    assert expected_calibration_error(p, y) == pytest.approx(0.25)
    assert expected_calibration_error(p, y, equal_mass=True, bins=2) == pytest.approx(0.25)
    assert expected_calibration_error(p, y, bins=1) == pytest.approx(0.25)


def test_probability_one_falls_in_the_last_bin():
    assert expected_calibration_error([1.0, 0.0], [1, 0]) == 0.0


def test_true_probabilities_still_show_the_error_that_is_foretold():
    errors = [expected_calibration_error(*make_true_probabilities(538, seed)) for seed in range(200)]
    foretold = expected_ece(make_true_probabilities(538)[0])
    assert np.mean(errors) == pytest.approx(foretold, abs=0.003)
    assert foretold > 0.03
    assert expected_ece(make_true_probabilities(50_000)[0], draws=20) < 0.006


def test_bins_hold_every_case_once_and_observed_shares_lie_in_their_intervals():
    p, y = make_true_probabilities(1000)
    for equal_mass in (False, True):
        bins = reliability_bins(p, y, equal_mass=equal_mass)
        assert sum(b.n for b in bins) == 1000
        assert all(b.low <= b.observed <= b.high for b in bins)
        assert [b.mean_probability for b in bins] == sorted(b.mean_probability for b in bins)
    assert {b.n for b in reliability_bins(p, y)} == {100}


def test_calibration_line_finds_what_was_done_to_true_probabilities():
    p, y = make_true_probabilities(40_000)
    honest = calibration_line(p, y)
    assert honest.slope == pytest.approx(1, abs=0.05)
    assert honest.intercept == pytest.approx(0, abs=0.05)
    overconfident = calibration_line(sigmoid(2 * logit(p) + 1), y)
    assert overconfident.slope == pytest.approx(0.5, abs=0.03)
    assert overconfident.in_the_large < -0.05


def test_calibration_line_of_separated_or_one_sided_cases_is_not_defined():
    assert np.isnan(calibration_line([0.2, 0.8, 0.3, 0.7], [0, 1, 0, 1]).slope)
    assert np.isnan(calibration_line([0.2, 0.8], [1, 1]).slope)
    assert np.isnan(calibration_line([0.4, 0.4], [1, 0]).slope)
    nobody = calibration_line([0.1, 0.3, 0.2, 0.7, 0.5], [0, 0, 0, 0, 0])
    assert np.isnan([nobody.intercept, nobody.slope]).all()
    assert np.isnan(calibration_line([0.2, 0.5, 0.5, 0.7], [0, 0, 1, 1]).slope)


def test_calibration_line_of_probabilities_far_from_true_is_the_likeliest_one():
    rng = np.random.default_rng(0)
    for _ in range(200):
        p = sigmoid(rng.normal(3 * rng.normal(), 6 * rng.random(), 150))
        y = (rng.random(150) < sigmoid(3 * rng.normal() + 2 * rng.normal() * logit(p))).astype(int)
        line = calibration_line(p, y)
        if np.isnan(line.slope):
            continue
        left = y - sigmoid(line.intercept + line.slope * logit(p))
        assert left.sum() == pytest.approx(0, abs=1e-4)  # what a maximum of the likelihood has to be
        assert left @ logit(p) == pytest.approx(0, abs=1e-4)


def test_wilson_interval_equals_scipy():
    from scipy.stats import binomtest

    for k, n in [(0, 10), (3, 10), (10, 10), (50, 200)]:
        expected = binomtest(k, n).proportion_ci(method="wilson")
        assert wilson_interval(k, n) == pytest.approx((expected.low, expected.high))


def test_wilson_interval_of_a_textbook_case():
    # Newcombe, Stat Med 1998;17:857: 81 of 263 gives 0.2553 to 0.3662, 0 of 20 gives 0 to 0.1611.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


def test_refusal_speaks():
    with pytest.raises(ConfigurationError, match=r"reliability: 0 bins; at least one is needed"):
        expected_calibration_error([0.5], [1], bins=0)
