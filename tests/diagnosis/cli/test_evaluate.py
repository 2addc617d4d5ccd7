"""`diagnosis evaluate`: figures in one form, a page, and every bad row named before anything is loaded."""

import csv
import json
import shutil

import pytest
from factories import TINY_CALIBRATION_SLOPE

from diagnosis.evaluation.metrics_file import read_metrics


def write_manifest(folder, **changes):
    """Twelve cases of words; `changes` are cells by `column_row`, such as malignancy_3=2."""
    rows = []
    for i in range(12):
        note = "Marked spiculation, solid, 18 mm." if i % 2 else "Smooth round calcified nodule, 4 mm."
        row = {"case_id": f"c{i}", "patient_id": f"p{i // 2}", "ct": "", "note": "", "note_text": note}
        row |= {"voice_text": note if i % 3 else "", "diameter_mm": 5 + i if i % 4 else "", "sex": "FM"[i // 2 % 2]}
        row |= {"split": "test", "baseline_reader_1": 4 if i % 2 else 2, "malignancy": i % 2}
        rows.append(row)
    for place, value in changes.items():
        column, number = place.rsplit("_", 1)
        rows[int(number) - 1][column] = value
    path = folder / "manifest.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_figures_and_page(run, tiny_bundle, tmp_path):
    code, out, _ = run("evaluate", tiny_bundle, write_manifest(tmp_path), "--out", tmp_path / "out")
    assert code == 0
    assert "reader_1" in out
    document = read_metrics(tmp_path / "out" / "metrics.json")
    assert {s: e["n"] for s, e in document["findings"]["malignancy"].items()} == {
        "note": 12, "voice": 8, "note+voice": 8,
    }  # fmt: skip
    assert document["baselines"]["reader_1"]["auroc"]["value"] == 1
    assert document["baselines"]["diameter"]["n"] == 9, "the cases whose diameter is known"
    assert document["differences"]["note-vs-diameter"]["n"] == 9
    assert document["differences"]["note+voice-vs-reader_1"]["n"] == 8
    assert {row["attribute"] for row in document["subgroups"]["malignancy"]} >= {"sex", "size"}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "reader 1" in page
    assert "12 rows of the manifest, 6 patients; 12 scored, 0 could not be read." in page
    assert "sex: F 6, M 6" in page
    assert "Absent here: CT 12, note 0, dictation 4, diameter 3." in page


def test_cases_that_the_bundle_was_trained_on_are_told(run, tiny_bundle, tmp_path):
    from diagnosis.bundle.training_cases import TrainingCases, contents_of, save_training_cases
    from diagnosis.ingest.manifest import read_manifest, read_manifest_case

    long = "Marked spiculation, solid, 18 mm, in the left upper lobe, and no other nodule is seen in either lung. " * 2
    changes = {f"note_text_{row}": f"{long}Image {row}." for row in (2, 5)} | {"voice_text_2": "", "voice_text_5": ""}
    manifest = write_manifest(tmp_path, **changes)
    bundle = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, bundle)
    arguments = ("evaluate", bundle, manifest, "--out", tmp_path / "out")
    assert "trained on" not in run(*arguments)[1]
    rows = read_manifest(manifest).rows
    save_training_cases(bundle, TrainingCases.of(contents_of(read_manifest_case(rows[i])) for i in (1, 4)))
    code, out, _ = run(*arguments)
    assert code == 0
    told = "have the CT, or without one the words, of a case that the bundle was trained on (rows 2, 5): for these"
    assert told in " ".join(out.split())
    assert told in (tmp_path / "out" / "report.html").read_text()
    assert read_metrics(tmp_path / "out" / "metrics.json")["protocol"]["trained_on"] == 2


def test_one_probability_for_all_cases_is_told(run, tiny_bundle, tmp_path):
    """AUROC ranks logits; where the calibration is flat nobody is shown what they rank."""
    from diagnosis.bundle.checksums import CALIBRATION, CHECKSUMS
    from diagnosis.networks.text_encoder import file_sha256

    bundle = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, bundle)
    text = (bundle / CALIBRATION).read_text()
    slope = f'"slope": {TINY_CALIBRATION_SLOPE}'
    assert text.count(slope) == 7
    (bundle / CALIBRATION).write_text(text.replace(slope, '"slope": 0.0'))
    checksums = json.loads((bundle / CHECKSUMS).read_text())
    checksums[CALIBRATION.as_posix()] = file_sha256(bundle / CALIBRATION)
    (bundle / CHECKSUMS).write_text(json.dumps(checksums))
    code, out, _ = run("evaluate", bundle, write_manifest(tmp_path), "--out", tmp_path / "out")
    assert code == 0
    assert (
        "The bundle gives all cases the same probability of malignancy from note, malignancy from voice, malignancy "
        "from note+voice: its logits pointed the wrong way"
    ) in " ".join(out.split())


