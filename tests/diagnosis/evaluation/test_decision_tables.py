"""Thresholds, decision curves, subgroups and ordinal agreement."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, mean_absolute_error

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.calibration import sigmoid
from diagnosis.evaluation.decision_curve import decision_curve, net_benefit_gain
from diagnosis.evaluation.metrics import auroc
from diagnosis.evaluation.ordinal import agreement, evaluate_descriptor
from diagnosis.evaluation.resampling import PatientResampling
from diagnosis.evaluation.scores import SubsetScores
from diagnosis.evaluation.subgroups import AGE_EDGES_YEARS, SIZE_EDGES_MM, band, subgroup_metrics
from diagnosis.evaluation.thresholds import fit_threshold


def make_scores(count: int = 200) -> SubsetScores:
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    ids = [f"c{i}" for i in range(count)]
    folds = [f"f{i // 2 % 4}" for i in range(count)]
    return SubsetScores.cross_fitted(ids, ids, labels, labels + rng.normal(0, 1, count), folds)


def test_youden_threshold_lies_between_the_classes():
    assert fit_threshold([0.1, 0.2, 0.6, 0.8], [0, 0, 1, 1]) == pytest.approx(0.4)
    assert fit_threshold([0.5, 0.5], [0, 1]) == 0.5


@pytest.mark.parametrize("wanted", [0.5, 0.8, 0.9, 1.0])
def test_a_threshold_for_a_sensitivity_keeps_it_and_is_the_highest_that_does(wanted):
    rng = np.random.default_rng(1)
    p, y = rng.random(100).round(2), rng.integers(0, 2, 100)
    threshold = fit_threshold(p, y, wanted)
    assert (p[y == 1] >= threshold).mean() >= wanted
    assert (p[y == 1] > threshold).mean() < wanted


def test_thresholds_refuse_what_does_not_fit():
    with pytest.raises(ConfigurationError, match=r"threshold: a sensitivity of 2 is not in 0 to 1"):
        fit_threshold([0.2, 0.4], [0, 1], 2.0)
    with pytest.raises(ConfigurationError, match=r"all 2 cases are positive"):
        fit_threshold([0.2, 0.4], [1, 1])


def test_net_benefit_by_hand():
    p, y = [0.1, 0.4, 0.6, 0.9], [0, 1, 0, 1]
    curve = decision_curve(p, y, [0.25, 0.5])
    # At 0.25: 2 right, 1 needless at odds 1/3. At 0.5: 1 right, 1 needless at odds 1.
    assert curve.model == pytest.approx([(2 - 1 / 3) / 4, (1 - 1) / 4])
    assert curve.everyone == pytest.approx([(2 - 2 / 3) / 4, 0.0])


def test_true_probabilities_never_lose_against_everyone_or_nobody():
    rng = np.random.default_rng(0)
    p = sigmoid(rng.normal(-1, 1.5, 20_000))
    y = (rng.random(p.size) < p).astype(int)
    curve = decision_curve(p, y)
    assert (curve.model >= np.maximum(curve.everyone, 0) - 2e-3).all()
    gain = net_benefit_gain(p[:500], y[:500], PatientResampling.draw(np.arange(500), 200))
    assert set(gain) == {0.1, 0.2, 0.3, 0.5}
    assert gain[0.3].low <= gain[0.3].value <= gain[0.3].high


def test_decision_curve_refuses_a_threshold_of_one():
    with pytest.raises(ConfigurationError, match=r"decision curve: thresholds from 0.5 to 1 must lie between 0 and 1"):
        decision_curve([0.2], [1], [0.5, 1.0])


def test_bands_name_their_limits_and_the_unknown():
    assert band([5.9, 6.0, 29.9, 30.0, None, float("nan")], SIZE_EDGES_MM, "mm") == (
        "< 6 mm",
        "6 to < 8 mm",
        "15 to < 30 mm",
        "≥ 30 mm",
        "unknown",
        "unknown",
    )
    assert band([49.0], AGE_EDGES_YEARS, "years") == ("< 50 years",)


def test_subgroups_hold_every_case_once_in_their_natural_order():
    scores = make_scores()
    sizes = np.random.default_rng(2).choice([4.0, 7.0, 10.0, 20.0, np.nan], 200)
    rows = subgroup_metrics(
        scores,
        {"sex": ["F", "M"] * 100, "size": band(sizes, SIZE_EDGES_MM, "mm")},
        PatientResampling.draw(scores.patient_ids, 100),
    )
    assert [row.group for row in rows] == [
        "F",
        "M",
        "< 6 mm",
        "6 to < 8 mm",
        "8 to < 15 mm",
        "15 to < 30 mm",
        "unknown",
    ]
    assert sum(row.n for row in rows if row.attribute == "size") == 200
    # Labels alternate as the sexes do here: one class each, so no AUROC is claimed.
    assert np.isnan(rows[0].auroc.value)
    is_small = sizes == 4.0
    assert rows[2].auroc.value == pytest.approx(auroc(scores.logits[is_small], scores.labels[is_small]))
    assert rows[2].to_json()["auroc"]["low"] <= rows[2].auroc.value
    with pytest.raises(ConfigurationError, match=r"subgroups: sex has 1 entries for 200 cases"):
        subgroup_metrics(scores, {"sex": ["F"]}, PatientResampling.draw(scores.patient_ids, 10))


def test_agreement_equals_scikit_learn():
    rng = np.random.default_rng(0)
    a = rng.integers(1, 6, 200)
    b = np.clip(a + rng.integers(-2, 3, 200), 1, 5)
    result = agreement(a, b, PatientResampling.draw(np.arange(200) // 2, 100))
    assert result.weighted_kappa.value == pytest.approx(cohen_kappa_score(a, b, weights="quadratic"))
    assert result.mean_absolute_error.value == pytest.approx(mean_absolute_error(a, b))
    assert result.exact.value == pytest.approx((a == b).mean())
    assert result.within_one.value == pytest.approx((np.abs(a - b) <= 1).mean())


def test_agreement_rounds_halves_up_and_kappa_of_constants_is_not_defined():
    draws = PatientResampling.draw([1, 2], 10)
    assert agreement([2.5, 3.5], [3, 4], draws).exact.value == 1.0
    assert np.isnan(agreement([1, 1], [1, 1], draws).weighted_kappa.value)
    with pytest.raises(ConfigurationError, match=r"agreement: 2 and 1 ratings; pass two for each case"):
        agreement([1, 1], [1], draws)


def test_a_descriptor_head_stands_beside_a_second_reader():
    reader, other = np.array([1, 2, 3, 4, 5, 3]), np.array([1, 3, 3, 5, 4, 1])
    result = evaluate_descriptor(reader + 0.2, reader, other, PatientResampling.draw(np.arange(6), 100))
    assert result["head"]["mean_absolute_error"]["value"] == pytest.approx(0.2)
    assert result["reader"]["mean_absolute_error"]["value"] == pytest.approx(5 / 6)
    assert result["error_difference"]["value"] == pytest.approx(0.2 - 5 / 6)
