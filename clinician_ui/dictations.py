"""Dictation: from a recording to words that a clinician has confirmed.

A recording is transcribed and shown; the clinician corrects and confirms it. Until then it waits in the store for its
speaker alone, over a refresh or a restart, and counts for nothing. Only once it is confirmed does it become the case's
dictation: the sound as `voice.wav` in the case's folder, the recognizer's words and the clinician's side by side in the
store. A recording that it takes the place of stays in the folder under another name.
"""

import itertools
import tempfile
import wave
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np

from clinician_ui.access import current_visitor, require
from clinician_ui.archive import open_archive
from clinician_ui.permissions import Permission
from clinician_ui.services import CaseEntry, adopt_case, edit_case, editor_of, find_case
from clinician_ui.transcripts import Progress, keep_transcript, transcript_of
from diagnosis.errors import AudioError, InputError
from diagnosis.ingest.case_folder import VOICE_NAMES
from diagnosis.ingest.transcript_safety import transcript_warnings, words_to_check
from diagnosis.record import Audio, VoiceNote
from diagnosis.store.edits import Edit, EditedPart
from diagnosis.store.recordings import (
    WaitingRecording,
    correct_recording,
    drop_recording,
    keep_recording,
    waiting_mark,
    waiting_recording,
)

VOICE_FILE = "voice.wav"
EARLIER = "earlier_voice"


@final
@dataclass(frozen=True, eq=False)
class Heard:
    """A transcript as the recognizer gave it, with what a clinician should look at.

    Attributes:
        voice: words, times, sound.
        to_check: indices of words that change the meaning and may have been misheard.
        warnings: on the transcript and the recording.
    """

    voice: VoiceNote
    to_check: frozenset[int]
    warnings: tuple[str, ...]


def heard_in(voice: VoiceNote) -> Heard:
    """What a clinician should look at in a transcript."""
    return Heard(voice, frozenset(words_to_check(voice)), transcript_warnings(voice))


def transcribe_recording(sound: bytes, suffix: str = ".wav", on_progress: Progress | None = None) -> Heard:
    """Words of a recording that came from the browser.

    Args:
        sound: the file.
        suffix: its kind, for the reader of audio files.
        on_progress: told how far it has been heard.

    Raises:
        AudioError, LimitExceededError: it cannot be read, or is too long.
        MissingDependencyError, BundleError: the speech model cannot be used.
        AccessError: the visitor may not edit.
    """
    require(Permission.EDIT)
    with tempfile.TemporaryDirectory(prefix="diagnosis-") as folder:
        path = Path(folder) / f"recording{suffix}"
        path.write_bytes(sound)
        return heard_in(transcript_of(path, on_progress))


def keep_waiting(entry: CaseEntry, sound: bytes, suffix: str) -> str:
    """Keep a new recording until its speaker confirms or discards it; gives its mark.

    Raises:
        AccessError, StoreError: the visitor may not edit, or it cannot be kept.
    """
    return keep_recording(open_archive(), editor_of(entry), entry.token, sound, suffix)


def mark_of_waiting(entry: CaseEntry) -> str | None:
    """Mark of the visitor's recording that waits, or None."""
    return waiting_mark(open_archive(), current_visitor().actor, entry.token)


def find_waiting(entry: CaseEntry) -> WaitingRecording | None:
    """The visitor's recording that waits, with its sound; or None."""
    return waiting_recording(open_archive(), current_visitor().actor, entry.token)


def correct_waiting(entry: CaseEntry, mark: str, text: str) -> None:
    """Keep what the speaker has corrected so far of the recording with a mark.

    Raises:
        AccessError, StoreError: the visitor may not edit, or it cannot be kept.
    """
    require(Permission.EDIT)
    correct_recording(open_archive(), current_visitor().actor, entry.token, mark, text)


def drop_waiting(entry: CaseEntry, mark: str) -> None:
    """Take the visitor's recording with a mark away, where it still waits.

    Raises:
        StoreError: the database cannot be written.
    """
    drop_recording(open_archive(), current_visitor().actor, entry.token, mark)


def confirm_recording(cases_dir: Path, entry: CaseEntry, heard: Heard, text: str, mark: str | None = None) -> None:
    """Make a new recording the dictation of a case, in the clinician's words.

    Args:
        cases_dir: where the cases lie.
        entry: the case.
        heard: the recording and what the recognizer heard in it.
        text: the clinician's words.
        mark: of the recording as it waits, which it then no longer does; None for one that did not wait.

    Raises:
        AudioError: no words.
        InputError: the case's folder cannot be written.
        AccessError, StoreError: the visitor may not, or it cannot be kept.
    """
    require(Permission.EDIT)
    _require_words(text)
    audio = heard.voice.audio
    if audio is not None:
        try:
            _put_in_place(entry.folder, audio)
            # The words that the clinician has seen and corrected stay those of the file, after a restart too.
            keep_transcript(entry.folder / VOICE_FILE, heard.voice)
        except OSError as error:
            msg = "dictation: the case's folder cannot be written; check its permissions"
            raise InputError(msg) from error
    changed = find_case(cases_dir, entry.token) or entry
    adopt_case(entry, lambda case: replace(case, voice_note=heard.voice), changed)
    confirm_transcript(changed, heard.voice, text)
    if mark is not None:
        drop_waiting(entry, mark)


def confirm_transcript(entry: CaseEntry, voice: VoiceNote, text: str) -> None:
    """Take a transcript, corrected or not, as the clinician's own word.

    Raises:
        AudioError: no words.
        AccessError, StoreError: the visitor may not, or it cannot be kept.
    """
    _require_words(text)
    edit_case(entry, Edit(EditedPart.TRANSCRIPT, voice.text, text.strip(), is_confirmed=True))


def write_wav(path: Path, audio: Audio) -> None:
    """16-bit PCM, complete or not at all."""
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as stream, wave.open(stream, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(audio.sampling_rate_hz)
            file.writeframes((np.clip(audio.samples, -1, 1) * 32767).astype("<i2").tobytes())
    except OSError:
        part.unlink(missing_ok=True)
        raise
    part.replace(path)


def _require_words(text: str) -> None:
    if not text.strip():
        msg = "dictation: there are no words to confirm; record it again, or write what was said"
        raise AudioError(msg)


def _put_in_place(folder: Path, audio: Audio) -> None:
    """The new recording beside the earlier one, which leaves its name only once the new one is on the disk."""
    new = folder / f"new_{VOICE_FILE}"
    write_wav(new, audio)
    for name in VOICE_NAMES:
        path = folder / name
        if path.is_file():
            path.rename(_free_name(folder, path.suffix))
    new.replace(folder / VOICE_FILE)


def _free_name(folder: Path, suffix: str) -> Path:
    """A name that no earlier recording has, whichever of them were removed by hand."""
    taken = {path.stem for path in folder.glob(f"{EARLIER}_*")}
    n = next(n for n in itertools.count(1) if f"{EARLIER}_{n}" not in taken)
    return folder / f"{EARLIER}_{n}{suffix}"
