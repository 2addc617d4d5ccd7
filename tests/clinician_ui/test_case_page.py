"""The case page and the import page with the real engine, as far as they work without a browser."""

import io
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest
from dashboard_records import html_of

from clinician_ui.archive import open_archive
from clinician_ui.corrections import region_text
from clinician_ui.folders import list_cases
from clinician_ui.services import edit_case, load_case
from diagnosis.record import RegionOfInterest
from diagnosis.store.edits import Edit, EditedPart
from diagnosis.store.worklist import Shown, WorklistQuery, read_worklist


def button(app, label):
    return next(b for b in app.button if b.label == label)


def field(fields, label):
    return next(f for f in fields if f.label == label)


def entry_of(cases_dir, name):
    return next(entry for entry in list_cases(cases_dir) if entry.folder.name == name)


@pytest.fixture
def open_case(start, cases_dir, ui_bundle):
    def run(name: str):
        app = start(cases_dir, ui_bundle)
        button(app, entry_of(cases_dir, name).case_id).click().run()
        assert not app.exception
        return app

    return run


def test_a_ct_without_a_region_waits_to_be_marked(open_case, cases_dir):
    folder = cases_dir / "case_004"
    (folder / "case.json").write_text('{"case_id": "unmarked"}')
    app = open_case("case_004")
    assert "No region is marked in the CT" in app.info[0].value
    assert [h.value for h in app.header] == ["Note", "Dictation"]
    assert "calibrated probability" not in html_of(app)
    entry = entry_of(cases_dir, "case_004")
    [line] = read_worklist(open_archive(), WorklistQuery(entry.collection, shown=Shown.UNMARKED)).lines
    assert (line.token, line.problem) == (entry.token, None)
    case = load_case(entry)
    center = tuple(float(v) for v in case.volume.position_of([40, 100, 60]))
    edit_case(entry, Edit(EditedPart.REGION, "", region_text(RegionOfInterest(center, 9.0)), is_confirmed=True))
    app.run()
    assert not app.exception
    assert "calibrated probability" in html_of(app)
    assert "no region says where to look" not in html_of(app)
    assert "region 9 mm" in " ".join(c.value for c in app.caption)


def test_an_edited_note_is_assessed_again_and_both_are_kept(open_case, cases_dir):
    from clinician_ui.archive import open_archive
    from diagnosis.store.assessments import assessments_of

    app = open_case("note_only")
    token = entry_of(cases_dir, "note_only").token
    before = assessments_of(open_archive(), token)
    button(app, "Save the note and assess again").click().run()
    assert "Nothing to save: the note is as it was." in [c.value for c in app.caption]
    assert len(assessments_of(open_archive(), token)) == len(before)
    field(app.text_area, "Note").set_value("").run()
    button(app, "Save the note and assess again").click().run()
    assert [w.value for w in app.warning] == [
        "The note is all that there is of this case: write another one, or leave it as it is."
    ]
    field(app.text_area, "Note").set_value("FINDINGS: Smooth calcified nodule of 4 mm.").run()
    button(app, "Save the note and assess again").click().run()
    assert not app.exception
    assert "Smooth calcified nodule" in html_of(app)
    after = assessments_of(open_archive(), token)
    assert len(after) == len(before) + 1
    assert after[0].assessment.main.probability != before[0].assessment.main.probability


def test_what_if_takes_out_sentences_and_parts(open_case, cases_dir):
    (cases_dir / "note_only" / "note.txt").write_text("FINDINGS: Spiculated nodule of 18 mm.\nNo effusion.")
    app = open_case("note_only")
    page = html_of(app)
    assert "as assessed: the probability of malignancy is" in page
    out = field(app.multiselect, "Take out sentences of the note")
    assert list(out.options) == ["FINDINGS: Spiculated nodule of 18 mm.", "No effusion."]
    out.select("FINDINGS: Spiculated nodule of 18 mm.").run()
    assert not app.exception
    assert "instead of" in html_of(app)
    field(app.toggle, "Use the Note").set_value(False).run()
    assert app.error[0].value == "what if: nothing would be left to assess; leave something in"


@pytest.mark.slow
def test_a_dictation_is_uploaded_corrected_and_confirmed(open_case, cases_dir, checkout):
    app = open_case("note_only")
    recording = shorter(checkout / "data_samples" / "case_001" / "voice.wav", seconds=8)
    field(app.toggle, "Record or upload a dictation").set_value(True).run()
    app.file_uploader[0].set_value(("dictation.wav", recording, "audio/wav")).run()
    assert not app.exception
    said = field(app.text_area, "What was said")
    assert "nodule" in said.value
    assert not (cases_dir / "note_only" / "voice.wav").exists()
    said.set_value("Nodule in the left upper lobe.").run()
    button(app, "Confirm as my word and assess").click().run()
    assert not app.exception
    assert (cases_dir / "note_only" / "voice.wav").is_file()
    voice = load_case(entry_of(cases_dir, "note_only")).voice_note
    assert voice.text == "Nodule in the left upper lobe."
    assert f"confirmed by {voice.confirmed_by}" in " ".join(c.value for c in app.caption)
    assert "What was said" not in [t.label for t in app.text_area]


