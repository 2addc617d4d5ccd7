"""Paired differences: the DeLong test against its textbook formula, the bootstrap against DeLong."""

import numpy as np
import pytest
from scipy.stats import norm

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.comparison import delong_test, paired_auroc_difference
from diagnosis.evaluation.metrics import auroc
from diagnosis.evaluation.resampling import PatientResampling


def make_two_scores(count: int = 400, seed: int = 0):
    """Two correlated scores, the first the better one."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, count)
    shared = rng.normal(0, 1, count)
    return y * 1.6 + shared + rng.normal(0, 0.6, count), y * 0.9 + shared + rng.normal(0, 0.6, count), y


def textbook_delong(a, b, y):
    """DeLong, DeLong, Clarke-Pearson 1988 in its quadratic form: kernel matrices and their covariance."""

    def kernel(score):
        positive, negative = score[y == 1][:, None], score[y == 0][None, :]
        return (positive > negative) + 0.5 * (positive == negative)

    kernels = np.stack([kernel(a), kernel(b)])
    v10, v01 = kernels.mean(axis=2), kernels.mean(axis=1)
    covariance = np.cov(v10) / v10.shape[1] + np.cov(v01) / v01.shape[1]
    areas = kernels.mean(axis=(1, 2))
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    return areas, np.sqrt(variance), 2 * norm.sf(abs(areas[0] - areas[1]) / np.sqrt(variance))


@pytest.mark.parametrize("decimals", [8, 0])
def test_delong_equals_its_textbook_formula(decimals):
    a, b, y = make_two_scores()
    a, b = a.round(decimals), b.round(decimals)
    areas, error, p_value = textbook_delong(a, b, y)
    result = delong_test(a, b, y)
    assert (result.first, result.second) == pytest.approx(tuple(areas))
    assert result.first == pytest.approx(auroc(a, y))
    assert (result.difference.high - result.difference.low) / 2 == pytest.approx(1.959964 * error, rel=1e-5)
    assert result.p_value == pytest.approx(p_value, rel=1e-6)


def test_the_same_score_twice_is_no_difference():
    a, _, y = make_two_scores()
    result = delong_test(a, a, y)
    assert result.difference.value == 0
    assert result.p_value == 1
    interval = paired_auroc_difference(a, a, y, PatientResampling.draw(np.arange(y.size), 50))
    assert (interval.value, interval.low, interval.high) == (0, 0, 0)


def test_one_case_of_a_class_tells_nothing_of_how_much_cases_vary():
    result = delong_test([0.9, 0.8, 0.1], [0.1, 0.2, 0.9], [1, 1, 0])
    assert result.difference.value == 1
    assert np.isnan(result.p_value)
    assert np.isnan(result.difference.low)


def test_bootstrap_and_delong_agree_where_each_patient_has_one_case():
    a, b, y = make_two_scores()
    bootstrap = paired_auroc_difference(a, b, y, PatientResampling.draw(np.arange(y.size)))
    delong = delong_test(a, b, y).difference
    assert bootstrap.value == pytest.approx(delong.value)
    assert bootstrap.low == pytest.approx(delong.low, abs=0.006)
    assert bootstrap.high == pytest.approx(delong.high, abs=0.006)


def test_cases_of_the_same_patients_widen_the_bootstrap_but_not_delong():
    a, b, y = (np.repeat(x, 4) for x in make_two_scores(100))
    bootstrap = paired_auroc_difference(a, b, y, PatientResampling.draw(np.repeat(np.arange(100), 4)))
    delong = delong_test(a, b, y).difference
    assert bootstrap.high - bootstrap.low > 1.5 * (delong.high - delong.low)


def test_delong_keeps_its_error_rate_under_no_difference():
    rng = np.random.default_rng(0)
    rejected = 0
    for _ in range(400):
        y = rng.integers(0, 2, 120)
        shared = y + rng.normal(0, 1, 120)
        p_value = delong_test(shared + rng.normal(0, 1, 120), shared + rng.normal(0, 1, 120), y).p_value
        rejected += p_value < 0.05
    assert 0.02 <= rejected / 400 <= 0.09


def test_refusals_speak():
    with pytest.raises(ConfigurationError, match=r"all 2 cases are negative; cases of both classes are needed"):
        delong_test([0.1, 0.2], [0.2, 0.1], [0, 0])
    with pytest.raises(ConfigurationError, match=r"labels: 2 labels for 3 cases"):
        delong_test([0.1, 0.2], [0.2, 0.1, 0.4], [0, 1])
