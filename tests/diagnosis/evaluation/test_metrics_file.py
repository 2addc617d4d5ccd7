"""The metrics document: its form, its pairing of cases, its refusals."""

import json

import numpy as np
import pytest

from diagnosis.errors import ConfigurationError, InputError
from diagnosis.evaluation.calibration import Calibrator, fit_calibrator
from diagnosis.evaluation.conformal import fit_conformal
from diagnosis.evaluation.metrics import auroc
from diagnosis.evaluation.metrics_file import (
    Bootstrap,
    compare_with_baselines,
    evaluate_baselines,
    evaluate_differences,
    evaluate_finding,
    metrics_document,
    read_metrics,
    write_metrics,
)
from diagnosis.evaluation.scores import SubsetScores, common_cases
from diagnosis.vocabulary import NON_EMPTY_SUBSETS, subset_name

QUICK = Bootstrap(replicates=200, seed=1)


def make_scores(signal: float, count: int = 300, seed: int = 0) -> SubsetScores:
    """Logits of a stated signal on cases that are the same for every seed; three cases to two patients."""
    labels = np.random.default_rng(99).integers(0, 2, count)
    logits = labels * signal + np.random.default_rng(seed).normal(0, 1, count)
    patients = [f"p{i * 2 // 3}" for i in range(count)]
    folds = [f"fold{(i * 2 // 3) % 5}" for i in range(count)]
    return SubsetScores.cross_fitted([f"c{i}" for i in range(count)], patients, labels, logits, folds)


def make_all_subsets() -> dict[str, SubsetScores]:
    """Seven subsets; the more modalities the more signal."""
    return {
        subset_name(subset): make_scores(0.8 + 0.5 * len(subset), seed=index)
        for index, subset in enumerate(NON_EMPTY_SUBSETS)
    }


def test_the_document_has_the_published_form_and_survives_the_disk(tmp_path):
    scores = make_all_subsets()
    baselines = {"diameter": make_scores(0.7, seed=50).logits}
    document = metrics_document(
        {"data": "synthetic", "seed": 1},
        {"malignancy": evaluate_finding(scores, QUICK)},
        {
            **evaluate_differences(scores, QUICK),
            **compare_with_baselines("ct", scores["ct"], baselines, QUICK),
        },
        evaluate_baselines(scores["ct"], baselines, QUICK),
        descriptors={},
    )
    path = tmp_path / "eval" / "metrics.json"
    write_metrics(document, path)
    again = read_metrics(path)
    assert again == json.loads(json.dumps(document))
    subsets = ["ct", "note", "ct+note", "voice", "ct+voice", "note+voice", "ct+note+voice"]
    assert list(again["findings"]["malignancy"]) == subsets
    ct = again["findings"]["malignancy"]["ct"]
    for name in ("auroc", "auprc", "ece", "brier", "accuracy", "recall", "f1", "sensitivity", "specificity"):
        assert ct[name]["low"] <= ct[name]["value"] <= ct[name]["high"]
    assert ct["n"] == 300
    assert set(ct["auroc_by_fold"]) == {f"fold{i}" for i in range(5)}
    assert abs(ct["conformal"]["coverage"] - 0.9) < 0.05
    assert set(again["differences"]) == {
        "ct+note-vs-best-single",
        "ct+voice-vs-best-single",
        "note+voice-vs-best-single",
        "ct+note+voice-vs-best-single",
        "ct-vs-diameter",
    }
    assert again["differences"]["ct+note+voice-vs-best-single"]["low"] > 0
    assert set(again["baselines"]["diameter"]) == {"auroc", "auprc", "n"}


def test_cross_fitted_scores_never_use_the_own_fold():
    before = make_scores(1.0)
    is_own = np.array([fold == "fold2" for fold in before.folds])
    labels = np.where(is_own, 1 - before.labels, before.labels)
    after = SubsetScores.cross_fitted(before.case_ids, before.patient_ids, labels, before.logits, before.folds)
    np.testing.assert_array_equal(before.probabilities[is_own], after.probabilities[is_own])
    np.testing.assert_array_equal(before.thresholds[is_own], after.thresholds[is_own])
    np.testing.assert_array_equal(before.prediction_sets[is_own], after.prediction_sets[is_own])
    assert (before.probabilities[~is_own] != after.probabilities[~is_own]).any()


def test_the_best_single_part_is_named_and_the_difference_is_paired_on_common_cases():
    ct, note = make_scores(1.0, seed=1), make_scores(1.6, seed=2)
    joint = make_scores(2.0, seed=3)
    fewer = joint.select(np.arange(40, 300)[::-1])
    differences = evaluate_differences({"ct": ct, "note": note, "ct+note": fewer}, QUICK)
    difference = differences["ct+note-vs-best-single"]
    assert difference["best_single"] == "note"
    assert difference["n"] == 260
    aligned = common_cases([fewer, note])
    assert aligned[0].case_ids == aligned[1].case_ids
    assert difference["value"] == pytest.approx(
        auroc(aligned[0].logits, aligned[0].labels) - auroc(aligned[1].logits, aligned[1].labels)
    )


