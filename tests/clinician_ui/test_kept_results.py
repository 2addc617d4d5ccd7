"""Transcripts and explanations outlive the server: nobody waits for the same work twice."""

import json
import re
import shutil
import time

import pydicom
import pytest
import streamlit as st
from dashboard_records import html_of

from clinician_ui import explanations, proposals, services, transcripts
from clinician_ui.explanations import explain_case, known_explanation
from clinician_ui.folders import list_cases
from clinician_ui.proposals import known_proposals, propose_regions
from clinician_ui.recipes import PROPOSAL_MODULES, SPEECH_MODULES
from clinician_ui.services import assess_case, edit_case, known_outcome, load_case
from clinician_ui.transcripts import read_case_once, transcript_of
from diagnosis.candidates.finder import CandidateSearch
from diagnosis.errors import ExplanationError
from diagnosis.ingest import transcription
from diagnosis.store.edits import Edit, EditedPart


def restart() -> None:
    """All that a server holds in memory is gone."""
    st.cache_resource.clear()


@pytest.fixture
def never_listens(monkeypatch):
    def listen(*_args, **_kwargs):
        pytest.fail("the recording was listened to again")

    return lambda: monkeypatch.setattr(transcription, "transcribe_audio", listen)


def test_a_recording_is_listened_to_once(checkout, tmp_path, never_listens):
    folder = tmp_path / "words"
    folder.mkdir()
    shutil.copyfile(checkout / "data_samples" / "case_002" / "voice.wav", folder / "voice.wav")
    told = []
    first, _ = read_case_once(folder, lambda words, share: told.append((words, share)))
    assert told[0][0].startswith("Listening to the dictation: 0 of ")
    assert [share for _, share in told] == sorted(share for _, share in told)
    never_listens()
    restart()
    second, _ = read_case_once(folder)
    assert second.voice_note.words == first.voice_note.words
    assert second.voice_note.transcriber == first.voice_note.transcriber
    assert (second.voice_note.audio.samples == first.voice_note.audio.samples).all()
    moved = tmp_path / "upload.wav"
    shutil.copyfile(folder / "voice.wav", moved)
    assert transcript_of(moved).words == first.voice_note.words


def test_another_program_or_another_sound_is_another_transcript(checkout, tmp_path, monkeypatch):
    sound = tmp_path / "voice.wav"
    shutil.copyfile(checkout / "data_samples" / "case_002" / "voice.wav", sound)
    key = transcripts._key(sound)
    monkeypatch.setattr(transcripts, "source_sha256", lambda *_modules: "of another version")
    assert transcripts._key(sound) != key
    monkeypatch.undo()
    assert transcripts._key(sound) == key
    sound.write_bytes(sound.read_bytes()[:-2])
    assert transcripts._key(sound) != key


@pytest.fixture
def assessed(cases_dir, ui_bundle):
    entry = next(entry for entry in list_cases(cases_dir) if entry.folder.name == "note_only")
    outcome = assess_case(entry, ui_bundle)
    assert outcome.assessment is not None
    return entry, outcome.assessment.main.name


def test_an_explanation_is_there_after_a_restart_and_for_a_second_viewer(
    assessed, ui_bundle, start, cases_dir, monkeypatch
):
    entry, finding = assessed
    assert known_explanation(entry, ui_bundle, finding) is None
    made = explain_case(entry, ui_bundle, finding)
    restart()
    begun = time.process_time()
    again = known_explanation(entry, ui_bundle, finding)
    assert time.process_time() - begun < 1
    assert again is not made
    assert again.note.spans == made.note.spans
    assert again.modality_shares == made.modality_shares
    app = start(cases_dir, ui_bundle)
    next(b for b in app.button if b.label == "note-only").click().run()
    assert "Proof of the explanation" in [h.value for h in app.header]
    assert "Explain this assessment" not in [b.label for b in app.button]
    assert "speaks for" in html_of(app)
    restart()
    another_input_finding_or_program_has_none_yet(entry, ui_bundle, finding, monkeypatch)


def another_input_finding_or_program_has_none_yet(entry, ui_bundle, finding, monkeypatch):
    monkeypatch.setattr(explanations, "source_sha256", lambda *_modules: "of another version")
    assert known_explanation(entry, ui_bundle, finding) is None
    monkeypatch.undo()
    assert known_explanation(entry, ui_bundle, finding) is not None
    assert known_explanation(entry, ui_bundle, "another") is None
    text = load_case(entry).note.text
    edit_case(entry, Edit(EditedPart.NOTE, text, "FINDINGS: A smooth nodule of 4 mm.", is_confirmed=True))
    assert known_explanation(entry, ui_bundle, finding) is None
    with pytest.raises(ExplanationError, match="changed since it was assessed"):
        explain_case(entry, ui_bundle, finding)
    assess_case(entry, ui_bundle)
    assert known_explanation(entry, ui_bundle, finding) is None


