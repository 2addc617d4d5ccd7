"""Only confirmed words count, and both they and the recognizer's are kept."""

import errno
import shutil
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clinician_ui.archive import open_archive
from clinician_ui.dictations import (
    Heard,
    confirm_recording,
    confirm_transcript,
    heard_in,
    keep_waiting,
    mark_of_waiting,
    transcribe_recording,
    write_wav,
)
from clinician_ui.folders import list_cases
from clinician_ui.services import load_case
from clinician_ui.views import words
from diagnosis.errors import AudioError, InputError, MissingDependencyError, StoreError
from diagnosis.ingest.audio import read_audio
from diagnosis.record import Audio, SpeechSegment, VoiceNote, Word
from diagnosis.store.edits import EditedPart, edits_of

WORDS = ("Left", "nodule", "of", "12", "mm.")


def voice(probability=0.5) -> VoiceNote:
    words = tuple(Word(text, i * 0.5, i * 0.5 + 0.4, probability) for i, text in enumerate(WORDS))
    samples = (0.3 * np.sin(np.arange(16_000 * 3) / 9)).astype(np.float32)
    return VoiceNote((SpeechSegment(words),), 3.0, "test", audio=Audio(samples, 16_000))


@pytest.fixture
def cases(tmp_path) -> Path:
    folder = tmp_path / "cases"
    (folder / "one").mkdir(parents=True)
    (folder / "one" / "case.json").write_text('{"case_id": "one"}')
    (folder / "one" / "note.txt").write_text("FINDINGS: a nodule.")
    return folder


def test_words_that_change_the_meaning_are_to_be_checked():
    heard = heard_in(voice())
    assert [WORDS[i] for i in sorted(heard.to_check)] == ["Left", "12"]
    assert any("not heard well" in warning for warning in heard.warnings)
    assert heard_in(voice(0.99)).to_check == frozenset()


def test_a_confirmed_recording_becomes_the_dictation(cases):
    entry = list_cases(cases)[0]
    assert load_case(entry).voice_note is None
    heard = Heard(voice(), frozenset(), ())
    confirm_recording(cases, entry, heard, "Left nodule of 13 mm.")
    entry = list_cases(cases)[0]
    # The case is not read again: that would transcribe the recording once more.
    kept = load_case(entry).voice_note
    assert kept.text == "Left nodule of 13 mm."
    assert kept.confirmed_by
    assert kept.transcriber == "test"
    times = {word.text: word.start_s for word in kept.words}
    assert times["nodule"] == 0.5
    assert 1.4 <= times["13"] <= 2.0
    edit = edits_of(open_archive(), entry.token, EditedPart.TRANSCRIPT)[0].edit
    assert (edit.original, edit.edited, edit.is_confirmed) == (
        heard.voice.text,
        "Left nodule of 13 mm.",
        True,
    )
    sound = read_audio(cases / "one" / "voice.wav")
    assert np.abs(sound.samples - heard.voice.audio.samples).max() < 1e-3


def test_an_earlier_recording_stays(cases):
    entry = list_cases(cases)[0]
    (cases / "one" / "voice.mp3").write_bytes(b"an earlier one")
    confirm_recording(cases, entry, Heard(voice(), frozenset(), ()), "Words.")
    confirm_recording(cases, list_cases(cases)[0], Heard(voice(), frozenset(), ()), "Others.")
    names = {path.name for path in (cases / "one").iterdir()}
    assert {"voice.wav", "earlier_voice_1.mp3", "earlier_voice_2.wav"} <= names
    assert (cases / "one" / "earlier_voice_1.mp3").read_bytes() == b"an earlier one"
    assert "voice.part" not in names


def test_an_earlier_recording_is_not_written_over_where_one_was_removed(cases):
    for n in (1, 3):
        (cases / "one" / f"earlier_voice_{n}.wav").write_bytes(f"number {n}".encode())
    (cases / "one" / "voice.wav").write_bytes(b"the last one")
    confirm_recording(cases, list_cases(cases)[0], Heard(voice(), frozenset(), ()), "Words.")
    kept = {n: (cases / "one" / f"earlier_voice_{n}.wav").read_bytes() for n in (1, 2, 3)}
    assert kept == {1: b"number 1", 2: b"the last one", 3: b"number 3"}


def test_a_full_disk_leaves_the_recording_that_was_there(cases, monkeypatch):
    entry = list_cases(cases)[0]
    (cases / "one" / "voice.wav").write_bytes(b"an earlier one")

    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(wave.Wave_write, "writeframes", full)
    with pytest.raises(InputError, match="folder cannot be written"):
        confirm_recording(cases, entry, Heard(voice(), frozenset(), ()), "Words.")
    assert (cases / "one" / "voice.wav").read_bytes() == b"an earlier one"
    assert {path.name for path in (cases / "one").iterdir()} == {"case.json", "note.txt", "voice.wav"}


def test_a_transcript_is_confirmed_as_it_is(cases):
    entry = list_cases(cases)[0]
    confirm_transcript(entry, voice(), voice().text)
    edit = edits_of(open_archive(), entry.token)[0].edit
    assert edit.original == edit.edited
    assert edit.is_confirmed


def test_there_must_be_words(cases):
    entry = list_cases(cases)[0]
    for confirm in (
        lambda: confirm_transcript(entry, voice(), "  \n"),
        lambda: confirm_recording(cases, entry, Heard(voice(), frozenset(), ()), ""),
    ):
        with pytest.raises(AudioError, match="no words to confirm"):
            confirm()
    assert not (cases / "one" / "voice.wav").exists()


def test_a_folder_that_is_gone_is_a_sentence(cases):
    entry = list_cases(cases)[0]
    shutil.rmtree(cases / "one")
    with pytest.raises(InputError, match="folder cannot be written"):
        confirm_recording(cases, entry, Heard(voice(), frozenset(), ()), "Words.")


@pytest.mark.parametrize(
    ("error", "waits"),
    [(AudioError("no sound"), False), (MissingDependencyError("no model"), True), (StoreError("full"), True)],
)
def test_only_a_recording_in_which_nothing_can_be_heard_is_let_go(cases, monkeypatch, error, waits):
    """What is wrong with the machine can be mended; the words of a clinician cannot be had again."""

    def fail(*_arguments):
        raise error

    monkeypatch.setattr(words, "transcribe_recording", fail)
    entry = list_cases(cases)[0]
    mark = keep_waiting(entry, b"spoken", ".wav")
    with pytest.raises(type(error)):
        words._waiting(entry, "recording", mark)
    assert mark_of_waiting(entry) == (mark if waits else None)


@pytest.mark.slow
def test_a_recording_from_the_browser_is_transcribed(checkout, tmp_path):
    path = tmp_path / "cut.wav"
    audio = read_audio(checkout / "data_samples" / "case_001" / "voice.wav")
    write_wav(path, replace(audio, samples=audio.samples[: 16_000 * 8]))
    heard = transcribe_recording(path.read_bytes())
    assert "nodule" in heard.voice.text
    assert heard.voice.confirmed_by is None
    with pytest.raises(AudioError):
        transcribe_recording(b"no sound at all")
