"""Components draw hand-made records: every word of a patient escaped, every figure where it belongs."""

import base64
import io
import wave
from datetime import UTC, datetime

import numpy as np
import pytest
from dashboard_records import html_of, make_assessment, make_explanation, make_finding, make_map, make_volume, run

from clinician_ui.components.finding_table import probability_bar, set_words
from clinician_ui.components.model_figures import calibration_figure, drift_html, input_words, performance_table
from clinician_ui.components.opinions import opinions_list
from clinician_ui.components.review_history import changed_words
from clinician_ui.components.waveform import MOST_BARS, dictation_data
from clinician_ui.model_facts import Comparison, Verdict
from diagnosis.reading import read_text, second_opinions
from diagnosis.record import (
    Audio,
    Case,
    ClinicalNote,
    Faithfulness,
    ModalityUse,
    SpeechSegment,
    SpeechSpan,
    TextAttribution,
    TextSpan,
    VoiceNote,
    Word,
)
from diagnosis.store.edits import Edit, EditedPart, KeptEdit
from diagnosis.vocabulary import Modality, counted

NOTE = ClinicalNote("FINDINGS: <script>alert(1)</script> solid & spiculated.")


@pytest.mark.parametrize(
    ("prediction_set", "sentence"),
    [
        (None, "not available"),
        (("positive",), "positive only"),
        (("negative", "positive"), "both answers possible: too uncertain to call"),
        ((), "neither answer fits: atypical case"),
    ],
)
def test_prediction_sets_in_words(prediction_set, sentence):
    assert set_words(prediction_set) == sentence


def test_the_bar_is_drawn_to_scale_and_says_itself_aloud():
    bar = probability_bar(make_finding(0.5, low=0.25, high=0.75, threshold=0.4))
    assert 'aria-label="probability 50%, ensemble 25% to 75%, threshold 40%"' in bar
    assert 'class="range" style="left:25.0%;width:50.0%"' in bar
    assert 'class="limit" style="left:40.0%"' in bar
    assert 'class="point" style="left:50.0%"' in bar


def test_an_assessment_is_shown_whole():
    def script(assessment):
        from clinician_ui.components.banner import render_banner, render_warnings
        from clinician_ui.components.finding_table import render_descriptors, render_findings
        from clinician_ui.components.modality_bar import render_modalities

        render_banner()
        render_warnings(assessment.warnings)
        render_findings(assessment.findings)
        render_modalities(assessment.modalities, "malignancy")
        render_descriptors(assessment.descriptors)

    page = html_of(run(script, assessment=make_assessment(Case("c-1", note=NOTE))))
    assert "not a medical device" in page
    assert "The note is long &lt;and odd&gt;." in page
    assert "<b>83%</b><span>calibrated probability" in page
    assert "Flagged" in page
    assert "73% to 93%" in page
    assert "31%" in page
    assert "CT: +1.20 logits, 75% of all influence" in page
    assert 'class="against" style="left:33.3%;width:16.7%"' in page
    assert "not used: absent" in page
    assert "Spiculation" in page
    assert "nearly none" in page


def test_a_note_is_tinted_and_escaped():
    def script(note, attribution):
        from clinician_ui.components.note_highlight import render_note

        render_note(note, attribution)

    start = NOTE.text.index("spiculated")
    spans = (TextSpan(start, start + 10, "spiculated", 0.5),)
    sentences = (TextSpan(0, len(NOTE.text), NOTE.text, 0.7),)
    page = html_of(run(script, note=NOTE, attribution=TextAttribution(spans, "made", Faithfulness(), sentences)))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert 'title="+0.500 logits">spiculated</mark>' in page
    assert "+0.70" in page
    plain = html_of(run(script, note=NOTE, attribution=None))
    assert "<mark" not in plain


def make_dictation(seconds=2.0) -> VoiceNote:
    rate = 8000
    sound = np.sin(np.arange(int(seconds * rate)) / 20).astype(np.float32) * np.linspace(0, 1, int(seconds * rate))
    words = (Word("solid", 0.1, 0.5, 0.9), Word("nodule.", 0.6, 1.0, 0.3), Word("\n", 1.0, 1.0, 1.0))
    words += (Word("No", 1.2, 1.4, 0.95), Word("effusion", 1.4, 1.9, 0.8))
    return VoiceNote((SpeechSegment(words),), seconds, "made", audio=Audio(sound.astype(np.float32), rate))


def test_the_player_gets_every_word_at_its_time():
    voice = make_dictation()
    start, end = voice.word_spans[1]
    spans = (SpeechSpan(start, end, 0.6, 1.0, "nodule.", -0.4),)
    data = dictation_data(voice, voice.audio, spans)
    assert "".join(piece["text"] for piece in data["pieces"]) == voice.text
    words = [piece for piece in data["pieces"] if "start_s" in piece]
    assert [(w["text"], w["start_s"]) for w in words[:2]] == [("solid", 0.1), ("nodule.", 0.6)]
    assert [bool(w["color"]) for w in words[:2]] == [False, True]
    assert words[1]["value"] == "-0.400 logits"
    assert [w["is_unsure"] for w in words[:2]] == [False, True]
    assert 0 < len(data["bars"]) <= MOST_BARS
    assert max(data["bars"]) == 1.0
    with wave.open(io.BytesIO(base64.b64decode(data["wav"]))) as file:
        assert (file.getframerate(), file.getnframes(), file.getsampwidth()) == (8000, 16000, 2)


def test_a_silent_recording_has_flat_bars_and_no_words():
    audio = Audio(np.zeros(100, np.float32), 8000)
    data = dictation_data(VoiceNote((), 0.0125, "made", audio=audio), audio, ())
    assert data["pieces"] == []
    assert max(data["bars"]) == 0.0


