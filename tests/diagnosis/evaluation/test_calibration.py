"""Calibration: monotone, right on data made to a known truth, honest by folds, safe on few cases."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.errors import BundleError, ConfigurationError
from diagnosis.evaluation.calibration import (
    CalibrationKind,
    Calibrator,
    choose_kind,
    cross_fit_probabilities,
    fit_calibrator,
    log_losses,
    logit,
    sigmoid,
)

KINDS = list(CalibrationKind)


def make_cases(count: int = 4000, slope: float = 0.5, intercept: float = -0.7, seed: int = 0):
    """Logits whose true probability is sigmoid(slope * logit + intercept)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, count)
    labels = (rng.random(count) < sigmoid(slope * logits + intercept)).astype(int)
    return logits, labels


def test_platt_finds_the_parameters_the_data_was_made_with():
    calibrator = fit_calibrator(*make_cases(40_000), kind="platt")
    assert calibrator.slope == pytest.approx(0.5, abs=0.02)
    assert calibrator.intercept == pytest.approx(-0.7, abs=0.04)


def test_platt_equals_unpenalised_logistic_regression_on_the_softened_targets():
    from sklearn.linear_model import LogisticRegression

    logits, labels = make_cases(4000)
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(logits[:, None], labels)
    calibrator = fit_calibrator(logits, labels)
    assert calibrator.slope == pytest.approx(reference.coef_[0, 0], rel=5e-3)
    assert calibrator.intercept == pytest.approx(reference.intercept_[0], rel=5e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_lowers_the_log_loss_of_an_overconfident_network(kind):
    logits, labels = make_cases(slope=0.4, intercept=0.0)
    calibrated = fit_calibrator(logits, labels, kind).probability(logits)
    assert log_losses(calibrated, labels).mean() < log_losses(sigmoid(logits), labels).mean() - 0.05


@settings(max_examples=60, deadline=None)
@given(
    logits=st.lists(st.floats(-30, 30), min_size=12, max_size=60),
    seed=st.integers(0, 1000),
    kind=st.sampled_from(KINDS),
)
def test_a_calibrator_never_turns_the_order_of_cases_and_stays_inside_zero_to_one(logits, seed, kind):
    labels = np.arange(len(logits)) % 2
    np.random.default_rng(seed).shuffle(labels)
    calibrator = fit_calibrator(logits, labels, kind)
    p = calibrator.probability(np.linspace(-50, 50, 301))
    assert (np.diff(p) >= -1e-12).all()
    assert p.min() >= 0
    assert p.max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_separated_cases_do_not_become_certain(kind):
    labels = np.repeat([0, 1], 5)
    p = fit_calibrator(np.linspace(-8, 8, 10), labels, kind).probability([-8.0, 8.0])
    assert p[0] > 0.02
    assert p[1] < 0.98


def test_logits_that_point_the_wrong_way_give_the_prevalence():
    logits, labels = make_cases(1000)
    calibrator = fit_calibrator(-logits, labels)
    assert calibrator.slope == 0
    assert calibrator.probability(3.0) == pytest.approx(labels.mean(), abs=2e-3)


def test_constant_logits_give_the_prevalence_too():
    labels = np.repeat([0, 1], [30, 10])
    for kind in ("platt", "beta", "isotonic"):
        p = fit_calibrator(np.full(40, 2.0), labels, kind).probability(2.0)
        assert p == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("kind", KINDS)
def test_json_round_trip_is_exact(kind):
    logits, labels = make_cases(500)
    calibrator = fit_calibrator(logits, labels, kind)
    again = Calibrator.from_json(json.loads(json.dumps(calibrator.to_json())))
    assert again == calibrator
    np.testing.assert_array_equal(again.probability(logits), calibrator.probability(logits))


def test_a_default_calibrator_is_the_identity():
    np.testing.assert_allclose(Calibrator().probability([-1.0, 0.0, 2.0]), sigmoid([-1.0, 0.0, 2.0]))


def test_logit_and_sigmoid_are_inverse_and_do_not_overflow():
    p = np.array([1e-6, 0.2, 0.5, 0.999])
    np.testing.assert_allclose(sigmoid(logit(p)), p, rtol=1e-9)
    assert np.isfinite(logit([0.0, 1.0])).all()
    np.testing.assert_array_equal(sigmoid([-1e4, 1e4]), [0.0, 1.0])


def test_cross_fitting_gives_each_fold_the_map_of_the_others():
    logits, labels = make_cases(400)
    folds = np.arange(400) % 4
    p = cross_fit_probabilities(logits, labels, folds)
    others = fit_calibrator(logits[folds != 2], labels[folds != 2])
    np.testing.assert_array_equal(p[folds == 2], others.probability(logits[folds == 2]))


def test_own_label_never_moves_own_probability():
    logits, labels = make_cases(400)
    folds = [f"fold{i % 5}" for i in range(400)]
    before = cross_fit_probabilities(logits, labels, folds, "isotonic")
    labels[::5] = 1 - labels[::5]
    after = cross_fit_probabilities(logits, labels, folds, "isotonic")
    np.testing.assert_array_equal(before[::5], after[::5])


def test_the_simplest_kind_that_is_good_enough_is_chosen():
    assert choose_kind(*make_cases(600, slope=0.5, intercept=0.0), np.arange(600) % 5) is CalibrationKind.TEMPERATURE
    assert choose_kind(*make_cases(600, slope=0.5, intercept=-1.5), np.arange(600) % 5) is CalibrationKind.PLATT
    flat = make_cases(600, slope=0.5, intercept=0.0)
    assert choose_kind(*flat, np.arange(600) % 5, CalibrationKind.PLATT) is CalibrationKind.PLATT


def test_a_bent_truth_calls_for_more_than_two_parameters():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, 6000)
    labels = (rng.random(6000) < 0.1 + 0.4 * (logits > 0) + 0.4 * (logits > 3)).astype(int)
    assert choose_kind(logits, labels, np.arange(6000) % 5) is CalibrationKind.ISOTONIC