@pytest.fixture
def edited_meanwhile(monkeypatch):
    """Gives a function after which somebody edits the note as soon as the network is asked."""

    def arrange(module, entry) -> None:
        real = services.engine_of

        def engine_of(bundle_dir):
            monkeypatch.setattr(module, "engine_of", real)
            edit_case(entry, Edit(EditedPart.NOTE, "", "FINDINGS: A smooth nodule of 4 mm.", is_confirmed=True))
            return real(bundle_dir)

        monkeypatch.setattr(module, "engine_of", engine_of)

    return arrange


def test_an_edit_that_comes_during_the_work_is_not_taken_for_part_of_it(cases_dir, ui_bundle, edited_meanwhile):
    entry = next(e for e in list_cases(cases_dir) if e.folder.name == "note_only")
    edited_meanwhile(services, entry)
    before = assess_case(entry, ui_bundle).assessment
    assert known_outcome(entry, ui_bundle) is None
    after = assess_case(entry, ui_bundle).assessment
    assert after.main.logit != before.main.logit
    assert known_outcome(entry, ui_bundle).assessment == after
    edited_meanwhile(explanations, entry)
    explain_case(entry, ui_bundle, after.main.name)
    assess_case(entry, ui_bundle)
    assert known_explanation(entry, ui_bundle, after.main.name) is None


def test_proposals_are_of_the_words_that_were_read(cases_dir, ui_bundle, edited_meanwhile, monkeypatch):
    entry = next(e for e in list_cases(cases_dir) if e.folder.name == "case_004")
    monkeypatch.setattr("diagnosis.candidates.search_candidates", lambda *_: CandidateSearch((), "nothing stands out"))
    edited_meanwhile(proposals, entry)
    assert propose_regions(entry, ui_bundle).reason == "nothing stands out"
    assert known_proposals(entry, ui_bundle) is None
    propose_regions(entry, ui_bundle)
    assert known_proposals(entry, ui_bundle).reason == "nothing stands out"


def test_a_search_for_regions_is_made_once(checkout, tmp_path, ui_bundle, monkeypatch):
    folder = tmp_path / "unmarked"
    shutil.copytree(checkout / "data_samples" / "case_004", folder)
    (folder / "note.txt").write_text("Nodule of 12 mm.")
    stated = json.loads((folder / "case.json").read_text())
    center = stated.pop("region")["center_mm"]
    for file in (folder / "ct").iterdir():  # a few slices are searched sooner
        if abs(pydicom.dcmread(file, stop_before_pixels=True).ImagePositionPatient[2] - center[2]) > 30:
            file.unlink()
    (folder / "case.json").write_text(json.dumps(stated))
    entry = list_cases(tmp_path)[0]
    assert known_proposals(entry, ui_bundle) is None
    found = propose_regions(entry, ui_bundle)
    near = [p for p in found.found if sum((a - b) ** 2 for a, b in zip(p.region.center_mm, center, strict=True)) < 100]
    assert near
    monkeypatch.setattr("diagnosis.candidates.search_candidates", lambda *_: pytest.fail("searched again"))
    restart()
    assert known_proposals(entry, ui_bundle) == found
    assert propose_regions(entry, ui_bundle) == found
    edit_case(entry, Edit(EditedPart.NOTE, "", "Another note.", is_confirmed=True))
    assert known_proposals(entry, ui_bundle) is None


@pytest.mark.parametrize("modules", [SPEECH_MODULES, PROPOSAL_MODULES])
def test_a_kept_result_notices_a_change_of_any_module_that_makes_it(checkout, modules):
    """Whatever these modules import of ours is among them, but for records, words and places, which compute nothing."""
    floor = ("diagnosis.record", "diagnosis.errors", "diagnosis.vocabulary", "diagnosis.settings", "diagnosis.progress")
    missing = set()
    for module in modules:
        path = checkout / module.replace(".", "/")
        for file in path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]:
            text = file.read_text(encoding="utf-8")
            found = re.findall(r"^\s*(?:from|import) (diagnosis\.[\w.]+)", text, re.MULTILINE)
            missing |= {name for name in found if not any(f"{name}.".startswith(f"{m}.") for m in (*modules, *floor))}
    assert missing == set()