def test_what_people_state_for_the_checklists(run, tiny_bundle, tmp_path):
    facts = tmp_path / "study.yaml"
    facts.write_text("funding: A grant of nobody.\nnot_applicable:\n  registration: no trial\n")
    manifest = write_manifest(tmp_path)
    arguments = ("evaluate", tiny_bundle, manifest, "--out", tmp_path / "out", "--study", facts)
    assert run(*arguments)[0] == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "A grant of nobody." in page
    assert "no trial" in page
    for text, sentence in (
        ("founding: x", "'founding' is not a key; use one of abstract, acquisition"),
        ("funding:", "funding has no sentence; write one (who paid, and their role), or remove the key"),
        ("- a", "it is not a table of keys and sentences"),
        ("a: [", "it cannot be read as YAML"),
    ):
        facts.write_text(text)
        code, _, error = run(*arguments)
        assert code == 3
        assert sentence in " ".join(error.split())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"malignancy_3": "2"}, "row 3: malignancy is '2'; a finding is 0, 1 or blank"),
        ({"malignancy_4": "yes"}, "row 4: malignancy is 'yes'; a finding is 0, 1 or blank"),
        ({"split_2": "train"}, "row 2: its patient is in split 'train' and, by row 1, in 'test'"),
        ({"ct_5": "gone.nii.gz"}, "row 5: the file in column ct does not exist"),
        ({"note_6": "empty.txt", "note_text_6": ""}, "row 6: the file in column note is empty"),
        ({"note_text_7": "", "voice_text_7": ""}, "row 7: there is no ct, note or voice"),
        ({"baseline_reader_1_8": "high"}, "row 8: baseline_reader_1 (a text of 4 characters) is not a finite number"),
        ({"case_id_9": "c0"}, "row 9: its case_id is that of row 1"),
    ],
)
def test_a_bad_row_is_named_before_anything_is_loaded(run, tiny_bundle, tmp_path, changes, sentence):
    (tmp_path / "empty.txt").touch()
    manifest = write_manifest(tmp_path, **changes)
    declared = tmp_path / "without_weights"
    shutil.copytree(tiny_bundle, declared, ignore=shutil.ignore_patterns("*.safetensors"))
    code, _, error = run("evaluate", declared, manifest, "--out", tmp_path / "out")
    assert code == 9
    assert sentence in " ".join(error.split())
    assert not (tmp_path / "out").exists()


def test_a_blank_label_is_not_known_and_not_scored(run, tiny_bundle, tmp_path):
    manifest = write_manifest(tmp_path, malignancy_1="", malignancy_2="")
    assert run("evaluate", tiny_bundle, manifest, "--out", tmp_path / "out")[0] == 0
    assert read_metrics(tmp_path / "out" / "metrics.json")["findings"]["malignancy"]["note"]["n"] == 10


def test_a_bundle_of_another_checksum_or_contract_is_refused(run, tiny_bundle, tmp_path):
    manifest = write_manifest(tmp_path)
    changed = tmp_path / "changed"
    shutil.copytree(tiny_bundle, changed)
    weights = changed / "models" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\1\2\3")
    code, _, error = run("evaluate", changed, manifest, "--out", tmp_path / "out")
    assert code == 11
    assert "model.safetensors" in error

    other = tmp_path / "other"
    shutil.copytree(tiny_bundle, other)
    path = other / "configs" / "metadata.json"
    metadata = json.loads(path.read_text())
    metadata["inputs"]["shape"] = [3, 40]
    path.write_text(json.dumps(metadata))
    with_another_column = manifest.with_name("another.csv")
    heading, *rows = manifest.read_text().splitlines()
    with_another_column.write_text("\n".join([f"{heading},hospital", *(f"{row},A" for row in rows)]))
    for cases in (manifest, with_another_column):
        code, _, error = run("evaluate", other, cases, "--out", tmp_path / "out")
        assert code == 11
        assert "inputs.shape" in error


