"""`diagnosis deidentify` says how much was written."""

import pytest

from diagnosis.vocabulary import counted


@pytest.mark.parametrize(
    ("n", "noun", "plural", "said"),
    [(0, "file", None, "0 files"), (1, "file", None, "1 file"), (2, "study", "studies", "2 studies")],
)
def test_a_number_with_its_noun(n, noun, plural, said):
    assert counted(n, noun, plural) == said


def test_one_object_is_told_as_one(run, checkout, tmp_path):
    pytest.importorskip("spacy", reason="spacy is not installed")
    source = next((checkout / "data_samples" / "case_001" / "ct").glob("*.dcm"))
    code, said, error = run("deidentify", str(source), "--out", str(tmp_path / "out"), "--key", str(tmp_path / "key"))
    assert code == 0, error
    assert "Written: 1 DICOM object, 0 texts" in said
