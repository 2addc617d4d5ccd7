"""A whole training run on a small made-up manifest: bundle, metrics, resume, several processes."""

import csv
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from diagnosis.errors import ConfigurationError, ManifestError

FINDINGS = ("malignancy",)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """36 cases in three folds: a bright ball and a telling note where malignant."""
    import nibabel

    folder = tmp_path_factory.mktemp("cohort")
    rng = np.random.default_rng(0)
    rows = []
    for i in range(36):
        label = i % 2
        hu = rng.normal(-800, 50, (40, 40, 20)).astype(np.float32)
        x, y, z = np.meshgrid(np.arange(40) - 20, np.arange(40) - 20, np.arange(20) - 10, indexing="ij")
        hu[(0.7 * x) ** 2 + (0.7 * y) ** 2 + (1.25 * z) ** 2 < (64 if label else 9)] = 50
        affine = np.diag([-0.7, -0.7, 1.25, 1.0])
        nibabel.save(nibabel.Nifti1Image(hu, affine), folder / f"c{i}.nii.gz")
        note = "Marked spiculation, solid, 18 mm." if label else "Smooth round calcified nodule, 4 mm."
        rows.append(
            {
                "case_id": f"c{i}", "patient_id": f"p{i}", "ct": f"c{i}.nii.gz" if i % 5 else "", "note_text": note,
                "center_x_mm": "14" if i % 5 else "", "center_y_mm": "14" if i % 5 else "",
                "center_z_mm": "12.5" if i % 5 else "", "diameter_mm": ("16" if label else "6") if i % 5 else "",
                "split": f"fold{(i // 2) % 3}", "malignancy": str(label), "calcified": str(1 - label),
            }
        )  # fmt: skip
    path = folder / "manifest.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def make_config(manifest, folder):
    from diagnosis.training.config import DataConfig, FusionLossConfig, StageConfig, TrainConfig

    return TrainConfig(
        out=str(folder / "bundle"),
        work=str(folder / "work"),
        cache=str(folder / "cache"),
        workers=1,
        precision="32-true",
        synthetic_texts=128,
        data=DataConfig(kind="manifest", root=str(manifest)),
        volume=StageConfig(2, 4, 2e-3, 0.01, ema_decay=0.5),
        text=StageConfig(1, 32, 1e-3, 0.01),
        fusion=StageConfig(30, 8, 3e-3, 0.01),
        fusion_loss=FusionLossConfig(alignment="contrastive"),
    )


def silent(_title):
    return lambda _done, _total: None


@pytest.fixture(scope="module")
def trained(manifest, tmp_path_factory):
    from diagnosis.training.run import train

    config = make_config(manifest, tmp_path_factory.mktemp("run"))
    return config, train(config, silent)


@pytest.fixture(scope="module")
def trained_on_two(manifest, tmp_path_factory):
    from diagnosis.training.run import train

    config = make_config(manifest, tmp_path_factory.mktemp("run_of_two"))
    config = replace(
        config,
        data=replace(config.data, findings=("malignancy", "calcified")),
        volume=replace(config.volume, epochs=1),
        fusion=replace(config.fusion, epochs=4),
    )
    return config, train(config, silent)


@pytest.mark.slow
def test_a_run_gives_a_bundle_that_loads_and_metrics_in_the_stated_form(trained):
    from diagnosis.bundle.folder import load_bundle
    from diagnosis.training.run import comparison_rows

    config, document = trained
    bundle = load_bundle(Path(config.out))
    assert bundle.network.config.n_members == 3
    written = json.loads((Path(config.out) / "eval" / "metrics.json").read_text())
    assert written == json.loads(json.dumps(document))
    note = written["findings"]["malignancy"]["note"]
    assert set(note["auroc"]) == {"value", "low", "high"}
    assert note["n"] == 36
    assert note["auroc"]["value"] > 0.8, "the note tells the label"
    card = (Path(config.out) / "docs" / "README.md").read_text()
    assert f"{note['auroc']['value']:.3f}" in card
    assert "## By group (CT + note)" in card, "no case has a dictation"
    assert {"ct-vs-diameter", "ct+note-vs-diameter"} <= set(written["differences"])
    gain = written["differences"]["ct+note-vs-best-single"]
    assert comparison_rows({"attention": written}, "malignancy")[0][-1].startswith(f"{gain['value']:+.3f} [")
    manifest = json.loads((Path(config.work) / "run.json").read_text())
    assert manifest["config"] == json.loads(json.dumps(asdict(config)))
    assert set(manifest["versions"]) == {"diagnosis", "torch", "python"}
    assert manifest["seconds"] > 0


