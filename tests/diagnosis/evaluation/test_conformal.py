"""Conformal sets: equal to crepes and MAPIE on the same scores, and the promise kept."""

import json

import numpy as np
import pytest

from diagnosis.errors import BundleError, ConfigurationError
from diagnosis.evaluation.calibration import sigmoid
from diagnosis.evaluation.conformal import (
    ConformalThreshold,
    evaluate_sets,
    fit_conformal,
)


def make_probabilities(count: int, seed: int = 0, spread: float = 2.0, shift: float = 0.0):
    """Perfectly calibrated probabilities and labels drawn from them."""
    rng = np.random.default_rng(seed)
    p = sigmoid(rng.normal(shift, spread, count))
    return p, (rng.random(count) < p).astype(int)


def test_hand_case():
    p = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 0.05])
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    # Scores .1 .2 .3 .4 .4 .3 .2 .1 .95; ceil(10 * 0.8) = 8th smallest is 0.4.
    threshold = fit_conformal(p, labels, 0.8)
    assert threshold.negative == threshold.positive == pytest.approx(0.4)
    assert threshold.prediction_set(0.3) == ("negative",)
    assert threshold.prediction_set(0.7) == ("positive",)
    assert threshold.prediction_set(0.5) == ()
    assert fit_conformal(p, labels, 0.9).prediction_set(0.5) == ("negative", "positive")


def test_too_few_cases_for_the_promise_include_everything():
    threshold = fit_conformal([0.1, 0.9], [0, 1], 0.9)
    assert threshold.prediction_set(0.001) == ("negative", "positive")


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("by_class", [False, True])
def test_equal_to_crepes_on_the_same_scores(coverage, by_class):
    crepes = pytest.importorskip("crepes")
    p, y = make_probabilities(400, seed=1, shift=-0.5)
    # 137 and 201 of the classes, 338 together: where (n+1)·coverage is whole, crepes keeps a set one case wider.
    kept = np.concatenate([np.flatnonzero(y == 1)[:137], np.flatnonzero(y == 0)[:201]])
    p, y = p[kept], y[kept]
    new = make_probabilities(300, seed=2)[0]
    scores = np.where(y == 1, 1 - p, p)
    new_scores = np.stack([new, 1 - new], axis=1)
    reference = crepes.base.ConformalClassifier().fit(scores, bins=y if by_class else None)
    expected = np.stack(
        [
            reference.predict_set(
                new_scores, np.full(new.size, answer) if by_class else None, confidence=coverage, smoothing=False
            )[:, answer]
            for answer in (0, 1)
        ],
        axis=1,
    )
    ours = fit_conformal(p, y, coverage, by_class=by_class).includes(new)
    np.testing.assert_array_equal(ours, expected.astype(bool))


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_equal_to_mapie_on_the_same_scores(coverage):
    mapie = pytest.importorskip("mapie.classification")
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Echo(ClassifierMixin, BaseEstimator):
        classes_ = np.array([0, 1])

        def fit(self, x, y):
            return self

        def __sklearn_is_fitted__(self):
            return True

        def predict_proba(self, x):
            return np.stack([1 - x[:, 0], x[:, 0]], axis=1)

        def predict(self, x):
            return (x[:, 0] >= 0.5).astype(int)

    p, y = make_probabilities(400, seed=3)
    new = make_probabilities(300, seed=4)[0]
    reference = mapie.SplitConformalClassifier(
        Echo(), confidence_level=coverage, conformity_score="lac", prefit=True
    ).conformalize(p[:, None], y)
    expected = reference.predict_set(new[:, None])[1][:, :, 0]
    np.testing.assert_array_equal(fit_conformal(p, y, coverage).includes(new), expected)


@pytest.mark.parametrize("by_class", [False, True])
def test_the_promise_is_kept_on_average_over_many_draws(by_class):
    results = []
    for seed in range(200):
        p, y = make_probabilities(700, seed=seed, shift=-1.0)
        threshold = fit_conformal(p[:200], y[:200], 0.9, by_class=by_class)
        results.append(evaluate_sets(threshold.includes(p[200:]), y[200:], 0.9))
    assert 0.895 <= np.mean([r.coverage for r in results]) <= 0.915
    positive = np.mean([r.coverage_positive for r in results])
    # Marginal sets serve the rarer class worse; by class they do not.
    assert positive >= 0.895 if by_class else positive < 0.89


def test_evaluation_by_hand():
    sets = np.array([[True, False], [True, True], [False, True], [False, True], [False, False]])
    result = evaluate_sets(sets, [0, 1, 1, 0, 1], 0.9)
    assert result.coverage == pytest.approx(3 / 5)
    assert result.coverage_negative == pytest.approx(1 / 2)
    assert result.coverage_positive == pytest.approx(2 / 3)
    assert result.abstention == pytest.approx(2 / 5)
    assert result.decided_accuracy == pytest.approx(2 / 3)
    assert result.n == 5
    assert np.isnan(evaluate_sets(np.ones((2, 2), bool), [0, 1], 0.9).decided_accuracy)


def test_more_coverage_never_means_a_smaller_set():
    p, y = make_probabilities(200)
    small = fit_conformal(p, y, 0.8).includes(p)
    large = fit_conformal(p, y, 0.95).includes(p)
    assert (large | ~small).all()


def test_json_round_trip_and_refusals():
    threshold = fit_conformal(*make_probabilities(100), 0.9, by_class=True)
    assert ConformalThreshold.from_json(json.loads(json.dumps(threshold.to_json()))) == threshold
    with pytest.raises(BundleError, match=r"conformal: the bundle's entry cannot be used"):
        ConformalThreshold.from_json({"coverage": 0.9})
    with pytest.raises(BundleError, match=r"thresholds: 2 and 0 must both lie in 0 to 1"):
        ConformalThreshold.from_json({"coverage": 0.9, "negative": 2, "positive": 0, "by_class": False, "n": 3})
    with pytest.raises(ConfigurationError, match=r"conformal coverage: 1 is not between 0 and 1"):
        fit_conformal([0.5], [1], 1.0)
    with pytest.raises(ConfigurationError, match=r"row 0 is 3, outside 0 to 1; pass calibrated probabilities"):
        fit_conformal([3.0], [1], 0.9)
    with pytest.raises(ConfigurationError, match=r"all 2 cases are positive; cases of both classes are needed"):
        fit_conformal([0.3, 0.5], [1, 1], 0.9, by_class=True)
