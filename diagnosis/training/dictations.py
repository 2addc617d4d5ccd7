"""Dictations for training and scoring: text spoken by a synthetic voice, then transcribed like any dictation.

Speaking and transcribing hundreds of dictations takes most of an hour on two cores, so each transcript is kept in one
JSON file outside the project, under a key made of the text, the voice, its speed and the transcriber: another speech
model, or another version of its library, listens anew. The file holds no audio. After a change of the rules that mend
a transcript it is deleted by hand: a single rule need not cost the hour.
"""

import hashlib
import json
import random
import tempfile
from functools import cached_property
from pathlib import Path
from typing import final

from diagnosis.ingest.transcription import transcribe, transcriber_name
from diagnosis.phantom.speech import VOICES, Voice, speak


def voice_of(key: str) -> tuple[Voice, int]:
    """The synthetic voice that speaks a case's dictation, and its words a minute."""
    rng = random.Random(f"voice {key}")  # noqa: S311 - not a secret
    return rng.choice(VOICES), rng.randint(150, 190)


@final
class DictationCache:
    """Transcripts by (key, text); made on demand, saved after each one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    @cached_property
    def _transcriber(self) -> str:
        return transcriber_name()

    def transcript(self, key: str, text: str) -> str:
        """The transcript of `text` as a voice drawn from `key` spoke it.

        Raises:
            MissingDependencyError: no synthetic voice or no Whisper is installed.
        """
        voice, words_per_minute = voice_of(key)
        said = f"{self._transcriber} {voice} {words_per_minute} {text}"
        digest = hashlib.sha256(said.encode()).hexdigest()
        if digest not in self._known:
            with tempfile.TemporaryDirectory() as folder:
                recording = Path(folder) / "dictation.wav"
                speak(text, voice, recording, words_per_minute=words_per_minute)
                self._known[digest] = transcribe(recording).text
            self._save()
        return self._known[digest]

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(self._known, indent=0), encoding="utf-8")
        partial.replace(self._path)
