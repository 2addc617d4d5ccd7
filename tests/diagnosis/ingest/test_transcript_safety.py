"""Words that change the meaning are marked where they are doubtful; sound without words is pointed at."""

import numpy as np
import pytest

from diagnosis.ingest.transcript_safety import transcript_warnings, unheard_speech_s, words_to_check
from diagnosis.record import Audio, SpeechSegment, VoiceNote, Word


def make_voice_note(words: list[tuple[str, float]], audio: Audio | None = None) -> VoiceNote:
    timed = tuple(Word(text, i * 0.5, i * 0.5 + 0.4, p) for i, (text, p) in enumerate(words))
    return VoiceNote((SpeechSegment(timed),) if timed else (), len(words) * 0.5 + 1, "made", audio=audio)


def make_audio(amplitude: float) -> Audio:
    rng = np.random.default_rng(0)
    return Audio((amplitude * rng.uniform(-1, 1, 32_000)).clip(-1, 1).astype(np.float32), 16_000)


@pytest.mark.parametrize(
    "text", ["no", "No,", "not", "without", "isn't", "left", "Right.", "12", "1.5", "twelve", "T2", "spiculated"]
)
def test_words_that_change_the_meaning_are_marked_when_doubtful(text):
    assert words_to_check(make_voice_note([(text, 0.6)])) == (0,)
    assert words_to_check(make_voice_note([(text, 0.9)])) == ()


@pytest.mark.parametrize("text", ["nodule", "Pneumothorax.", "effusion", "ground-glass", "non-nodular", "hyperdense"])
def test_findings_are_marked_at_a_lower_probability(text):
    assert words_to_check(make_voice_note([(text, 0.3)])) == (0,)
    assert words_to_check(make_voice_note([(text, 0.6)])) == ()


def test_units_are_marked_only_when_hardly_heard():
    """The recognizer divides its belief between "mm" and "millimeters"; a low probability is the rule."""
    assert words_to_check(make_voice_note([("mm", 0.14), ("cm", 0.05)])) == (1,)


def test_other_words_are_not_marked():
    assert words_to_check(make_voice_note([("the", 0.1), ("is", 0.2), (",", 0.01), ("\n\n", 0.1)])) == ()


@pytest.mark.parametrize("before", ["and", "in", "And"])
@pytest.mark.parametrize("turned", ["calcified", "spiculated,", "lobulated."])
def test_what_sounds_like_its_opposite_is_marked_however_sure_the_recognizer_was(before, turned):
    assert words_to_check(make_voice_note([("solid", 0.99), (before, 0.99), (turned, 0.99)])) == (2,)
    assert words_to_check(make_voice_note([("partly", 0.99), (turned, 0.99)])) == ()
    assert words_to_check(make_voice_note([("solid,", 0.99), (before, 0.99), ("smooth", 0.99)])) == ()


def test_silence_is_said_to_be_silence():
    (warning,) = transcript_warnings(make_voice_note([]))
    assert warning.startswith("no speech was found in 1.0 s; the transcript is empty")


def test_doubtful_words_are_counted():
    assert transcript_warnings(make_voice_note([("nodule", 0.9)])) == ()
    assert transcript_warnings(make_voice_note([("no", 0.68)])) == (
        "1 word that may change the meaning was not heard well; check against the recording",
    )
    assert "2 words that may change the meaning were" in transcript_warnings(make_voice_note([("no", 0.68)] * 2))[0]


def test_a_recording_that_is_hard_to_understand_is_named():
    assert "hard to understand; check every word" in transcript_warnings(make_voice_note([("the", 0.5)] * 3))[0]


def test_a_clipped_recording_is_pointed_at():
    assert "clipped (49.8% of it at full scale)" in transcript_warnings(make_voice_note([], make_audio(2.0)))[1]


def test_a_quiet_recording_is_pointed_at():
    assert "very quiet" in transcript_warnings(make_voice_note([], make_audio(0.001)))[1]
    assert len(transcript_warnings(make_voice_note([], make_audio(0.5)))) == 1


def test_without_sound_nothing_can_be_unheard():
    assert unheard_speech_s(make_voice_note([("no", 0.9)])) == ()
