"""Baselines and descriptor figures on cohorts whose readers' behavior is known."""

import numpy as np
import pytest

from diagnosis.evaluation.metrics_file import Bootstrap
from diagnosis.training.cohort import Cohort, Reader, TrainingCase
from diagnosis.training.folds import OutOfFold
from diagnosis.training.reader_figures import baseline_scores, descriptor_figures, limits_of_words

N_CASES = 60
DRAWS = Bootstrap(replicates=50)


def make_cohort() -> Cohort:
    """The label follows the first descriptor of reader 1; reader 2 rates at random, reader 3 one level off reader 1."""
    rng = np.random.default_rng(0)
    cases = []
    for i in range(N_CASES):
        levels = rng.integers(2, 5, 8).astype(float)
        readers = (
            Reader(tuple(levels), 8.0, float(levels[0])),
            Reader(tuple(rng.integers(1, 6, 8).astype(float)), 8.0, float(rng.integers(1, 6))),
            Reader(tuple(levels + 1), 8.0, 3.0),
        )
        label = int(levels[0] >= 3)
        diameter = float(rng.uniform(4, 20))
        cases.append(
            TrainingCase(
                f"c{i}", f"p{i}", f"fold{i % 3}", (label,), (float(label),), None, diameter, readers, None, None
            )
        )
    return Cohort("made up", ("malignancy",), tuple(cases))


def auroc(score, labels):
    score, labels = np.asarray(score), np.asarray(labels)
    return np.mean([[(a > b) + 0.5 * (a == b) for b in score[labels == 0]] for a in score[labels == 1]])


def test_baselines_know_what_their_reader_knows():
    cases = make_cohort().cases
    labels = [case.labels[0] for case in cases]
    values = baseline_scores(cases)
    assert auroc(values["reader_1_malignancy_rating"], labels) == 1
    assert auroc(values["descriptors_of_reader_1"], labels) > 0.95
    assert auroc(values["descriptors_of_readers_1_and_2"], labels) > 0.9
    assert values["diameter"].tolist() == [case.diameter_mm for case in cases]
    assert abs(auroc(values["diameter"], labels) - 0.5) < 0.2


def made_case(diameter_mm):
    return TrainingCase("c", "p", "a", (1,), (1.0,), None, diameter_mm, (), None, None)


def test_without_readers_only_the_diameter_is_left():
    values = baseline_scores([made_case(9.0), made_case(None)])
    assert list(values) == ["diameter"]
    assert values["diameter"][0] == 9
    assert np.isnan(values["diameter"][1])


def test_without_readers_and_diameters_there_is_no_baseline():
    assert baseline_scores([made_case(None)]) == {}


def test_descriptors_are_held_to_the_third_reader_beside_the_first():
    cohort = make_cohort()
    truth = np.array([case.readers[2].ratings for case in cohort.cases])
    figures = descriptor_figures(cohort, OutOfFold({}, {"ct": truth + 0.25}), "ct", DRAWS)
    spiculation = figures["spiculation"]
    assert spiculation["head"]["mean_absolute_error"]["value"] == pytest.approx(0.25)
    assert spiculation["reader"]["mean_absolute_error"]["value"] == pytest.approx(1.0)
    assert spiculation["error_difference"]["value"] == pytest.approx(-0.75)
    assert spiculation["head"]["weighted_kappa"]["value"] == pytest.approx(1)


def test_cases_that_were_not_answered_are_left_out():
    cohort = make_cohort()
    predicted = np.full((N_CASES, 8), np.nan)
    predicted[:20] = 3.0
    figures = descriptor_figures(cohort, OutOfFold({}, {"ct": predicted}), "ct", DRAWS)
    assert figures["margin"]["head"]["n"] == 20
    assert descriptor_figures(cohort, OutOfFold({}, {"ct": predicted * np.nan}), "ct", DRAWS) == {}


def test_the_words_of_a_reader_who_describes_at_random_could_carry_nothing():
    rng = np.random.default_rng(1)
    cases = []
    for i in range(150):
        levels, guessed = rng.integers(1, 6, 8).astype(float), rng.integers(1, 6, 8).astype(float)
        opinion = 5.0 if levels[0] >= 3 else 1.0
        readers = tuple(Reader(tuple(said), 8.0, opinion) for said in (levels, guessed, levels))
        label = int(opinion > 3)
        cases.append(
            TrainingCase(f"c{i}", f"p{i}", f"fold{i % 3}", (label,), (float(label),), None, 8.0, readers, None, None)
        )
    cohort = Cohort("made up", ("malignancy",), tuple(cases))
    limits = limits_of_words(cohort, rng.normal(size=150), DRAWS)
    assert limits["note"]["auroc"]["value"] > 0.95
    assert 0.3 < limits["voice"]["auroc"]["value"] < 0.7
    assert limits["voice"]["n"] == 150
    assert limits["ct+note+voice"]["auroc"]["value"] > 0.95  # of the note; CT and dictation are noise here
    without_ct = limits_of_words(cohort, np.full(150, np.nan), DRAWS)
    assert "ct+note+voice" not in without_ct


def test_a_cohort_without_readers_has_no_limit_of_words():
    cases = [
        TrainingCase(f"c{i}", f"p{i}", f"fold{i % 3}", (i % 2,), (0.5,), None, 8.0, (), "a", None) for i in range(9)
    ]
    assert limits_of_words(Cohort("made up", ("malignancy",), tuple(cases)), np.zeros(9), DRAWS) == {}
