"""A run from source to files: what it says, that it goes on, what a bad study costs."""

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from dicom_factory import setting, write_series
from studies_factory import options, results, write_manifest

from diagnosis.batch.encoder import StudyEncoder
from diagnosis.batch.run import run_batch
from diagnosis.batch.studies import find_studies
from diagnosis.errors import StoreError
from diagnosis.ingest.case_folder import read_case
from diagnosis.ingest.manifest import read_manifest, read_manifest_case


def rows_of(out):
    with (out / "results.csv").open(encoding="utf-8") as file:
        return {row["case_id"]: row for row in csv.DictReader(file)}


def test_every_study_is_scored_once_and_as_the_engine_scores_it(source, finished, tiny_engine):
    out, summary = finished
    assert (summary.n_done, summary.n_failed, summary.reasons) == (12, 0, {})
    rows = pq.read_table(out / "results.parquet").to_pylist()
    assert [row["case_id"] for row in rows] == [f"s{i:04d}" for i in range(12)]
    for row, found in zip(read_manifest(source).rows, rows, strict=True):
        assessment = tiny_engine.assess(read_manifest_case(row))
        assert found["probability"] == pytest.approx(assessment.main.probability, abs=1e-5)
        assert (found["low"], found["high"]) == pytest.approx((assessment.main.low, assessment.main.high), abs=1e-5)
        assert found["is_flagged"] == assessment.main.is_flagged
        used = "+".join(use.modality.value for use in assessment.modalities if use.is_present)
        assert (found["modalities"], found["status"], found["reason"]) == (used, "done", None)


def test_a_case_folder_that_asks_for_a_repair_gets_it_as_when_it_is_assessed_alone(tiny_engine, tiny_bundle, tmp_path):
    tilted = [1.0, 0.0, 0.0, 0.0, float(np.cos(0.2)), float(-np.sin(0.2))]
    stated = {"region": {"center_mm": [0, -5, 9], "diameter_mm": 8}}
    for name, own in (("asks", {"repair": "resample"}), ("silent", {})):
        folder = tmp_path / "source" / name
        write_series(folder / "ct", change=setting(ImageOrientationPatient=tilted))
        (folder / "case.json").write_text(json.dumps({"case_id": name} | stated | own))
    summary = run_batch(options(tmp_path / "source", tiny_bundle, tmp_path / "out"))
    assert (summary.n_done, summary.n_failed) == (1, 1)
    rows = rows_of(tmp_path / "out")
    assert (rows["asks"]["status"], rows["silent"]["status"]) == ("done", "failed")
    assert "tilt" in rows["silent"]["reason"]
    case, _ = read_case(tmp_path / "source" / "asks")
    alone = tiny_engine.assess(case)
    assert float(rows["asks"]["probability"]) == pytest.approx(alone.main.probability, abs=1e-5)
    repaired = [warning for warning in case.warnings if "tilt" in warning]
    assert repaired
    assert repaired[0] in rows["asks"]["warnings"]
    run_batch(options(tmp_path / "source", tiny_bundle, tmp_path / "all", repair="resample"))
    everywhere = rows_of(tmp_path / "all")
    assert {row["status"] for row in everywhere.values()} == {"done"}
    assert everywhere["silent"]["probability"] == everywhere["asks"]["probability"] == rows["asks"]["probability"]


def test_both_tables_timings_manifest_and_summary_agree(finished):
    out, summary = finished
    rows = rows_of(out)
    assert [float(r["probability"]) for r in rows.values()] == [
        r["probability"] for r in pq.read_table(out / "results.parquet").to_pylist()
    ]
    timings = pq.read_table(out / "timings.parquet").to_pylist()
    assert [t["case_id"] for t in timings] == list(rows)
    assert all(t["attempts"] == 1 and t["read_s"] > 0 and t["encode_s"] > 0 for t in timings)
    manifest = json.loads((out / "run.json").read_text())
    assert manifest["studies"]["n_done"] == summary.n_done == 12
    assert manifest["runtime"] == "torch-float32"
    page = (out / "summary.html").read_text()
    assert "<b>12</b>studies done" in page
    assert "not a medical device" in page


def test_again_with_its_cache_and_elsewhere_without_one_gives_the_same_bytes(source, finished, tiny_bundle, tmp_path):
    out, _ = finished
    run_batch(options(source, tiny_bundle, tmp_path / "cached", cache=out / "cache"))
    run_batch(options(source, tiny_bundle, tmp_path / "plain", workers=2, uses_cache=False))
    assert results(tmp_path / "cached") == results(tmp_path / "plain") == results(out)
    assert not (tmp_path / "plain" / "cache").exists()


def test_a_folder_whose_name_reads_as_an_address_takes_results(finished, tiny_bundle, source, tmp_path):
    """pyarrow would look for the file system `run`."""
    copy = shutil.copytree(finished[0], tmp_path / "run:1")
    (copy / "results.parquet").unlink()
    run_batch(options(source, tiny_bundle, copy))
    assert results(copy) == results(finished[0])
    shorter = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    copy.rename(shorter)
    run_batch(options(source, tiny_bundle, shorter))
    assert results(shorter) == results(finished[0])


