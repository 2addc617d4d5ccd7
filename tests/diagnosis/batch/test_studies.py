"""Which studies a source names, and what is refused."""

import pytest
from dicom_factory import write_series
from pydicom import dcmread

from diagnosis.batch.cache import FileCache, key_of
from diagnosis.batch.studies import find_studies
from diagnosis.errors import CaseError, InputError, ManifestError

CENTER = "center_x_mm,center_y_mm,center_z_mm"


def test_a_tree_of_dicom_by_path_and_by_series(tmp_path):
    write_series(tmp_path / "tree" / "a" / "one")
    write_series(tmp_path / "tree" / "b", uid="1.2.10")
    uid = dcmread(next((tmp_path / "tree" / "b").iterdir())).SeriesInstanceUID
    regions = tmp_path / "regions.csv"
    regions.write_text(f"case_id,path,series_uid,{CENTER},diameter_mm\nx,a/one,,1,2,3,8\ny,,{uid},,,,\n")
    first, second = find_studies(tmp_path / "tree", regions)
    assert (first.ct, first.center_mm, first.diameter_mm) == (tmp_path / "tree" / "a" / "one", (1, 2, 3), 8)
    assert (second.ct, second.series_uid, second.center_mm) == (tmp_path / "tree" / "b", uid, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"path,{CENTER},color\n", "regions: the column 'color' is not known"),
        ("path,center_x_mm\n", "regions: a column is missing; the heading needs path or series_uid"),
        (f"path,{CENTER}\na,1,2,\n", "regions: row 1: the center is not complete"),
        (f"path,{CENTER}\na,1,2,wide\n", "regions: row 1: center_z_mm is not a number"),
        (f"series_uid,{CENTER}\n1.2.3,1,2,3\n", "regions: row 1: its series is not in the tree"),
        (f"path,series_uid,{CENTER}\n,,1,2,3\n", "regions: row 1: neither path nor series_uid is given"),
    ],
)
def test_a_bad_table_of_regions_is_refused(tmp_path, text, message):
    (tmp_path / "regions.csv").write_text(text)
    (tmp_path / "tree").mkdir()
    with pytest.raises(ManifestError, match=message):
        find_studies(tmp_path / "tree", tmp_path / "regions.csv")


def test_other_sources_are_refused(tmp_path):
    with pytest.raises(InputError, match="batch: the source does not exist"):
        find_studies(tmp_path / "nowhere")
    with pytest.raises(InputError, match="batch: the folder holds no case folders"):
        find_studies(tmp_path)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "case.json").write_text('{"case_id": "same"}')
    with pytest.raises(CaseError, match="batch: two studies have the case_id 'same'"):
        find_studies(tmp_path)


def test_a_damaged_case_folder_is_a_study_still(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "case.json").write_text("{")
    (study,) = find_studies(tmp_path)
    assert study.case_id.startswith("case-")
    with pytest.raises(CaseError, match=r"case\.json"):
        study.parts()


def test_the_hash_of_a_study_follows_what_is_said_of_it(tmp_path):
    regions = tmp_path / "regions.csv"
    (tmp_path / "tree").mkdir()
    hashes = set()
    for x in (1, 1, 2):
        regions.write_text(f"path,{CENTER}\na,{x},2,3\n")
        hashes.add(find_studies(tmp_path / "tree", regions)[0].sha256)
    assert len(hashes) == 2


def test_the_cache_gives_back_what_was_put_in_and_nothing_damaged(tmp_path):
    cache = FileCache(tmp_path / "cache")
    key = key_of("kind", b"content")
    assert cache.get(key) is None
    cache.put(key, b"value")
    assert cache.get(key) == b"value"
    (path,) = (p for p in (tmp_path / "cache").rglob("*") if p.is_file())
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert cache.get(key) is None
    assert not path.exists()
    other = FileCache(None)
    other.put(key, b"value")
    assert other.get(key) is None


def test_keys_do_not_run_together():
    assert key_of("ab", "c") != key_of("a", "bc")
