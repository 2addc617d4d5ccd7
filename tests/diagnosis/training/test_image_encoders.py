"""The table of image encoders: figures from answers, costs from a forward pass."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from diagnosis.training.card import write_card
from diagnosis.training.cohort import Cohort, Reader, TrainingCase, TrainingRegion
from diagnosis.training.config import DataConfig, TrainConfig, read_config
from diagnosis.training.image_encoders import (
    EncoderAnswers,
    cost_of,
    encoder_table,
    encoders_of_bundle,
    measurements_alone,
    padding_alone,
)
from diagnosis.training.pretrained_reading import linear_probe
from diagnosis.training.run import read_cohort
from diagnosis.training.statements import stated_of
from diagnosis.training.volume_stage import rating_of


def make_cohort(n_cases=60):
    """Bright lesions are malignant; the diameter tells nothing."""
    rng = np.random.default_rng(3)
    cases = []
    for i in range(n_cases):
        label = i % 2
        hu = rng.normal(-700, 60, (11, 68, 68))
        y, x = np.indices((68, 68)) - 33.5
        hu[:, np.hypot(y, x) < 7] = 60 if label else -300
        region = TrainingRegion(hu.astype(np.float16), None, np.ones(hu.shape, dtype=bool), 1.25)
        readers = (Reader((3.0,) * 8, 10.0, 4.0 if label else 2.0),)
        cases.append(
            TrainingCase(
                f"c{i}", f"p{i}", f"fold{i // 2 % 3}", (label,), (float(label),), region, 10.0, readers, None, None
            )
        )
    return Cohort("made_up", ("malignancy",), tuple(cases))


def test_encoders_of_several_findings_are_compared_by_the_main_one():
    cohort = make_cohort()
    both = (replace(c, labels=(*c.labels, None), soft_targets=(*c.soft_targets, 0.5)) for c in cohort.cases)
    alone = replace(cohort, findings=("malignancy", "calcified"), cases=tuple(both)).of_main_finding()
    assert alone.findings == cohort.findings
    assert [(c.labels, c.soft_targets) for c in alone.cases] == [(c.labels, c.soft_targets) for c in cohort.cases]


def test_measurements_learn_the_readers_mean_rating_or_the_main_label():
    case = make_cohort().cases[1]
    assert rating_of(replace(case, readers=(*case.readers, Reader((3.0,) * 8, 9.0, 3.0)))) == 3.5
    assert rating_of(replace(case, readers=(), soft_targets=(0.0, 1.0))) == 1.0
    assert rating_of(replace(case, readers=(), soft_targets=(1.0,))) == 5.0
    assert np.isnan(rating_of(replace(case, readers=(), soft_targets=(None, 1.0))))


def test_the_ridge_on_measurements_reads_cases_that_it_was_not_fitted_on():
    config, cohort = TrainConfig(), make_cohort()
    answers = measurements_alone(config, cohort, cohort.cases)
    labels = np.array([case.labels[0] for case in cohort.cases])
    assert answers.logits[labels == 1].min() > answers.logits[labels == 0].max()
    assert answers.ms > 0


def test_the_table_compares_every_encoder_with_the_first_and_stands_in_the_card(tiny_bundle, tmp_path):
    import shutil

    from diagnosis.bundle.folder import read_metadata

    cohort = make_cohort()
    labels = np.array([case.labels[0] for case in cohort.cases], dtype=float)
    noise = np.random.default_rng(0).normal(0, 1, len(labels))
    answers = {
        "slab_se_resnet": EncoderAnswers(4 * labels + noise, 2.04, 10.0, 4 * labels + noise),
        "resnet10": EncoderAnswers(noise, 8.0, None),
    }
    table = encoder_table(cohort.cases, answers, TrainConfig())
    assert list(table["encoders"]) == ["slab_se_resnet", "resnet10", "diameter"]
    assert table["encoders"]["slab_se_resnet"]["auroc"]["value"] > 0.95
    gain = table["encoders"]["resnet10"]["first_minus_this"]
    assert gain["low"] > 0
    assert table["encoders"]["diameter"]["auroc"]["value"] == 0.5
    assert table["encoders"]["slab_se_resnet"]["auroc_without_diameter"]["value"] > 0.95
    assert table["encoders"]["resnet10"]["auroc_without_diameter"] is None
    assert table["padding"]["slab"]["value"] == table["padding"]["crop"]["value"] == 0.5, "nothing is padded here"

    bundle = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, bundle)
    (bundle / "eval").mkdir(exist_ok=True)
    (bundle / "eval" / "image_encoders.json").write_text(json.dumps(table))
    document = {"protocol": {"cases": 60, "rule": "", "folds": [], "bootstrap": "", "calibration": ""}}
    document |= {"findings": {"malignancy": {}}, "baselines": {}, "differences": {}}
    write_card(bundle, read_metadata(bundle), document, stated_of(TrainConfig(), cohort))
    card = (bundle / "docs" / "README.md").read_text()
    assert "## Image encoders on the same regions and folds" in card
    assert f"| resnet10 | {table['encoders']['resnet10']['auroc']['value']:.3f} [" in card
    assert "| 8.0 | - |" in card
    assert f"AUROC {table['padding']['slab']['value']:.3f} [" in card


def test_the_padding_of_the_whole_crop_tells_the_label_and_that_of_the_slab_does_not(shared_data, checkout):
    """The proof on the real nodules: crops end with the nodule, and the slab lies inside all but a few of them."""
    from sklearn.metrics import roc_auc_score

    config = read_config(checkout / "models" / "lung_nodule" / "configs" / "train.yaml")
    # The same extent in mm on a coarser grid, which is read in a tenth of the time.
    coarse = {"shape": (3, 10, 10), "spacing_mm": (1.25, 2.8, 2.8), "margin": (4, 4, 4)}
    config = replace(config, data=replace(config.data, root=str(shared_data / "lidc_nodules"), **coarse))
    cohort = read_cohort(config, lambda _title: lambda _done, _all: None, with_dictations=False)
    scored = [case for case in cohort.cases if case.labels[0] is not None]
    labels = [case.labels[0] for case in scored]
    assert abs(roc_auc_score(labels, padding_alone(scored, config, "slab")) - 0.5) < 0.05
    assert roc_auc_score(labels, padding_alone(scored, config, "crop")) > 0.7


def test_the_encoders_of_the_folds_are_those_of_the_bundle_where_it_fits(tiny_bundle):
    from diagnosis.bundle.folder import load_bundle

    bundle = load_bundle(tiny_bundle)
    view = bundle.metadata.inputs.contract().view
    data = DataConfig(shape=view.shape, spacing_mm=view.spacing_mm)
    config = TrainConfig(out=str(tiny_bundle), data=data, network=bundle.network.config)
    found = encoders_of_bundle(config, ("fold0", "fold1"))
    assert list(found) == ["fold0", "fold1"]
    for encoder, member in zip(found.values(), bundle.network.classifiers(), strict=True):
        assert torch.equal(encoder.rating.weight, member.volume_encoder.rating.weight)
    assert not torch.equal(found["fold0"].rating.weight, found["fold1"].rating.weight)
    assert encoders_of_bundle(config, ("fold0", "fold1", "fold2")) is None
    assert encoders_of_bundle(replace(config, data=replace(data, spacing_mm=(9.0, 9.0, 9.0))), tuple(found)) is None
    assert encoders_of_bundle(replace(config, out=""), tuple(found)) is None


def test_cost_counts_weights_and_time():
    layer = torch.nn.Linear(1024, 1024, bias=False)
    ms, mb = cost_of(lambda: layer(torch.zeros(1, 1024)), layer)
    assert ms > 0
    assert mb == pytest.approx(4, abs=8)
    assert mb >= 4


def test_a_probe_learns_from_the_cases_whose_label_is_known():
    cohort = make_cohort(60)
    cases = [replace(case, readers=(), soft_targets=(float(case.labels[0]),)) for case in cohort.cases]
    cases = [
        replace(case, labels=(None,), soft_targets=(None,)) if i % 7 == 3 else case for i, case in enumerate(cases)
    ]
    noise = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    features = torch.tensor([[float(case.labels[0])] for case in cohort.cases]) + 0.1 * noise
    answers = linear_probe(features, None, cases, replace(cohort, cases=tuple(cases)), 0)
    labels = np.array([case.labels[0] for case in cohort.cases])
    assert np.isfinite(answers).all()
    assert answers[labels == 1].min() > answers[labels == 0].max()