def test_a_finished_run_has_nothing_left_to_do_and_another_bundle_is_refused(source, finished, tmp_path):
    from factories import make_tiny_bundle

    make_tiny_bundle(tmp_path / "other", seed=1)
    with pytest.raises(StoreError, match=r"this run was begun with the bundle .*name another --out"):
        run_batch(options(source, tmp_path / "other", finished[0]))


def test_a_study_that_fails_in_the_network_costs_only_itself(source, finished, tiny_bundle, tmp_path, monkeypatch):
    """Whatever is wrong with it: the ones that went through the network with it are scored as ever."""
    encode = StudyEncoder.encode

    def failing(encoder, studies):
        if any(study.case_id == "s0003" for study in studies):
            msg = "shape of Mustermann"
            raise RuntimeError(msg)
        return encode(encoder, studies)

    monkeypatch.setattr(StudyEncoder, "encode", failing)
    summary = run_batch(options(source, tiny_bundle, tmp_path / "out"))
    assert (summary.n_done, summary.n_failed) == (11, 1)
    rows, whole = rows_of(tmp_path / "out"), rows_of(finished[0])
    reason = rows.pop("s0003")["reason"]
    assert "an unforeseen RuntimeError at test_run.py" in reason
    assert "Mustermann" not in reason
    assert {name: row["probability"] for name, row in rows.items()} == {
        name: row["probability"] for name, row in whole.items() if name != "s0003"
    }
    monkeypatch.undo()
    again = run_batch(options(source, tiny_bundle, tmp_path / "out", retries_failed=True))
    assert (again.n_done, again.n_failed) == (12, 0)
    assert results(tmp_path / "out") == results(finished[0])


def test_a_bad_study_costs_only_itself(tiny_bundle, tmp_path):
    source = write_manifest(tmp_path / "source", 7)
    lines = source.read_text().splitlines()
    write_series(tmp_path / "source" / "damaged")
    for path in sorted((tmp_path / "source" / "damaged").iterdir())[2:4]:
        path.write_bytes(path.read_bytes()[:300])
    lines += ["damaged,p,damaged,,,0,-10,10", "gone,p,nowhere,A note.,,,,", "outside,p,ct0,,,900,0,10"]
    source.write_text("\n".join(lines) + "\n")
    out = tmp_path / "out"
    summary = run_batch(options(source, tiny_bundle, out))
    assert (summary.n_done, summary.n_failed) == (7, 3)
    rows = rows_of(out)
    assert [case_id for case_id, row in rows.items() if row["status"] == "failed"] == ["damaged", "gone", "outside"]
    assert rows["gone"]["reason"].startswith("input: the path does not exist")
    assert "the center lies outside the CT, which spans x -10 to " in rows["outside"]["reason"]
    assert rows["damaged"]["probability"] == ""
    assert sum(summary.reasons.values()) == 3
    shutil.rmtree(tmp_path / "source" / "damaged")
    write_series(tmp_path / "source" / "damaged")
    again = run_batch(options(source, tiny_bundle, out, retries_failed=True))
    assert (again.n_done, again.n_failed) == (8, 2)


def test_one_reason_of_many_case_folders_is_told_once(tiny_bundle, tmp_path):
    for name in ("empty_1", "empty_2", "words"):
        (tmp_path / "cases" / name).mkdir(parents=True)
        (tmp_path / "cases" / name / "case.json").write_text(f'{{"case_id": "{name}"}}')
    (tmp_path / "cases" / "words" / "note.txt").write_text("A solid nodule of 8 mm.")
    (tmp_path / "cases" / "no case").mkdir()
    out = tmp_path / "out"
    summary = run_batch(options(tmp_path / "cases", tiny_bundle, out))
    assert (summary.n_done, summary.n_failed) == (1, 2)
    assert list(summary.reasons.values()) == [2]
    assert rows_of(out)["empty_1"]["reason"].startswith("case empty_1: it holds no CT")
    assert "<td>it holds no CT, no note and no dictation" in (out / "summary.html").read_text()


def test_a_study_whose_row_was_changed_is_scored_again(tiny_bundle, tmp_path):
    source = write_manifest(tmp_path / "source", 3, n_ct=0)
    run_batch(options(source, tiny_bundle, tmp_path / "out"))
    before = rows_of(tmp_path / "out")
    source.write_text(source.read_text().replace("A 4 mm", "A 29 mm"))
    run_batch(options(source, tiny_bundle, tmp_path / "out"))
    after = rows_of(tmp_path / "out")
    assert before["s0001"]["probability"] != after["s0001"]["probability"]
    assert before["s0000"] == after["s0000"]


def test_case_folders_are_a_source(checkout):
    found = find_studies(checkout / "data_samples")
    assert [study.case_id for study in found] == ["case_001", "case_002", "case_003", "case_004"]
    assert found[0].parts().ct is not None