def test_a_joint_subset_without_scored_parts_is_left_out():
    assert evaluate_differences({"ct": make_scores(1.0), "ct+note": make_scores(1.5)}, QUICK) == {}


def test_baselines_are_scored_where_they_are_known():
    scores = make_scores(1.0)
    values = np.where(np.arange(300) < 100, np.nan, scores.logits)
    baseline = evaluate_baselines(scores, {"diameter": values}, QUICK)["diameter"]
    assert baseline["n"] == 200
    assert baseline["auroc"]["value"] == pytest.approx(auroc(scores.logits[100:], scores.labels[100:]))


def test_cases_of_one_class_yield_nulls_and_no_comparison(tmp_path):
    rng = np.random.default_rng(0)
    ids = [f"c{i}" for i in range(20)]
    scores = SubsetScores.of_bundle(ids, ids, np.ones(20), rng.normal(1, 1, 20), Calibrator(), threshold=0.4)
    subsets = {"ct": scores, "note": scores, "ct+note": scores}
    figures = evaluate_finding(subsets, QUICK)
    assert figures["ct"]["auroc"] == {"value": None, "low": None, "high": None}
    assert figures["ct"]["sensitivity"]["value"] > 0.5
    assert figures["ct"]["threshold"] == 0.4
    assert evaluate_differences(subsets, QUICK) == {}
    assert compare_with_baselines("ct", scores, {"diameter": scores.logits}, QUICK) == {}
    write_metrics(metrics_document({}, {"malignancy": figures}, {}, {}), tmp_path / "metrics.json")


def test_a_bundles_own_calibration_is_applied_as_it_stands():
    fitted = make_scores(1.5)
    calibrator = fit_calibrator(fitted.logits, fitted.labels)
    conformal = fit_conformal(calibrator.probability(fitted.logits), fitted.labels, 0.8)
    scores = SubsetScores.of_bundle(
        fitted.case_ids,
        fitted.patient_ids,
        fitted.labels,
        fitted.logits,
        calibrator,
        threshold=0.3,
        conformal=conformal,
    )
    np.testing.assert_array_equal(scores.probabilities, calibrator.probability(fitted.logits))
    np.testing.assert_array_equal(scores.is_flagged, scores.probabilities >= 0.3)
    assert scores.coverage == 0.8
    entry = evaluate_finding({"ct": scores}, QUICK)["ct"]
    assert entry["conformal"]["nominal"] == 0.8
    assert "auroc_by_fold" not in entry


def test_scores_refuse_what_does_not_fit():
    with pytest.raises(ConfigurationError, match=r"folds: the patient of row 1 is in f0 and in f1; split by patient"):
        SubsetScores.cross_fitted(["a", "b"], ["p", "p"], [0, 1], [0.0, 1.0], ["f0", "f1"])
    one = make_scores(1.0)
    with pytest.raises(ConfigurationError, match=r"scores: 300 cases, but columns of \[1, 300\] entries"):
        SubsetScores(one.case_ids, ("p",), one.labels, one.logits, one.probabilities, one.folds, one.thresholds)
    with pytest.raises(ConfigurationError, match=r"scores: 1 cases come twice"):
        one.select(np.array([0, 0, 1]))
    other = one.select(np.arange(10))
    with pytest.raises(ConfigurationError, match=r"scores: the subsets have no case in common"):
        common_cases([other, one.select(np.arange(10, 20))])
    turned = SubsetScores(
        one.case_ids, one.patient_ids, 1 - one.labels, one.logits, one.probabilities, one.folds, one.thresholds
    )
    with pytest.raises(ConfigurationError, match=r"scores: the same cases have different labels in two subsets"):
        common_cases([one, turned])
    with pytest.raises(ConfigurationError, match=r"baseline diameter: shape \(2,\) for 300 cases"):
        evaluate_baselines(one, {"diameter": [1.0, 2.0]}, QUICK)
    with pytest.raises(ConfigurationError, match=r"baseline diameter: no case has a value; leave it out"):
        evaluate_baselines(one, {"diameter": np.full(300, np.nan)}, QUICK)


def test_a_spoiled_metrics_file_is_refused(tmp_path):
    path = tmp_path / "metrics.json"
    with pytest.raises(InputError, match=r"metrics file metrics.json: cannot be read \(No such file"):
        read_metrics(path)
    path.write_text("{")
    with pytest.raises(InputError, match=r"metrics file metrics.json: is not JSON"):
        read_metrics(path)
    path.write_text('{"findings": {}}')
    with pytest.raises(InputError, match=r"metrics file metrics.json: has no protocol, differences, baselines"):
        read_metrics(path)