@pytest.mark.parametrize("has_sound", [True, False])
def test_a_dictation_says_where_its_words_come_from(has_sound):
    def script(voice):
        from clinician_ui.components.waveform import render_dictation

        render_dictation(voice, None, "key")

    made = make_dictation()
    voice = made if has_sound else VoiceNote(made.segments, made.duration_s, made.transcriber)
    app = run(script, voice=voice)
    assert "transcribed by made, not confirmed by a clinician; 1 of 5 words" in app.caption[0].value
    assert ("No effusion" in html_of(app)) is not has_sound


def test_a_long_recording_goes_to_the_browsers_own_player():
    def script(voice):
        from clinician_ui.components.waveform import render_dictation

        render_dictation(voice, None, "key")

    audio = Audio(np.zeros(8, np.float32), 8000)
    app = run(script, voice=VoiceNote(make_dictation().segments, 400.0, "made", audio=audio))
    assert app.get("audio")


def test_second_opinions_show_what_they_rest_on_what_they_ask_for_and_their_source():
    text = "60-year-old man, smoker. Solid 9 mm nodule in the right upper lobe."
    shown = opinions_list(second_opinions(read_text(text)))
    assert "Fleischner 2017" in shown
    assert "consider CT at 3 months, PET/CT, or tissue sampling" in shown
    assert "mean diameter 9 mm (note)" in shown
    assert "doi:10.1148/radiol.2017161659" in shown
    assert "screening exam" in shown
    refused = opinions_list(second_opinions(read_text("30-year-old man. Solid 9 mm nodule.")))
    assert "does not apply: age 30; the guideline is for adults of 35 years or more" in refused


def test_proof_figures_stand_beside_their_controls():
    def script(explanation):
        from clinician_ui.components.proof_table import render_proof

        render_proof(explanation)

    case = Case("c-1", volume=make_volume())
    page = html_of(run(script, explanation=make_explanation(case, volume=make_map(case.volume, (0, 0, 0)))))
    assert "integrated gradients" in page
    assert "1.0%" in page
    assert "0.60 <small>(random 0.20)</small>" in page
    assert html_of(run(script, explanation=make_explanation(case))) == ""


def test_an_edit_is_shown_by_what_changed():
    before = "The heart is normal. There is a nodule of 12 mm in the left lower lobe."
    after = "The heart is normal. There is no nodule of 21 mm in the left lower lobe. <b>"
    words = changed_words(before, after)
    assert words == (
        "… is normal. There is <del>a</del> <ins>no</ins> nodule of <del>12</del> <ins>21</ins> mm in the left lower "
        "lobe. <ins>&lt;b&gt;</ins>"
    )
    assert changed_words("", "A new note.") == "<ins>A new note.</ins>"


def test_regions_and_confirmations_are_edits_in_words():
    def script(edits):
        from clinician_ui.components.review_history import render_edits

        render_edits(edits)

    now = datetime(2026, 1, 2, tzinfo=UTC)
    region = '{"center_mm":[1.04,-2,3],"diameter_mm":9.0}'
    edits = [
        KeptEdit(3, Edit(EditedPart.REGION, region, '{"center_mm":[5,6,7],"diameter_mm":null}'), now, "who"),
        KeptEdit(2, Edit(EditedPart.REGION, "", region), now, "who"),
        KeptEdit(1, Edit(EditedPart.TRANSCRIPT, "as said", "as said", is_confirmed=True), now, "who"),
    ]
    page = html_of(run(script, edits=edits))
    assert "<del>x 1.0, y -2.0, z 3.0 mm, diameter 9.0 mm</del> <ins>x 5.0, y 6.0, z 7.0 mm</ins>" in page
    assert "confirmed as it was" in page


def test_a_part_that_is_there_and_not_used_is_not_called_absent():
    def script(uses):
        from clinician_ui.components.modality_bar import render_modalities
        from diagnosis.vocabulary import Modality

        render_modalities(uses, "malignancy", {Modality.CT: "no region is marked"})

    page = html_of(run(script, uses=(ModalityUse(Modality.CT, False), ModalityUse(Modality.VOICE, False))))
    assert "not used: no region is marked" in page
    assert page.count("not used: absent") == 1


def test_a_map_that_explains_a_part_alone_says_so():
    def script(note, explanation):
        from clinician_ui.components.note_highlight import render_note
        from clinician_ui.components.proof_table import render_proof

        render_note(note, explanation.note)
        render_proof(explanation)

    alone = TextAttribution((TextSpan(0, 8, "FINDINGS", 0.5),), "made", explains="the note alone")
    app = run(script, note=NOTE, explanation=make_explanation(Case("c", note=NOTE), note=alone))
    assert "The tints explain the note alone" in app.caption[0].value
    assert "<b>Note (the note alone)</b>" in html_of(app)


def test_subsets_of_evidence_have_names_that_a_reader_knows():
    assert input_words("ct+note+voice") == "CT + note + dictation"
    assert input_words("ct-encoder") == "CT encoder alone"
    assert "CT + dictation" in performance_table({"ct+voice": {"n": 5}})


def test_one_case_is_no_cases():
    for n, words in ((0, "0 cases"), (1, "1 case"), (1200, "1,200 cases")):
        assert counted(n, "case") == words
        assert f"<small>{words}</small>" in drift_html("Age", "", [Comparison(n, None, None, None, Verdict.TOO_FEW)])
    assert counted(1, "series", "series") == "1 series"


def test_the_calibration_plot_is_told_in_words_too():
    figures = {"ece": {"value": 0.02, "low": 0.01, "high": 0.04}, "n": 50, "calibration": {"slope": 1, "intercept": 0}}
    assert 'alt="Calibration. ECE 0.020 (0.010 to 0.040)' in calibration_figure(figures)