@pytest.mark.slow
def test_a_run_that_lost_its_end_comes_to_the_same_result(trained):
    import shutil

    from diagnosis.training.run import train

    config, document = trained
    shutil.rmtree(Path(config.work) / "fusion")
    shutil.rmtree(Path(config.work) / "readouts")
    assert train(config, silent)["findings"] == document["findings"]


def write_config(config, path):
    import yaml

    path.write_text(yaml.safe_dump(json.loads(json.dumps(asdict(config)))))
    return str(path)


def kill_when_there(arguments, work, pattern):
    """Start a run and end it, without warning, as soon as a file appears in its work folder."""
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
        while not any(work.glob(pattern)):
            assert run.poll() is None, run.stderr.read().decode()
            time.sleep(0.01)
        run.kill()
    assert run.returncode == -9
    assert not (work / "run.json").exists()


@pytest.mark.slow
def test_a_reader_that_learns_more_leaves_the_rest_as_it_was(trained, tmp_path):
    import shutil

    from safetensors.torch import load_file

    from diagnosis.bundle.folder import load_bundle
    from diagnosis.training.reader_update import update_bundle

    whole, before = trained
    # At a tenth of the rate: a single step at the full one takes so small a reader anywhere.
    text = replace(whole.text, learning_rate=whole.text.learning_rate / 10)
    config = replace(whole, out=str(tmp_path / "bundle"), work=str(tmp_path / "work"), text=text)
    shutil.copytree(whole.out, config.out)
    document = update_bundle(config, silent)
    old, new = (load_file(Path(c.out) / "models" / "model.safetensors") for c in (whole, config))
    changed = {name for name in old if not np.array_equal(old[name], new[name])}
    assert changed
    assert all(".text_reader." in name and ".tokens." not in name for name in changed)
    load_bundle(Path(config.out))  # its checksums are those of the new weights
    subsets, earlier = document["findings"]["malignancy"], before["findings"]["malignancy"]
    assert subsets["ct"]["auroc"] == earlier["ct"]["auroc"], "the CT is read as before"
    assert subsets["note"]["auroc"]["value"] > 0.8, subsets["note"]["auroc"]


@pytest.mark.slow
def test_a_run_that_is_killed_twice_comes_to_the_same_result(trained, tmp_path):
    import torch
    from safetensors.torch import load_file

    from diagnosis.training.run import train

    whole, document = trained
    config = replace(whole, out=str(tmp_path / "bundle"), work=str(tmp_path / "work"))
    arguments = [sys.executable, "-m", "diagnosis", "train", write_config(config, tmp_path / "train.yaml")]
    kill_when_there(arguments, Path(config.work), "volume/*/last.ckpt")
    kill_when_there(arguments, Path(config.work), "fusion/*/fold1/last.ckpt")
    torch.set_num_threads(2)  # as a program does that has loaded a bundle; the killed runs had one thread
    resumed = train(config, silent)
    weights = [load_file(Path(c.out) / "models" / "model.safetensors") for c in (config, whole)]
    assert weights[0].keys() == weights[1].keys()
    assert all(np.allclose(weights[0][name], weights[1][name], atol=1e-5) for name in weights[0])
    for finding, subsets in document["findings"].items():
        for subset, entry in subsets.items():
            assert resumed["findings"][finding][subset]["auroc"] == entry["auroc"]


