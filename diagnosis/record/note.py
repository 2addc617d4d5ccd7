"""Words: a clinical note with sections, a dictation with timed words."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import final

import numpy as np
import numpy.typing as npt

from diagnosis.errors import AudioError, NoteError

_NO_SPACE_AFTER = ("\n", "(", "-", "/")
_NO_SPACE_BEFORE = frozenset({".", ",", ";", ":", "?", "!", ")", "\n", ""})


@final
@dataclass(frozen=True)
class NoteSection:
    """A section of a note, as character offsets `[start, end)` into its text; the title is normalized."""

    title: str
    start: int
    end: int


@final
@dataclass(frozen=True)
class ClinicalNote:
    """A written note.

    Attributes:
        text: the note as it was written; every offset in the product refers to this string.
        sections: in order, not overlapping.
        authored_at: with time zone, where known.

    Raises:
        NoteError: empty text, offsets outside it or overlapping, time without a zone.
    """

    text: str
    sections: tuple[NoteSection, ...] = ()
    authored_at: datetime | None = None

    def __post_init__(self) -> None:
        if not self.text.strip():
            msg = "note: it is empty; leave it out instead"
            raise NoteError(msg)
        previous_end = 0
        for section in self.sections:
            if not previous_end <= section.start <= section.end <= len(self.text):
                msg = f"note: section offsets {section.start} to {section.end} overlap or leave the text"
                raise NoteError(msg)
            previous_end = section.end
        if self.authored_at is not None and self.authored_at.tzinfo is None:
            msg = "note: the time of writing has no time zone; add one"
            raise NoteError(msg)


@final
@dataclass(frozen=True)
class Word:
    """A spoken word: text, start and end in seconds, the recognizer's probability in [0,1]."""

    text: str
    start_s: float
    end_s: float
    probability: float


@final
@dataclass(frozen=True)
class SpeechSegment:
    """A run of words without a long pause."""

    words: tuple[Word, ...]


@final
@dataclass(frozen=True, eq=False)
class Audio:
    """Mono speech: float32 samples in [-1,1] and their rate."""

    samples: npt.NDArray[np.float32]
    sampling_rate_hz: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.size == 0 or self.sampling_rate_hz <= 0:
            msg = "recording: it holds no mono samples; record it again"
            raise AudioError(msg)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples.size / self.sampling_rate_hz


@final
@dataclass(frozen=True, eq=False)
class VoiceNote:
    """A dictation and its transcript.

    Attributes:
        segments: in order of time, not overlapping; none for silence.
        duration_s: length of the recording.
        transcriber: model and version, for example `faster-whisper base`.
        confirmed_by: who confirmed the transcript; None until a clinician has.
        audio: the sound itself, where it is at hand.

    Raises:
        AudioError: overlapping or reversed segments, probabilities outside [0,1].
    """

    segments: tuple[SpeechSegment, ...]
    duration_s: float
    transcriber: str
    confirmed_by: str | None = None
    audio: Audio | None = None

    def __post_init__(self) -> None:
        previous_end = 0.0
        for word in self.words:
            if not previous_end - 1e-3 <= word.start_s <= word.end_s:
                msg = f"dictation: words overlap or run backward at {word.start_s:.2f} s; transcribe it again"
                raise AudioError(msg)
            if not 0.0 <= word.probability <= 1.0:
                msg = f"dictation: a word probability of {word.probability:g} is outside 0 to 1"
                raise AudioError(msg)
            previous_end = word.end_s

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """All words in order of time."""
        return tuple(word for segment in self.segments for word in segment.words)

    @cached_property
    def text(self) -> str:
        """The transcript: the words joined by single spaces; punctuation and line starts join as they are.

        `word_spans` gives the place of each word in this string.
        """
        return self._text_and_spans[0]

    @cached_property
    def word_spans(self) -> tuple[tuple[int, int], ...]:
        """Character offsets `[start, end)` of each word of `words` in `text`."""
        return self._text_and_spans[1]

    @cached_property
    def _text_and_spans(self) -> tuple[str, tuple[tuple[int, int], ...]]:
        text, spans = "", []
        for word in self.words:
            token = word.text.strip(" ")
            joins = not text or text.endswith(_NO_SPACE_AFTER) or token[:1] in _NO_SPACE_BEFORE or token in {"-", "/"}
            text += token if joins else f" {token}"
            spans.append((len(text) - len(token), len(text)))
        return text, tuple(spans)
