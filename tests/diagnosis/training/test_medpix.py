"""The second task: other findings, free text and key slices through the same code."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from diagnosis.errors import InputError
from diagnosis.networks.volume_encoder import VolumeEncoderConfig
from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.training.config import AugmentationConfig, read_config
from diagnosis.training.medpix import read_medpix, stratified_folds, without_diagnosis

VIEW = FieldOfView((3, 20, 20), (1.0, 1.0, 1.0), (-1000.0, 400.0))
REGIONS, GROUPS = ("Head", "Spine and Muscles"), ("neoplasm", "other")


def silent(*_):
    return lambda *_: None


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """60 made-up cases: the region shows as brightness, the group in the findings."""
    from PIL import Image

    root = tmp_path_factory.mktemp("medpix")
    (root / "images").mkdir()
    rng = np.random.default_rng(1)
    rows = []
    for i in range(60):
        region, group = REGIONS[i % 2], GROUPS[(i // 2) % 2]
        names = [f"images/c{i}_{k}.png" for k in range(i % 3)]
        for name in names:
            gray = rng.normal(200 if region == "Head" else 60, 5, (30, 24)).clip(0, 255).astype(np.uint8)
            Image.fromarray(gray).save(root / name)
        findings = "A large mass." if group == "neoplasm" else "A fracture line."
        history = f"Pain for {i} days." if i else ""
        row = {"case_id": f"c{i}", "images": names, "body_region": region, "history": history, "exam": ""}
        row |= {"findings": findings, "diagnosis": "Osteosarcoma", "category": "", "dx_group": group}
        rows.append(row | {"neoplasm": str(int(group == "neoplasm"))})
    (root / "cases.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return root


def test_cases_have_one_label_of_each_kind_and_missing_parts_are_none(made_up):
    cohort = read_medpix(made_up, VIEW, silent(), hide_diagnosis=False)
    assert cohort.findings == (
        "neoplasm", "region_head", "region_spine_and_muscles", "group_neoplasm", "group_other",
    )  # fmt: skip
    assert all(sum(case.labels[1:3]) == 1 and sum(case.labels[3:]) == 1 for case in cohort.cases)
    assert cohort.cases[0].region is None
    assert cohort.cases[0].note is None
    assert cohort.cases[1].note == "History: Pain for 1 days."
    hu = cohort.cases[1].region.hu
    assert hu.shape == (3, 20, 20)
    # A gray of 60 lies at 60/255 of the range; beside the tall image the square is black.
    assert float(hu[1, 10, 10]) == pytest.approx(-1000 + 1400 * 60 / 255, abs=100)
    assert float(hu[1, 10, 0]) == -1000


def test_folds_hold_the_same_share_of_every_group_and_region(made_up):
    cohort = read_medpix(made_up, VIEW, silent(), hide_diagnosis=False)
    assert len(cohort.folds) == 3
    assert set(Counter((case.fold, case.labels) for case in cohort.cases).values()) == {5}
    strata = [("a", "b", str(i)) for i in range(10)]
    assert stratified_folds(strata) == stratified_folds(strata[::-1])[::-1]


def test_words_of_the_diagnosis_are_taken_out_in_any_inflection():
    text = "Fractures of the wrist; no osteosarcomas seen. The line is old."
    assert without_diagnosis(text, "Fracture, line") == "[...] of the wrist; no osteosarcomas seen. The [...] is old."
    assert without_diagnosis(text, "A b c") == text


def test_a_folder_without_cases_is_named(tmp_path):
    with pytest.raises(InputError, match=r"cases\.jsonl could not be read in"):
        read_medpix(tmp_path, VIEW, silent(), hide_diagnosis=False)


def test_a_broken_slice_is_refused_without_naming_it(made_up, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "c1_0.png").write_bytes(b"no image")
    (tmp_path / "cases.jsonl").write_text((made_up / "cases.jsonl").read_text().splitlines()[1])
    with pytest.raises(InputError, match="a key slice cannot be read") as raised:
        read_medpix(tmp_path, VIEW, silent(), hide_diagnosis=False)
    assert "c1" not in str(raised.value)


@pytest.mark.slow
def test_several_findings_are_learned_each_from_the_part_that_tells_it(made_up, checkout, tmp_path):
    from diagnosis.training.run import train

    config = read_config(checkout / "diagnosis" / "training" / "configs" / "medpix.yaml")
    # Learned from pixels, as brightness can be: the frozen network of the configuration has its own test.
    pixels = VolumeEncoderConfig(widths=(8, 16, 24, 32), windows_hu=((-1000.0, 400.0),))
    config = replace(
        config,
        work=str(tmp_path / "work"),
        precision="32-true",
        network=replace(config.network, volume_encoder=pixels),
        augmentation=AugmentationConfig(spin_degrees=15, tilt_degrees=0, border_probability=0),
        data=replace(config.data, root=str(made_up), shape=(3, 16, 16), margin=(0, 2, 2)),
        volume=replace(config.volume, epochs=16, batch_size=8),
        fusion=replace(config.fusion, epochs=20),
    )
    document = train(config, silent)
    assert document == json.loads((Path(config.work) / "metrics.json").read_text())
    area = {
        (finding, subset): entry["auroc"]["value"]
        for finding, subsets in document["findings"].items()
        for subset, entry in subsets.items()
    }
    assert area["region_head", "ct-encoder"] > 0.9
    assert area["group_neoplasm", "voice"] > 0.9
    assert area["group_neoplasm", "ct"] < 0.8, "the slices do not tell the group"
    bag = document["bags_of_words"]["group_neoplasm"]["voice"]
    assert bag["auroc"]["value"] == 1.0
    assert "| group_neoplasm |" in (Path(config.work) / "README.md").read_text()


def test_slices_are_shown_to_the_frozen_network_as_they_are(made_up, checkout):
    """Views and what they are read by: without flips, turns and noise every epoch asks for the same slices."""
    import torch

    from diagnosis.training.volume_stage import RegionDataset

    config = read_config(checkout / "diagnosis" / "training" / "configs" / "medpix.yaml")
    cohort = read_medpix(made_up, replace(VIEW, shape=(3, 32, 32)), silent(), hide_diagnosis=False)
    data = replace(config.data, shape=(3, 32, 32))
    dataset = RegionDataset(cohort.cases, replace(config, data=data), seed=1)
    first, later = dataset[0, 1][0], dataset[5, 1][0]
    torch.testing.assert_close(first, later, atol=0, rtol=0)
    assert float(first.std()) > 0


def test_the_real_cases_are_read_whole(shared_data, checkout):
    config = read_config(checkout / "diagnosis" / "training" / "configs" / "medpix.yaml")
    root = shared_data / "medpix_ct"
    cohort = read_medpix(root, replace(VIEW, shape=(1, 8, 8)), silent(), hide_diagnosis=config.data.hide_diagnosis)
    assert len(cohort.cases) == 431
    assert len(cohort.findings) == 12
    assert sum(case.labels[0] for case in cohort.cases) == 147
    assert {case.fold for case in cohort.cases} == {f"fold{i}" for i in range(3)}
