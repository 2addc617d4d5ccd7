"""A case from its folder, its dictation transcribed once for all: the words lie in the store under the sound's hash."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, final

from clinician_ui.archive import open_archive
from clinician_ui.recipes import SPEECH_MODULES, source_sha256
from diagnosis.ingest.audio import read_audio
from diagnosis.ingest.case_folder import assemble_case, case_folder_parts
from diagnosis.record import Case, SpeechSegment, StudyIdentity, VoiceNote
from diagnosis.store.results import ResultKind, read_result, save_result

Progress = Callable[[str, float], None]
"""Told in words what is being done, and which share of it, in [0,1]."""
_CHUNK = 2**20


@final
@dataclass(frozen=True)
class Transcript:
    """What a recognizer heard; fields as in `VoiceNote`, without the sound."""

    segments: tuple[SpeechSegment, ...]
    duration_s: float
    transcriber: str


def read_case_once(folder: Path, on_progress: Progress | None = None) -> tuple[Case, StudyIdentity]:
    """Read a case folder as `read_case` does; a recording that was heard before is not listened to again.

    Raises:
        DiagnosisError: as `read_case`; StoreError where a transcript cannot be kept.
    """
    parts = case_folder_parts(folder)
    return assemble_case(
        parts.case_id,
        ct=parts.ct,
        note=parts.note,
        voice=None if parts.voice is None else transcript_of(parts.voice, on_progress),
        region=parts.region,
        age_years=parts.age_years,
        sex=parts.sex,
        repair=parts.repair,
        on_progress=None if on_progress is None else partial(_tell_slices, on_progress),
    )


def _tell_slices(tell: Progress, done: int, total: int) -> None:
    tell(f"Reading the CT: slice {done} of {total}", done / max(total, 1))


def transcript_of(path: Path, on_progress: Progress | None = None) -> VoiceNote:
    """Words of a recording, with its sound.

    Args:
        path: the recording.
        on_progress: told which second of the recording has been reached.

    Raises:
        AudioError, LimitExceededError: the recording cannot be used.
        MissingDependencyError, BundleError: the speech model cannot be used.
        StoreError: the words cannot be kept.
    """
    audio = read_audio(path)
    known = read_result(open_archive(), ResultKind.TRANSCRIPT, _key(path), Transcript)
    if known is not None:
        return VoiceNote(known.segments, known.duration_s, known.transcriber, audio=audio)
    from diagnosis.ingest.transcription import transcribe_audio

    def tell(reached_s: float) -> None:
        if on_progress is not None:
            words = f"Listening to the dictation: {reached_s:.0f} of {audio.duration_s:.0f} s"
            on_progress(words, min(reached_s / audio.duration_s, 1.0))

    tell(0.0)
    voice = transcribe_audio(audio, on_progress=tell)
    keep_transcript(path, voice)
    return voice


def keep_transcript(path: Path, voice: VoiceNote) -> None:
    """Keep the words of a recording.

    Raises:
        StoreError: they cannot be kept.
    """
    heard = Transcript(voice.segments, voice.duration_s, voice.transcriber)
    save_result(open_archive(), ResultKind.TRANSCRIPT, _key(path), heard)


def _key(path: Path) -> dict[str, Any]:
    from diagnosis.ingest.speech_models import find_speech_model

    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    model = find_speech_model(None)
    return {
        "sound_sha256": digest.hexdigest(),
        "model": f"{model.name} {model.sha256}",
        "program": source_sha256(*SPEECH_MODULES),
    }