def test_refusals_speak():
    with pytest.raises(ConfigurationError, match=r"calibration kind: 'histogram' is unknown; use one of temperature"):
        fit_calibrator([0.0], [1], "histogram")
    with pytest.raises(ConfigurationError, match=r"4 positive and 6 negative cases are too few; at least 5 of each"):
        fit_calibrator(np.arange(10.0), np.repeat([0, 1], [6, 4]))
    with pytest.raises(ConfigurationError, match=r"0 positive and 10 negative cases are too few"):
        fit_calibrator(np.arange(10.0), np.zeros(10))
    with pytest.raises(ConfigurationError, match=r"labels: row 1 is 2; labels are 0 or 1"):
        fit_calibrator(np.arange(3.0), [0, 2, 1])
    with pytest.raises(ConfigurationError, match=r"labels: 2 labels for 3 cases"):
        fit_calibrator(np.arange(3.0), [0, 1])
    with pytest.raises(ConfigurationError, match=r"logits: row 0 is nan, not a finite number"):
        fit_calibrator([np.nan, 1.0], [0, 1])
    with pytest.raises(ConfigurationError, match=r"logits: an array of shape \(2, 1\) is not one value a case"):
        fit_calibrator([[1.0], [2.0]], [0, 1])
    with pytest.raises(ConfigurationError, match=r"folds: all cases are in one fold"):
        cross_fit_probabilities(np.arange(4.0), [0, 1, 0, 1], [0, 0, 0, 0])
    with pytest.raises(ConfigurationError, match=r"folds: 3 entries for 4 cases"):
        cross_fit_probabilities(np.arange(4.0), [0, 1, 0, 1], [0, 0, 0])


def test_a_calibrator_that_is_no_monotone_map_is_refused():
    with pytest.raises(ConfigurationError, match=r"a slope of -1 turns the order of cases"):
        Calibrator(slope=-1.0)
    with pytest.raises(ConfigurationError, match=r"a parameter of the platt map is not finite"):
        Calibrator(CalibrationKind.PLATT, 1.0, float("inf"))
    with pytest.raises(ConfigurationError, match=r"its 2 knots are not a rising map into 0 to 1"):
        Calibrator(CalibrationKind.ISOTONIC, knot_logits=(0.0, 1.0), knot_probabilities=(0.9, 0.1))


@pytest.mark.parametrize(
    "entry",
    [{}, {"kind": "magic"}, {"kind": "platt", "slope": -2.0}, {"kind": "platt", "bias": 1.0}, {"kind": "isotonic"}],
)
def test_a_spoiled_bundle_entry_is_a_bundle_error(entry):
    with pytest.raises(BundleError, match=r"calibration: the bundle's entry cannot be used .*; build the bundle again"):
        Calibrator.from_json(entry)
