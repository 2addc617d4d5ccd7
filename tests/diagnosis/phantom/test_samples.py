import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest

from diagnosis.phantom.case import make_phantom
from diagnosis.phantom.samples import SAMPLES, Sample
from diagnosis.vocabulary import Modality

ids = [sample.spec.case_id for sample in SAMPLES]


def test_samples_are_small(checkout: Path) -> None:
    assert sum(p.stat().st_size for p in (checkout / "data_samples").rglob("*") if p.is_file()) < 12e6


def test_two_are_malignant_and_every_file_is_explained(checkout: Path) -> None:
    folder = checkout / "data_samples"
    truths = [json.loads((folder / name / "truth.json").read_text()) for name in ids]
    assert [truth["malignant"] for truth in truths] == [True, False, True, False]
    readme = (folder / "README.md").read_text()
    for sample in SAMPLES:
        assert sample.spec.case_id in readme
        assert f"seed {sample.spec.seed}" in readme


@pytest.mark.parametrize("sample", SAMPLES, ids=ids)
def test_samples_hold_the_parts_they_should(sample: Sample, checkout: Path) -> None:
    folder = checkout / "data_samples" / sample.spec.case_id
    assert (folder / "ct").is_dir()
    assert (folder / "note.txt").exists() == (Modality.NOTE in sample.parts)
    assert (folder / "voice.wav").exists() == (Modality.VOICE in sample.parts)


@pytest.mark.parametrize("sample", SAMPLES, ids=ids)
def test_samples_are_what_their_spec_makes(sample: Sample, checkout: Path) -> None:
    folder = checkout / "data_samples" / sample.spec.case_id
    case = make_phantom(sample.spec)
    assert json.loads((folder / "truth.json").read_text()) == case.truth()
    files = sorted((folder / "ct").iterdir(), reverse=True)
    assert len(files) == len(case.ct.hu)
    for k in range(0, len(files), 12):
        instance = pydicom.dcmread(files[k])
        hu = instance.pixel_array.astype(int) * int(instance.RescaleSlope) + int(instance.RescaleIntercept)
        # Mathematics libraries round the last bit differently; one stored unit on a few voxels is allowed for.
        assert np.abs(hu - case.ct.hu[k]).max() <= sample.spec.scan.hu_step
        assert (hu != case.ct.hu[k]).mean() < 0.001


def test_samples_are_valid_dicom(checkout: Path) -> None:
    if shutil.which("dciodvfy") is None and os.environ.get("CI") != "true":
        pytest.skip("dciodvfy is not installed (Debian package dicom3tools)")
    for name in ids:
        for file in sorted((checkout / "data_samples" / name / "ct").iterdir())[::30]:
            found = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, check=False)
            assert "Error" not in found.stdout + found.stderr