@pytest.mark.slow
def test_two_processes_by_torchrun_write_one_bundle(manifest, tmp_path):
    from diagnosis.bundle.folder import load_bundle

    config = make_config(manifest, tmp_path)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    arguments = [*torchrun, "-m", "diagnosis", "train", write_config(config, tmp_path / "train.yaml")]
    threads = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(arguments, capture_output=True, text=True, env=threads, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("Bundle:") == 1, "only the first process speaks"
    assert load_bundle(Path(config.out)).network.config.n_members == 3
    written = json.loads((Path(config.out) / "eval" / "metrics.json").read_text())
    assert written["findings"]["malignancy"]["note"]["auroc"]["value"] > 0.8
    assert not list(Path(config.work).rglob("*.partial*"))


@pytest.mark.slow
def test_a_bundle_knows_the_cases_it_was_trained_on(trained, manifest):
    """All with a CT; the notes here are those of many."""
    from diagnosis.bundle.training_cases import load_training_cases
    from diagnosis.ingest.manifest import read_manifest, read_manifest_case

    known = load_training_cases(Path(trained[0].out))
    rows = read_manifest(manifest).rows
    assert [known.knows(read_manifest_case(row)) for row in rows] == [row.ct is not None for row in rows]


@pytest.mark.slow
def test_a_work_folder_of_another_configuration_is_refused(trained):
    from diagnosis.training.run import train

    config, _ = trained
    with pytest.raises(ConfigurationError, match="holds a run with another configuration"):
        train(replace(config, seed=99), silent)


def test_a_run_that_began_before_a_field_existed_goes_on_with_its_default(tmp_path):
    from diagnosis.training.config import TrainConfig
    from diagnosis.training.run import _claim

    config = TrainConfig(work=str(tmp_path))
    _claim(tmp_path, config)
    older = json.loads((tmp_path / "config.json").read_text())
    del older["data"]["hide_diagnosis"], older["coverage"]
    (tmp_path / "config.json").write_text(json.dumps(older))
    with pytest.raises(ConfigurationError, match="holds a run with another configuration"):
        _claim(tmp_path, replace(config, coverage=0.8))
    _claim(tmp_path, config)


def test_a_missing_finding_is_named_before_training(manifest, tmp_path):
    from diagnosis.training.config import DataConfig
    from diagnosis.training.run import train

    config = make_config(manifest, tmp_path)
    config = replace(config, data=DataConfig(kind="manifest", root=str(manifest), findings=("emphysema",)))
    with pytest.raises(ManifestError, match="it has no column 'emphysema'"):
        train(config, silent)


@pytest.mark.slow
def test_what_no_reader_taught_is_neither_learned_from_nor_told(trained, manifest):
    """Heads without a target would say something at random of each nodule, and reports would tell it."""
    import torch

    from diagnosis.bundle.folder import load_bundle
    from diagnosis.engine import DiagnosisEngine
    from diagnosis.ingest.manifest import read_manifest, read_manifest_case

    config, _ = trained
    bundle = load_bundle(Path(config.out))
    for member in bundle.network.classifiers():
        said = member.volume_encoder.descriptors(torch.randn(5, 96))
        torch.testing.assert_close(said, said[:1].expand_as(said), atol=0, rtol=0)
        told = member.volume_encoder.log_diameter(torch.randn(5, 96))
        assert float(told.detach().std()) > 0, "the manifest tells diameters"
    row = next(row for row in read_manifest(manifest).rows if row.case_id == "c1")
    assessment = DiagnosisEngine(bundle).assess(read_manifest_case(row))
    assert "ct" in {m.modality.value for m in assessment.modalities if m.is_present}
    assert assessment.descriptors == ()


@pytest.mark.slow
def test_two_findings_are_learned_and_indexed_together(trained_on_two):
    from diagnosis.bundle.folder import load_bundle, verify_checksums
    from diagnosis.retrieval.index import load_index
    from diagnosis.training.index_stage import make_index

    config, document = trained_on_two
    assert set(document["findings"]) == {"malignancy", "calcified"}
    assert load_bundle(Path(config.out)).network.config.volume_encoder.n_rating_steps == 2
    make_index(config, silent)
    index = load_index(Path(config.out), verify_checksums(Path(config.out)))
    assert index.embeddings.shape[:2] == (36, 3)
    assert {nodule.outcome for nodule in index.nodules} == {
        "malignancy: yes, calcified: no",
        "malignancy: no, calcified: yes",
    }


@pytest.mark.slow
def test_every_finding_is_told_in_the_terminal(trained_on_two, manifest, capsys):
    from rich.console import Console

    from diagnosis.bundle.folder import load_bundle
    from diagnosis.cli.presentation import print_assessments
    from diagnosis.engine import DiagnosisEngine
    from diagnosis.ingest.manifest import read_manifest, read_manifest_case

    engine = DiagnosisEngine(load_bundle(Path(trained_on_two[0].out)))
    assessment = engine.assess(read_manifest_case(read_manifest(manifest).rows[1]))
    print_assessments([assessment], Console(width=80))
    first, further = capsys.readouterr().out.split("Further findings")
    assert "Probability of malignancy" in first
    assert f"{assessment.findings[1].probability:.2f}" in next(x for x in further.splitlines() if "calcified" in x)


def test_the_index_of_a_run_without_readers_is_made_and_found(trained):
    """No readers: nothing to measure and no captions, but the space and the index stand."""
    from diagnosis.bundle.folder import verify_checksums
    from diagnosis.retrieval.index import load_index
    from diagnosis.training.index_stage import make_index

    config, _ = trained
    quality = make_index(config, silent)
    assert quality["recall"] == quality["captions"] == {}
    index = load_index(Path(config.out), verify_checksums(Path(config.out)))
    assert index.embeddings.shape == (36, 3, 64)
    lengths = np.linalg.norm(index.embeddings, axis=2)
    assert (np.isclose(lengths, 1, atol=1e-2) | (lengths == 0)).all()
    assert (lengths[::5, 0] == 0).all()  # every fifth case has no CT
