import numpy as np
import pytest

from diagnosis.ingest.notes import note_from_text
from diagnosis.reading import (
    Topic,
    contradiction_warnings,
    find_contradictions,
    read_dictation,
    read_note,
    second_opinions,
)
from diagnosis.record import Case, RegionOfInterest, SpeechSegment, VoiceNote, Volume, Word
from diagnosis.vocabulary import Sex


def note(text):
    return read_note(note_from_text(text))


def voice(text):
    words = tuple(Word(word, float(i), i + 0.9, 0.9) for i, word in enumerate(text.split()))
    return read_dictation(VoiceNote((SpeechSegment(words),), 60.0, "test"))


def case_with(x_mm: float, diameter_mm: float | None = None, width_mm: float = 320.0) -> Case:
    affine = np.diag([10.0, 10.0, 10.0, 1.0])[:, [2, 1, 0, 3]]
    volume = Volume(np.zeros((4, 4, int(width_mm / 10) + 1), np.float32), affine)
    region = RegionOfInterest((width_mm / 2 + x_mm, 10.0, 10.0), diameter_mm)
    return Case("c", volume=volume, region=region, age_years=60, sex=Sex.MALE)


def test_left_and_right_are_shown_with_both_places():
    text = "FINDINGS: Nodule in the right upper lobe."
    found = find_contradictions(None, note(text), voice("Nodule in the left upper lobe."))
    assert [c.topic for c in found] == [Topic.SIDE]
    assert text[slice(*found[0].first.span)] == "right"
    assert found[0].second.seconds == (3.0, 3.9)
    assert found[0].sentence == (
        "The nodule's side: the note (findings) says right, the dictation says left; check which is right."
    )


@pytest.mark.parametrize(("spoken", "n"), [("8 mm nodule.", 1), ("16 mm nodule.", 0), ("20 mm nodule.", 0)])
def test_sizes_that_differ_beyond_readers_are_shown(spoken, n):
    found = find_contradictions(None, note("18 mm nodule."), voice(spoken))
    assert [c.topic for c in found] == [Topic.SIZE] * n


def test_the_ct_s_region_speaks_of_size_and_hints_at_the_side():
    words = note("8 mm nodule in the right lower lobe.")
    assert {c.topic for c in find_contradictions(case_with(60.0, 18.0), words, ())} == {Topic.SIZE, Topic.SIDE}
    assert find_contradictions(case_with(-60.0, 8.0), words, ()) == ()
    # Near the middle, and in a CT too narrow to hold both lungs, the side is not told.
    assert find_contradictions(case_with(10.0), words, ()) == ()
    assert find_contradictions(case_with(20.0, width_mm=80.0), words, ()) == ()


def test_findings_against_impression():
    found = find_contradictions(None, note("FINDINGS: Nodule in the left lung.\nIMPRESSION: Right lung nodule."), ())
    assert [c.topic for c in found] == [Topic.SIDE]


@pytest.mark.parametrize(
    ("written", "spoken", "sentence"),
    [
        (
            "Spiculated nodule.",
            "Nodule without spiculation.",
            "Spiculation: the note says there is some, the dictation",
        ),
        ("No calcification.", "The nodule is calcified.", "Calcification: the note says there is none, the dictation"),
        ("Non-lobulated nodule.", "A lobulated nodule.", "Lobulation: the note says there is none"),
        (
            "Solid nodule.",
            "Ground-glass nodule.",
            "The nodule's density: the note says solid, the dictation says ground",
        ),
        ("Solid nodule.", "Solid nodule.", None),
        ("Possibly spiculated nodule.", "Nodule without spiculation.", None),
        ("If spiculated, biopsy.", "Nodule without spiculation.", None),
    ],
)
def test_features_of_the_nodule(written, spoken, sentence):
    found = find_contradictions(None, note(written), voice(spoken))
    assert len(found) == (sentence is not None)
    assert all(c.sentence.startswith(sentence) for c in found)


def test_warnings_of_a_case_are_its_contradictions():
    words = tuple(Word(word, float(i), i + 0.9, 0.9) for i, word in enumerate(["Left", "lung", "nodule."]))
    spoken = VoiceNote((SpeechSegment(words),), 60.0, "test")
    case = Case("c", note=note_from_text("Nodule in the right lung."), voice_note=spoken)
    assert contradiction_warnings(case) == (
        "The nodule's side: the note says right, the dictation says left; check which is right.",
    )
    assert contradiction_warnings(Case("c", volume=Volume(np.zeros((2, 2, 2), np.float32), np.eye(4)))) == ()


def test_presence_age_sex_and_smoking():
    written = note("HISTORY: 60-year-old woman, never smoker.\nFINDINGS: No nodule.")
    spoken = voice("70-year-old woman, smoker. Nodule is seen.")
    topics = [c.topic for c in find_contradictions(case_with(0.0), written, spoken)]
    assert set(topics) == {Topic.PRESENCE, Topic.AGE, Topic.SEX, Topic.SMOKING}


def test_a_contradicted_size_is_never_averaged_but_asked_for():
    facts = (*note("60-year-old man. 8 mm solid nodule, right upper lobe."), *voice("18 mm solid nodule."))
    opinion = second_opinions(facts)[2]
    assert opinion.low is None
    assert "longest diameter (the sources contradict each other)" in opinion.missing
