"""A CT without a region: each candidate is shown, and the answer says what it is."""

import json

import pytest


@pytest.fixture
def head(tmp_path):
    import nibabel
    import numpy as np

    path = tmp_path / "ct.nii.gz"
    hu = np.full((40, 40, 30), -1000, dtype=np.int16)
    hu[8:32, 8:32] = 40
    nibabel.save(nibabel.Nifti1Image(hu, np.diag([2.0, 2.0, 3.0, 1.0])), path)
    return path


@pytest.mark.slow
def test_candidates_are_assessed_and_listed(run, checkout, tiny_bundle):
    code, out, _ = run(
        "assess", "--ct", str(checkout / "data_samples/case_004/ct"), "--bundle", str(tiny_bundle), "--json"
    )
    assert code == 0
    answer = json.loads(out)
    probabilities = [c["probability"] for c in answer["candidates"]]
    assert 1 <= len(probabilities) <= 10
    assert probabilities == sorted(probabilities, reverse=True)
    assert answer["findings"][0]["probability"] == pytest.approx(probabilities[0])
    assert any("proposed by a program" in w for w in answer["warnings"])
    assert not any("left out" in w for w in answer["warnings"])
    assert answer["modalities"]["ct"]["present"]


def test_without_candidates_the_note_alone_with_a_warning(run, head, tiny_bundle, tmp_path):
    note = tmp_path / "note.txt"
    note.write_text("A 12 mm solid nodule with spiculation.")
    code, out, _ = run("assess", "--ct", str(head), "--note", str(note), "--bundle", str(tiny_bundle), "--json")
    assert code == 0
    answer = json.loads(out)
    assert answer["candidates"] == []
    assert not answer["modalities"]["ct"]["present"]
    assert any("no lungs were found" in w for w in answer["warnings"])


def test_nothing_at_all_is_an_error(run, head, tiny_bundle):
    code, _, error = run("assess", "--ct", str(head), "--bundle", str(tiny_bundle))
    assert code == 8
    assert "no region is marked and none can be proposed" in " ".join(error.split())


def test_the_benchmark_finds_lesions_and_counts_what_else_it_proposes(run):
    """The first two of the thirty patients of the published table: found at once, with false candidates after."""
    code, out, _ = run("candidates-benchmark", "--phantoms", "2", "--json")
    assert code == 0
    document = json.loads(out)["phantoms"]
    assert document["n_lesions"] == 2
    assert document["sensitivity"] == 1
    assert [row["ranks"] for row in document["kinds"].values()] == [[1], [1]]
    assert document["froc"][0]["false_per_study"] == 0 < document["froc"][-1]["false_per_study"]