def test_silence_is_no_dictation(open_case, cases_dir):
    app = open_case("note_only")
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.zeros(16_000 * 2, "<i2").tobytes())
    field(app.toggle, "Record or upload a dictation").set_value(True).run()
    app.file_uploader[0].set_value(("silence.wav", stream.getvalue(), "audio/wav")).run()
    assert "No words were heard" in app.warning[0].value
    # A refresh begins a new session: the recording still waits, with the words typed so far, and counts for nothing.
    field(app.text_area, "What was said").set_value("Left nodule.").run()
    again = open_case("note_only")
    assert field(again.toggle, "Record or upload a dictation").value
    assert field(again.text_area, "What was said").value == "Left nodule."
    assert load_case(entry_of(cases_dir, "note_only")).voice_note is None
    field(app.text_area, "What was said").set_value("").run()
    button(app, "Confirm as my word and assess").click().run()
    assert "no words to confirm" in app.error[0].value
    button(app, "Discard the recording").click().run()
    assert not app.exception
    assert not app.warning
    assert not field(open_case("note_only").toggle, "Record or upload a dictation").value


def shorter(path: Path, seconds: int) -> bytes:
    stream = io.BytesIO()
    with wave.open(str(path)) as source, wave.open(stream, "wb") as target:
        target.setparams(source.getparams())
        target.writeframes(source.readframes(seconds * source.getframerate()))
    return stream.getvalue()


def test_a_folder_is_imported_and_opened(cases_dir, checkout, tmp_path_factory):
    source = tmp_path_factory.mktemp("study")
    for file in sorted((checkout / "data_samples" / "case_004" / "ct").iterdir())[:12]:
        shutil.copyfile(file, source / file.name)
    app = import_only(cases_dir)
    field(app.text_input, "Or a folder of DICOM files on this machine").set_value(str(source))
    button(app, "Read the folder").click().run()
    assert not app.exception
    assert "will be assessed" in html_of(app)
    assert "12 files" in app.caption[0].value
    field(app.text_input, "Pseudonym (no name, no number of the hospital)").set_value("bad name")
    button(app, "Take the case in").click().run()
    assert "up to 64 letters" in app.error[0].value
    field(app.text_input, "Pseudonym (no name, no number of the hospital)").set_value("new-1")
    button(app, "Take the case in").click().run()
    assert not app.exception
    assert app.session_state["opened"] == entry_of(cases_dir, "new-1").token
    assert (cases_dir / "new-1" / "ct").is_dir()


def test_a_refused_series_says_why_and_is_discarded(cases_dir, checkout, tmp_path_factory):
    source = tmp_path_factory.mktemp("study")
    files = sorted((checkout / "data_samples" / "case_004" / "ct").iterdir())[:12]
    for file in [*files[:5], *files[6:]]:
        shutil.copyfile(file, source / file.name)
    app = import_only(cases_dir)
    field(app.text_input, "Or a folder of DICOM files on this machine").set_value(str(source))
    button(app, "Read the folder").click().run()
    page = html_of(app)
    assert "refused" in page
    assert "mm apart" in page
    assert "None of the series can be used" in app.error[0].value
    button(app, "Discard").click().run()
    assert "arrival" not in app.session_state
    field(app.text_input, "Or a folder of DICOM files on this machine").set_value("/nowhere")
    button(app, "Read the folder").click().run()
    assert "no such folder on this machine" in app.error[0].value


def import_only(cases_dir):
    from streamlit.testing.v1 import AppTest

    def script(cases_dir, bundle_dir):
        import streamlit as st

        from clinician_ui.state import Workplace
        from clinician_ui.views.importing import render_import_page

        render_import_page(
            Workplace(cases_dir, bundle_dir), lambda token: st.session_state.__setitem__("opened", token)
        )

    return AppTest.from_function(
        script, kwargs={"cases_dir": cases_dir, "bundle_dir": cases_dir}, default_timeout=300
    ).run()


def test_a_region_that_is_only_asked_about_is_answered_below_the_pictures_and_forgotten(open_case, cases_dir):
    app = open_case("case_004")
    entry = entry_of(cases_dir, "case_004")
    x, y, z = load_case(entry).region.center_mm
    app.session_state[f"trial-{entry.token}"] = RegionOfInterest((x + 30, y, z), 9.0)
    app.run()
    assert not app.exception
    assert any(f"What if the region were at x {x + 30:.0f}" in caption.value for caption in app.caption)
    assert html_of(app).count("instead of") == 2  # there, and in the panel below
    assert load_case(entry).region.center_mm == (x, y, z)
    button(app, "Forget it").click().run()
    assert "instead of" not in html_of(app)
    app.session_state[f"trial-{entry.token}"] = RegionOfInterest((x + 3000, y, z), 9.0)
    app.run()
    assert not app.exception
    assert any("outside" in error.value for error in app.error)
