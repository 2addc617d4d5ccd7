"""Dictated marks become marks, ordinary speech stays speech, and every word keeps its second."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.ingest.spoken_punctuation import apply_spoken_punctuation
from diagnosis.record import SpeechSegment, VoiceNote, Word


def make_voice_note(text: str, *, per_segment: int = 100) -> VoiceNote:
    """One word every half second; the recognizer's punctuation is written as it is."""
    words = [Word(word, i * 0.5, i * 0.5 + 0.4, 0.9) for i, word in enumerate(text.split())]
    segments = [SpeechSegment(tuple(words[i : i + per_segment])) for i in range(0, len(words), per_segment)]
    return VoiceNote(tuple(apply_spoken_punctuation(segments)), len(words) * 0.5 + 1, "made")


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        ("No effusion comma no mass full stop", "No effusion, no mass."),
        ("No effusion, comma, no mass. Full stop.", "No effusion, no mass."),
        ("No effusion. Comma. No mass. Period.", "No effusion, no mass."),
        ("No effusion period new paragraph impression colon normal", "No effusion.\n\nImpression: normal"),
        ("Clear. New line. heart normal", "Clear.\nHeart normal"),
        ("nodule open bracket series 4 close bracket semicolon stable", "nodule (series 4); stable"),
        ("nodule, open parenthesis, image 3, close parenthesis, full stop", "nodule (image 3)."),
        ("part hyphen solid nodule", "part-solid nodule"),
        ("part-hyphen-solid nodule", "part-solid nodule"),
        ("L4 dash L5 disc dash stable", "L4-L5 disc – stable"),
        ("5 slash 6 nodules", "5/6 nodules"),
        ("pneumonia question mark", "pneumonia?"),
        ("question mark pneumonia", "? Pneumonia"),
        ("Lungs colon clear", "Lungs: clear"),
        ("Normal fuel stop, next false top,", "Normal. Next."),
        ("normal full stop period", "normal."),
        ("comma nodule", "nodule"),
    ],
)
def test_commands(heard, written):
    assert make_voice_note(heard).text == written


@pytest.mark.parametrize(
    "speech",
    [
        "He had a period of three months without treatment",
        "in the postoperative period he was well",
        "a three month period of observation",
        "during the follow-up period",
        "over a period between two scans",
        "History of colon cancer",
        "sigmoid colon and descending colon are normal",
        "the colon is normal",
        "Carcinoma of the colon",
        "There is a new line in the left subclavian vein",
        "new line placement in the right atrium",
        "next line therapy with pembrolizumab",
        "a comma-shaped nodule",
        "it came to a full stop",
    ],
)
def test_ordinary_speech(speech):
    assert make_voice_note(speech).text == speech


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        ("No acute findings at this time period", "No acute findings at this time."),
        ("Follow-up in three months period Thank you", "Follow-up in three months. Thank you"),
        ("No effusion period Of note comma hernia", "No effusion. Of note, hernia"),
        ("recommend follow-up period", "recommend follow-up."),
        ("History colon smoker", "History: smoker"),
    ],
)
def test_what_looks_like_speech_but_is_a_command(heard, written):
    assert make_voice_note(heard).text == written


def test_a_mark_keeps_the_seconds_of_the_words_that_dictated_it():
    note = make_voice_note("mass full stop no")
    assert [(w.text, w.start_s, w.end_s) for w in note.words] == [
        ("mass", 0.0, 0.4),
        (".", 0.5, 1.4),
        ("No", 1.5, 1.9),
    ]


def test_a_command_may_lie_across_two_segments():
    note = make_voice_note("mass full stop no effusion", per_segment=2)
    assert note.text == "mass. No effusion"
    assert [len(segment.words) for segment in note.segments] == [2, 1, 1]


VOCABULARY = (
    "no mass, effusion. comma period full stop new line paragraph colon open close bracket hyphen dash slash the a of "
    "findings lungs question mark semicolon part-hyphen-solid 4 - -"
)


@settings(deadline=None)  # machines may be busy
@given(st.lists(st.sampled_from(VOCABULARY.split())), st.integers(1, 5))
def test_words_stay_in_order_of_time_and_are_found_in_the_text(words, per_segment):
    note = make_voice_note(" ".join(words), per_segment=per_segment)
    assert [note.text[start:end] for start, end in note.word_spans] == [word.text for word in note.words]
    assert all(segment.words for segment in note.segments)


@settings(deadline=None)  # machines may be busy
@given(st.lists(st.sampled_from(["mass", "effusion", "is", "seen", "no", "left", "12", "mm"])))
def test_speech_without_commands_is_untouched(words):
    assert make_voice_note(" ".join(words)).text == " ".join(words)


@pytest.mark.parametrize(
    ("heard", "written"),
    [("lingula commasix millimeters", "lingula, six millimeters"), ("in a command line", "in a command line")],
)
def test_a_comma_that_ran_into_the_next_word(heard, written):
    assert make_voice_note(heard).text == written
