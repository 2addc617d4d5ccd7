"""What the dashboard knows of a folder of cases without reading images, and what it keeps."""

import re
import threading

import pytest

from clinician_ui import services
from clinician_ui.services import assess_case, is_engine_coming, list_cases
from clinician_ui.shelf import Shelf
from diagnosis.errors import BundleError, InputError
from diagnosis.vocabulary import Modality


def test_every_folder_is_listed_with_what_is_there(cases_dir):
    entries = {entry.folder.name: entry for entry in list_cases(cases_dir)}
    assert list(entries) == ["case_004", "impossible", "note_only", "nothing"]
    assert entries["case_004"].parts == {Modality.CT}
    assert entries["case_004"].has_region
    assert (entries["note_only"].case_id, entries["note_only"].age_years) == ("note-only", 61)
    assert entries["note_only"].parts == {Modality.NOTE}
    assert entries["case_004"].problem is None
    assert entries["note_only"].problem is None


def test_a_case_that_cannot_be_used_says_why_and_keeps_its_folder_name_to_itself(cases_dir):
    entries = {entry.folder.name: entry for entry in list_cases(cases_dir)}
    assert entries["impossible"].problem == "case.json: age_years must be at most 125; correct it"
    assert "no CT, no note and no dictation" in entries["nothing"].problem
    assert re.fullmatch(r"case-[0-9a-f]{8}", entries["impossible"].case_id)
    (cases_dir / "note_only" / "note.json").write_text("{}")
    again = {entry.folder.name: entry for entry in list_cases(cases_dir)}
    assert "note.txt and note.json are both there" in again["note_only"].problem


def test_tokens_are_opaque_stable_and_different(cases_dir):
    first, second = list_cases(cases_dir), list_cases(cases_dir)
    assert [e.token for e in first] == [e.token for e in second]
    assert len({e.token for e in first}) == len(first)
    assert all(re.fullmatch(r"[0-9a-f]{16}", e.token) for e in first)


def test_a_changed_file_changes_the_fingerprint(cases_dir):
    before = list_cases(cases_dir / "note_only")[0]
    (cases_dir / "note_only" / "note.txt").write_text("Another finding altogether.")
    after = list_cases(cases_dir / "note_only")[0]
    assert before.token == after.token
    assert before.fingerprint != after.fingerprint


def test_a_dangling_link_is_not_the_end_of_the_worklist(cases_dir):
    (cases_dir / "note_only" / "voice.wav").symlink_to(cases_dir / "gone.wav")
    assert len(list_cases(cases_dir)) == 4


def test_one_case_folder_is_a_worklist_of_one(cases_dir):
    assert [entry.case_id for entry in list_cases(cases_dir / "case_004")] == ["case_004"]


def test_a_missing_folder_is_named_as_the_trouble(tmp_path):
    with pytest.raises(InputError, match="the folder does not exist; start the dashboard with `diagnosis ui FOLDER`"):
        list_cases(tmp_path / "absent")


def test_a_shelf_keeps_what_was_last_used():
    shelf = Shelf(2)
    for name in "ab":
        shelf.put((name,), name)
    assert shelf.get(("a",)) == "a"
    shelf.put(("c",), "c")
    assert [shelf.get((name,)) for name in "abc"] == ["a", None, "c"]


@pytest.fixture
def served(monkeypatch):
    """As under a running server, which has loaded no model yet."""
    monkeypatch.setattr(services.st.runtime, "exists", lambda: True)
    for name in ("_LOADED", "_WARMED", "_WARMING"):
        monkeypatch.setattr(services, name, set())
    monkeypatch.setattr(services, "LOOK_EVERY_S", 0.01)


def test_a_case_is_read_while_the_model_is_loaded_and_the_page_is_told(cases_dir, ui_bundle, served, monkeypatch):
    entry = next(e for e in list_cases(cases_dir) if e.folder.name == "note_only")
    is_read, is_told, told = threading.Event(), threading.Event(), []
    load, read = services.engine_of, services.read_case_once

    def slow_load(bundle_dir):
        assert is_read.wait(300), "the case was not read while the model was being loaded"
        assert is_told.wait(300), "nobody was told that the model is being loaded"
        return load(bundle_dir)

    def quick_read(*given):
        case = read(*given)
        is_read.set()
        return case

    def tell(words, share):
        told.append((words, share))
        if len(told) > 3:
            is_told.set()

    monkeypatch.setattr(services, "engine_of", slow_load)
    monkeypatch.setattr(services, "read_case_once", quick_read)
    assert assess_case(entry, ui_bundle, tell).assessment is not None
    assert told[0][0] == "Loading the model, once after each start of the server: 0 s so far"
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] < 1
    assert not is_engine_coming(ui_bundle)


def test_a_model_that_cannot_be_loaded_is_said_and_nobody_waits_for_ever(cases_dir, tmp_path, served):
    entry = next(e for e in list_cases(cases_dir) if e.folder.name == "note_only")
    with pytest.raises(BundleError):
        assess_case(entry, tmp_path / "no bundle")
    assert not is_engine_coming(tmp_path / "no bundle")
