"""Draws are of patients, reproducible, paired, and cover as they say."""

import numpy as np
import pytest

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation import resampling as module
from diagnosis.evaluation.resampling import (
    Interval,
    PatientResampling,
    centered_interval,
    percentile_interval,
)


def test_all_cases_of_a_patient_are_drawn_together_and_every_draw_has_as_many_patients():
    draws = PatientResampling.draw(["p1", "p2", "p1", "p3"], 100, seed=3)
    weights = draws.values(lambda w: w.T)
    np.testing.assert_array_equal(weights[0], weights[2])
    assert draws.patients == 3
    np.testing.assert_array_equal(draws.counts.sum(axis=1), 3)
    np.testing.assert_array_equal(weights[:, 0], 1.0)


def test_a_seed_gives_the_same_draws_and_another_seed_others():
    patients = list(range(50))
    first, again, other = (PatientResampling.draw(patients, 20, seed=s).counts for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_many_cases_are_taken_in_bites_with_the_same_result(monkeypatch):
    draws = PatientResampling.draw(np.arange(40) // 2, 100)
    values = np.linspace(0, 1, 40)

    def mean(weights):
        return weights @ values / weights.sum(axis=1)

    whole = draws.values(mean)
    monkeypatch.setattr(module, "MAX_WEIGHTS_AT_ONCE", 333)
    np.testing.assert_array_equal(draws.values(mean), whole)


def test_intervals_of_a_mean_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(300):
        per_patient = rng.normal(0, 1, 60)
        cases = np.repeat(per_patient, 3)
        draws = PatientResampling.draw(np.repeat(np.arange(60), 3), 400, seed)
        interval = draws.interval(lambda w, cases=cases: w @ cases / w.sum(axis=1))
        hits += interval.low <= 0 <= interval.high
    assert 0.90 <= hits / 300 <= 0.98


def test_repeated_cases_of_a_patient_do_not_make_the_interval_narrower():
    values = np.random.default_rng(0).normal(0, 1, 50)
    single = PatientResampling.draw(np.arange(50), 500).interval(lambda w: w @ values / w.sum(axis=1))
    tenfold = np.repeat(values, 10)
    repeated = PatientResampling.draw(np.repeat(np.arange(50), 10), 500).interval(lambda w: w @ tenfold / w.sum(axis=1))
    assert repeated.low == pytest.approx(single.low)
    assert repeated.high == pytest.approx(single.high)


def test_restricting_keeps_the_draws_of_the_patients():
    draws = PatientResampling.draw(["a", "b", "c", "a"], 30)
    kept = draws.restricted_to(np.array([True, False, True, True]))
    np.testing.assert_array_equal(kept.values(lambda w: w.T), draws.values(lambda w: w.T)[[0, 2, 3]])


def test_undefined_draws_are_left_out_and_an_undefined_figure_has_no_interval():
    interval = percentile_interval(np.array([0.5, 0.4, np.nan, 0.6]))
    assert interval.low == pytest.approx(0.405)
    assert interval.high == pytest.approx(0.595)
    assert np.isnan(percentile_interval(np.array([np.nan, 0.4])).low)
    assert Interval(0.5, 0.4, float("nan")).to_json() == {"value": 0.5, "low": 0.4, "high": None}
    assert str(Interval(0.5, 0.4, 0.6)) == "0.500 [0.400, 0.600]"


def test_a_centered_interval_holds_its_own_figure_and_is_never_negative():
    interval = centered_interval(np.array([0.02, 0.04, 0.06, 0.12]))
    assert interval.low == 0.0
    assert interval.low <= interval.value <= interval.high
    assert interval.high < 0.07


def test_refusals_speak():
    with pytest.raises(ConfigurationError, match=r"bootstrap: 0 cases and 10 draws; at least one of each is needed"):
        PatientResampling.draw([], 10)
    with pytest.raises(ConfigurationError, match=r"bootstrap: 1 cases and 0 draws"):
        PatientResampling.draw(["a"], 0)
