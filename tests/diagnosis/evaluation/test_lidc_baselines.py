"""The published baselines of the leave-readers-out protocol, measured again on the real ratings.

Label: mean malignancy of the readers from the third on, at least 3.5 malignant, at most 2.5 benign, else left out.
"""

import numpy as np
import pandas as pd
import pytest

from diagnosis.evaluation.comparison import delong_test, paired_auroc_difference
from diagnosis.evaluation.conformal import ANSWERS, evaluate_sets
from diagnosis.evaluation.metrics import auroc
from diagnosis.evaluation.metrics_file import Bootstrap, evaluate_baselines, evaluate_subset
from diagnosis.evaluation.ordinal import agreement
from diagnosis.evaluation.resampling import PatientResampling
from diagnosis.evaluation.scores import SubsetScores
from diagnosis.evaluation.subgroups import SIZE_EDGES_MM, band, subgroup_metrics

DESCRIPTORS = [
    "subtlety",
    "internalStructure",
    "calcification",
    "sphericity",
    "margin",
    "lobulation",
    "spiculation",
    "texture",
]
KEY = ["patient_id", "nodule_id"]


@pytest.fixture(scope="module")
def nodules(shared_data):
    """One row a scored nodule: label, fold, diameter, ratings of readers 1 and 2."""
    folder = shared_data / "lidc_nodules"
    readers = pd.read_csv(folder / "readers.csv")
    labels = pd.read_csv(folder / "labels.csv")[[*KEY, "split", "diameter_mm", "dz"]]
    others = readers[readers.reader >= 3].groupby(KEY).malignancy.mean().rename("mean_malignancy")
    table = labels.merge(others.reset_index(), on=KEY)
    for reader in (1, 2):
        own = readers[readers.reader == reader][[*KEY, *DESCRIPTORS, "malignancy"]]
        table = table.merge(own.rename(columns={c: f"{c}_{reader}" for c in [*DESCRIPTORS, "malignancy"]}), on=KEY)
    table = table[(table.mean_malignancy >= 3.5) | (table.mean_malignancy <= 2.5)].reset_index(drop=True)
    return table.assign(label=(table.mean_malignancy >= 3.5).astype(int))


@pytest.fixture(scope="module")
def descriptor_scores(nodules):
    """Logistic regression on reader 1's descriptors and the diameter, five folds by patient."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = np.column_stack([nodules[[f"{d}_1" for d in DESCRIPTORS]], np.log(nodules.diameter_mm)])
    y, logits = nodules.label.to_numpy(), np.empty(len(nodules))
    for fold in nodules.split.unique():
        is_own = (nodules.split == fold).to_numpy()
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x[~is_own], y[~is_own])
        logits[is_own] = model.decision_function(x[is_own])
    ids = [f"c{i}" for i in range(len(nodules))]
    return SubsetScores.cross_fitted(ids, list(nodules.patient_id), y, logits, list(nodules.split))


def test_the_scored_set_is_the_published_one(nodules):
    assert len(nodules) == 538
    assert nodules.patient_id.nunique() == 355
    assert nodules.label.mean() == pytest.approx(0.41, abs=0.005)


def test_baselines_are_the_published_ones(nodules, descriptor_scores):
    baselines = {
        "diameter": nodules.diameter_mm.to_numpy(),
        "reader 1": nodules.malignancy_1.to_numpy(),
        "readers 1 and 2": (nodules.malignancy_1 + nodules.malignancy_2).to_numpy() / 2,
    }
    results = evaluate_baselines(descriptor_scores, baselines, Bootstrap(500))
    published = {"diameter": 0.814, "reader 1": 0.790, "readers 1 and 2": 0.813}
    for name, value in published.items():
        assert results[name]["auroc"]["value"] == pytest.approx(value, abs=0.003), name
        assert 0.05 < results[name]["auroc"]["high"] - results[name]["auroc"]["low"] < 0.10


def test_descriptors_with_diameter_reach_their_published_figure(descriptor_scores):
    assert auroc(descriptor_scores.logits, descriptor_scores.labels) == pytest.approx(0.860, abs=0.006)


def test_descriptors_beat_the_diameter_by_bootstrap_and_by_delong(nodules, descriptor_scores):
    scores = descriptor_scores
    diameter = nodules.diameter_mm.to_numpy()
    draws = PatientResampling.draw(scores.patient_ids)
    bootstrap = paired_auroc_difference(scores.logits, diameter, scores.labels, draws)
    delong = delong_test(scores.logits, diameter, scores.labels)
    assert bootstrap.low > 0
    assert delong.p_value < 0.01
    assert bootstrap.value == pytest.approx(delong.difference.value)


def test_calibration_and_conformal_hold_on_real_ratings(descriptor_scores):
    figures = evaluate_subset(descriptor_scores, Bootstrap(300))
    assert figures["ece"]["value"] < figures["expected_ece"] + 0.03
    assert figures["calibration"]["slope"] == pytest.approx(1, abs=0.2)
    result = evaluate_sets(descriptor_scores.prediction_sets, descriptor_scores.labels, descriptor_scores.coverage)
    assert result.coverage == pytest.approx(0.9, abs=0.03)
    assert 0.05 < result.abstention < 0.6
    assert descriptor_scores.prediction_sets.shape == (538, len(ANSWERS))


def test_subgroups_by_size_show_where_the_work_is(nodules, descriptor_scores):
    draws = PatientResampling.draw(descriptor_scores.patient_ids, 200)
    rows = subgroup_metrics(
        descriptor_scores, {"size": band(nodules.diameter_mm.to_numpy(), SIZE_EDGES_MM, "mm")}, draws
    )
    assert sum(row.n for row in rows) == 538
    share = [row.positives / row.n for row in rows if row.n > 20]
    assert share == sorted(share)


def test_two_readers_agree_about_as_published(nodules):
    draws = PatientResampling.draw(list(nodules.patient_id), 100)
    texture = agreement(nodules.texture_1, nodules.texture_2, draws)
    assert 0.4 < texture.weighted_kappa.value < 0.9
    assert texture.within_one.value > 0.85
