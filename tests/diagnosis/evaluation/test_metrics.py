"""Metrics equal scikit-learn's with and without weights; intervals behave."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.calibration import sigmoid
from diagnosis.evaluation.metrics import (
    CALL_METRICS,
    auprc,
    auroc,
    binary_metrics,
    weighted_auprc,
    weighted_auroc,
    weighted_brier,
    weighted_calls,
)
from diagnosis.evaluation.resampling import PatientResampling


def make_scores(count: int = 300, seed: int = 0, decimals: int = 1):
    """Calibrated probabilities with ties, their labels, and patients with several cases each."""
    rng = np.random.default_rng(seed)
    p = np.round(sigmoid(rng.normal(-0.4, 1.5, count)), decimals)
    return p, (rng.random(count) < p).astype(int), rng.integers(0, count * 2 // 3, count)


def test_ranking_metrics_equal_scikit_learn_under_weights_and_ties():
    p, y, _ = make_scores()
    weights = np.random.default_rng(1).integers(0, 4, (5, p.size)).astype(float)
    for row, area, precision in zip(weights, weighted_auroc(p, y, weights), weighted_auprc(p, y, weights), strict=True):
        assert area == pytest.approx(reference.roc_auc_score(y, p, sample_weight=row))
        assert precision == pytest.approx(reference.average_precision_score(y, p, sample_weight=row))


def test_brier_and_call_metrics_equal_scikit_learn_under_weights():
    p, y, _ = make_scores()
    weights = np.random.default_rng(2).integers(0, 4, (3, p.size)).astype(float)
    is_flagged = p >= 0.4
    calls = dict(zip(CALL_METRICS, weighted_calls(is_flagged, y, weights), strict=True))
    for draw, row in enumerate(weights):
        assert weighted_brier(p, y, weights)[draw] == pytest.approx(reference.brier_score_loss(y, p, sample_weight=row))
        assert calls["accuracy"][draw] == pytest.approx(reference.accuracy_score(y, is_flagged, sample_weight=row))
        assert calls["sensitivity"][draw] == pytest.approx(reference.recall_score(y, is_flagged, sample_weight=row))
        assert calls["specificity"][draw] == pytest.approx(
            reference.recall_score(y, is_flagged, sample_weight=row, pos_label=0)
        )
        assert calls["precision"][draw] == pytest.approx(reference.precision_score(y, is_flagged, sample_weight=row))
        assert calls["f1"][draw] == pytest.approx(reference.f1_score(y, is_flagged, sample_weight=row))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=30).filter(
        lambda cases: len({label for _, label in cases}) == 2
    )
)
def test_auroc_turns_over_with_the_score_and_ignores_monotone_maps(cases):
    score, y = np.array([s for s, _ in cases], float), np.array([label for _, label in cases], int)
    assert auroc(score, y) == pytest.approx(1 - auroc(-score, y))
    assert auroc(score, y) == pytest.approx(auroc(np.exp(score), y))
    assert auroc(score, y) == pytest.approx(reference.roc_auc_score(y, score))
    assert auprc(score, y) == pytest.approx(reference.average_precision_score(y, score))


def test_hand_case():
    assert auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) == pytest.approx(0.75)
    assert auroc([1.0, 1.0], [0, 1]) == pytest.approx(0.5)
    assert auprc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) == pytest.approx(5 / 6)


def test_a_figure_that_is_not_defined_is_nan_not_an_invention():
    assert np.isnan(auroc([0.2, 0.4], [0, 0]))
    p = np.array([0.1, 0.2])
    metrics = binary_metrics(p, [0, 0], PatientResampling.draw(["a", "b"], 50))
    assert np.isnan(metrics.auroc.value)
    assert np.isnan(metrics.sensitivity.value)
    assert metrics.specificity.value == 1.0
    assert metrics.to_json()["auroc"] == {"value": None, "low": None, "high": None}


def test_all_figures_of_538_cases_and_2000_draws_take_at_most_two_seconds():
    p, y, patients = make_scores(538, decimals=6)
    start = time.process_time()
    metrics = binary_metrics(p, y, PatientResampling.draw(patients, 2000))
    assert time.process_time() - start < 20.0  # half a second on a quiet machine
    for name, value in metrics.to_json().items():
        if isinstance(value, dict):
            assert 0 <= value["low"] <= value["value"] <= value["high"] <= 1, name
    assert metrics.n == 538
    assert metrics.patients == np.unique(patients).size
    assert metrics.positives == y.sum()


def test_threshold_may_differ_by_case_and_ranking_may_be_another_score():
    p, y, patients = make_scores()
    resampling = PatientResampling.draw(patients, 20)
    everyone = binary_metrics(p, y, resampling, threshold=np.zeros(p.size))
    assert everyone.sensitivity.value == 1.0
    assert everyone.specificity.value == 0.0
    turned = binary_metrics(p, y, resampling, ranking=-p)
    assert turned.auroc.value == pytest.approx(1 - everyone.auroc.value)


def test_refusals_speak():
    resampling = PatientResampling.draw([1, 2], 10)
    with pytest.raises(ConfigurationError, match=r"probabilities: row 1 is 1.5, outside 0 to 1"):
        binary_metrics([0.5, 1.5], [0, 1], resampling)
    with pytest.raises(ConfigurationError, match=r"scores: an array of shape \(0,\) is not one value a case"):
        auroc([], [])
    with pytest.raises(ConfigurationError, match=r"bootstrap: 3 cases in the draws, 2 in the metric"):
        PatientResampling.draw([1, 2, 3], 10).require_cases(2)