def predictions(folder):
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_figure_can_be_computed_again_from_the_scores(run, tiny_bundle, tmp_path):
    from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, roc_auc_score

    code, _, _ = run("evaluate", tiny_bundle, write_manifest(tmp_path), "--out", tmp_path / "out")
    assert code == 0
    document = json.loads((tmp_path / "out" / "metrics.json").read_text())
    with (tmp_path / "out" / "scores.csv").open(encoding="utf-8", newline="") as stream:
        scores = list(csv.DictReader(stream))
    subsets = document["findings"]["malignancy"]
    assert {row["input"] for row in scores} == set(subsets)
    for name, entry in subsets.items():
        rows = [row for row in scores if row["input"] == name]
        assert len(rows) == entry["n"]
        labels = [int(row["label"]) for row in rows]
        probabilities = [float(row["probability"]) for row in rows]
        again = {
            "auroc": roc_auc_score(labels, probabilities),
            "auprc": average_precision_score(labels, probabilities),
            "brier": brier_score_loss(labels, probabilities),
            "f1": f1_score(labels, [int(row["is_flagged"]) for row in rows]),
        }
        for figure, value in again.items():
            assert entry[figure]["value"] == pytest.approx(value, abs=1e-9), (name, figure)
        held = [row["set_has_positive" if row["label"] == "1" else "set_has_negative"] == "1" for row in rows]
        assert entry["conformal"]["coverage"] == pytest.approx(sum(held) / len(held))


def test_what_is_said_of_each_case_is_written(run, tiny_bundle, tmp_path):
    code, out, _ = run("evaluate", tiny_bundle, write_manifest(tmp_path), "--out", tmp_path / "out")
    assert code == 0
    assert "predictions.csv" in out
    rows = predictions(tmp_path / "out")
    assert [row["case_id"] for row in rows] == [f"c{i}" for i in range(12)]
    assert {row["inputs"] for row in rows} == {"note", "note+voice"}
    assert [row["malignancy"] for row in rows] == [str(i % 2) for i in range(12)]
    threshold = json.loads((tiny_bundle / "configs" / "metadata.json").read_text())["findings"][0]["threshold"]
    for row in rows:
        assert int(row["is_flagged_malignancy"]) == (float(row["probability_malignancy"]) >= threshold)


def test_cases_of_one_class_are_measured_as_far_as_they_tell(run, tiny_bundle, tmp_path):
    manifest = write_manifest(tmp_path, **{f"malignancy_{row}": 1 for row in range(1, 13)})
    assert run("evaluate", tiny_bundle, manifest, "--out", tmp_path / "out")[0] == 0
    entry = read_metrics(tmp_path / "out" / "metrics.json")["findings"]["malignancy"]["note"]
    assert (entry["n"], entry["auroc"]["value"], entry["specificity"]["value"]) == (12, None, None)
    assert entry["sensitivity"]["value"] is not None


def test_a_row_that_cannot_be_scored_is_told_and_the_others_are_scored(run, tiny_bundle, tmp_path):
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    manifest = write_manifest(tmp_path, note_3="broken.pdf", note_text_3="")
    code, out, error = run("evaluate", tiny_bundle, manifest, "--out", tmp_path / "out")
    assert code == 20
    assert "row 3: note" in " ".join(out.split())
    assert "1 of 12 rows could not be scored; their reasons stand in predictions.csv" in " ".join(error.split())
    assert read_metrics(tmp_path / "out" / "metrics.json")["protocol"]["failed"] == 1
    assert predictions(tmp_path / "out")[2]["error"].startswith("note")


def test_without_a_label_the_predictions_are_there_all_the_same(run, tiny_bundle, tmp_path):
    manifest = write_manifest(tmp_path, **{f"malignancy_{row}": "" for row in range(1, 13)})
    code, _, error = run("evaluate", tiny_bundle, manifest, "--out", tmp_path / "out")
    assert code == 9
    assert "has a label in malignancy" in " ".join(error.split())
    assert all(row["probability_malignancy"] for row in predictions(tmp_path / "out"))


def test_further_columns_are_named_and_left_alone(run, tiny_bundle, tmp_path):
    manifest = write_manifest(tmp_path)
    lines = manifest.read_text().splitlines()
    manifest.write_text("\n".join([f"{lines[0]},histology", *(f"{line},carcinoid" for line in lines[1:])]) + "\n")
    code, out, _ = run("evaluate", tiny_bundle, manifest, "--out", tmp_path / "out")
    assert code == 0
    assert "Columns left alone: histology" in out


def test_a_ct_without_a_region_is_searched(run, tiny_bundle, tmp_path, checkout):
    manifest = tmp_path / "manifest.csv"
    rows = [("c1", checkout / "data_samples/case_001/ct", 1), ("c2", checkout / "data_samples/case_004/ct", 0)]
    manifest.write_text("case_id,patient_id,ct,malignancy\n" + "".join(f"{c},{c},{ct},{y}\n" for c, ct, y in rows))
    code, out, _ = run("evaluate", tiny_bundle, manifest, "--out", tmp_path / "out")
    assert code == 0
    assert "scored at the best of the regions proposed: 2" in " ".join(out.split())
    found = predictions(tmp_path / "out")
    assert all(1 <= int(row["candidates"]) <= 10 and row["center_x_mm"] for row in found)
