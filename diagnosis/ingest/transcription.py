"""Dictation to words: Whisper by faster-whisper on the processor, with guards against words that nobody said.

What is said here decides what a clinician reads, so the settings are those that lose and invent least:

* Voice activity is detected first (Silero); silence and noise never reach the recognizer.
* Speech is cut at its pauses into windows of at most 30 s, and each window is decoded once, as a whole, with the prompt
  of radiology terms before it. The library's other way, which goes on from the last time stamp, decodes the breath at
  the end of a recording by itself and, primed with the prompt, hears "no pleural effusion" in it.
* Decoding is by beam search at temperature 0: the library's fallback to sampling is not deterministic. Where the text
  repeats itself instead, it is decoded again with a penalty on repetition, and a loop that remains is cut.
* A segment that is likely no speech is left out: better a gap that is seen than a sentence that was not said.

Nothing is downloaded: `speech_models` finds the weights on this machine.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from diagnosis import settings
from diagnosis.errors import AudioError, BundleError
from diagnosis.ingest.audio import SAMPLING_RATE_HZ, read_audio
from diagnosis.ingest.misheard_terms import correct_misheard_terms
from diagnosis.ingest.speech_models import SpeechModel, find_speech_model
from diagnosis.ingest.spoken_punctuation import apply_spoken_punctuation
from diagnosis.record.note import Audio, SpeechSegment, VoiceNote, Word

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.transcribe import Segment

PROMPT = (
    "Chest CT and radiography report. Findings: pulmonary nodule, 12 mm, right upper lobe, spiculated, lobulated, "
    "part-solid, ground-glass, cavitary, calcified granuloma, granulomatous disease, emphysematous, hyperinflated, "
    "atelectasis, bibasilar, retrocardiac opacity, airspace consolidation, infiltrate, pleural effusion, pneumothorax, "
    "hemidiaphragm, cardiomediastinal silhouette, mediastinal contour, hilar lymphadenopathy, tortuous aorta, "
    "bronchovascular, vasculature, osseous structures, osteophytes, cardiomegaly, scoliosis, unremarkable."
)
BEAM_SIZE = 5
PAUSE_S = 1.0
MIN_LOG_PROBABILITY = -0.8
DOUBTFUL_LOG_PROBABILITY = -0.55
MAX_NO_SPEECH_PROBABILITY = 0.6
MAX_COMPRESSION_RATIO = 2.4
MIN_LOOP_ROUNDS = 4
MAX_LOOP_WORDS = 8
LOOP_PROBABILITY = 0.05
REPETITION_PENALTY = 1.15
_ONE_AT_A_TIME = Lock()
"""The limit on threads is one of the whole process: two recordings at once would lift each other's."""
_TimedText = tuple[str, float, float, float]
"""Text, start and end in seconds, probability."""
_VOICE_ACTIVITY = {
    "threshold": 0.5,
    "min_speech_duration_ms": 100,
    "min_silence_duration_ms": 2000,
    "speech_pad_ms": 400,
}


def transcribe(
    path: Path, *, model: str | Path | None = None, on_progress: Callable[[float], None] | None = None
) -> VoiceNote:
    """Read a recording and turn it into timed words.

    Args:
        path: the recording.
        model: `base`, `tiny.en`, a folder, or None for the best installed.
        on_progress: told the second of the recording that has been reached.

    Raises:
        AudioError, LimitExceededError: the recording cannot be used.
        MissingDependencyError, BundleError: the speech model cannot be used.
    """
    return transcribe_audio(read_audio(path), model=model, on_progress=on_progress)


def transcribe_audio(
    audio: Audio, *, model: str | Path | None = None, on_progress: Callable[[float], None] | None = None
) -> VoiceNote:
    """Turn mono speech at 16 kHz into timed words; silence and noise give a voice note without segments."""
    if audio.sampling_rate_hz != SAMPLING_RATE_HZ:
        msg = f"recording: it has {audio.sampling_rate_hz} samples a second; speech is read at {SAMPLING_RATE_HZ}"
        raise AudioError(msg)
    speech_model = find_speech_model(model)
    recognizer = _loaded(speech_model)
    # Sums of the spectrum depend on how many threads share them, and words may turn with them: always one.
    with _ONE_AT_A_TIME, threadpool_limits(1, user_api="blas"):
        found = _decoded(recognizer, audio, on_progress or _ignore)
    words = correct_misheard_terms(list(_timed(found, audio.duration_s)), _is_common_word(recognizer))
    spoken = apply_spoken_punctuation(_runs(words))
    return VoiceNote(tuple(spoken), audio.duration_s, _name_of(speech_model), audio=audio)


def load_recognizer(model: str | Path | None = None) -> None:
    """Load a speech model before it is needed; the first transcription is half a second shorter then.

    Raises:
        MissingDependencyError, BundleError: the speech model cannot be used.
    """
    import onnxruntime  # noqa: F401 - the library imports it when it first looks for voices

    _loaded(find_speech_model(model))


def transcriber_name(model: str | Path | None = None) -> str:
    """Library, version and speech model, as a voice note states them.

    Raises:
        MissingDependencyError, BundleError: the speech model cannot be used.
    """
    return _name_of(find_speech_model(model))


def _name_of(model: SpeechModel) -> str:
    return f"faster-whisper {version('faster-whisper')} {model.name}"


def _ignore(_reached_s: float) -> None:
    """Progress that nobody watches."""


@lru_cache(maxsize=2)
def _loaded(model: SpeechModel) -> "WhisperModel":
    from faster_whisper import WhisperModel

    try:
        return WhisperModel(
            str(model.folder),
            device="cpu",
            compute_type="int8",
            cpu_threads=settings.thread_count(),
            local_files_only=True,
        )
    except (RuntimeError, ValueError, OSError) as error:  # what CTranslate2 raises for files it cannot use
        msg = "speech model: the folder holds no usable CTranslate2 Whisper model; convert it again"
        raise BundleError(msg) from error


def _decoded(model: "WhisperModel", audio: Audio, on_progress: Callable[[float], None]) -> list["Segment"]:
    """Segments that are speech; decoded a second time, with a penalty, where the first text repeats itself."""
    segments = list(_segments(model, audio, 1.0, on_progress))
    if _repeats(segments):
        again = list(_segments(model, audio, REPETITION_PENALTY, on_progress))
        segments = segments if _repeats(again) else again
    on_progress(audio.duration_s)
    return [segment for segment in segments if _is_speech(segment)]


def _segments(
    model: "WhisperModel", audio: Audio, repetition_penalty: float, on_progress: Callable[[float], None]
) -> Iterator["Segment"]:
    from faster_whisper import BatchedInferencePipeline

    # A new pipeline each time: it carries the time of the last word over into the next recording.
    found, _ = BatchedInferencePipeline(model).transcribe(
        audio.samples,
        language="en",
        beam_size=BEAM_SIZE,
        temperature=0.0,
        repetition_penalty=repetition_penalty,
        vad_filter=True,
        vad_parameters=dict(_VOICE_ACTIVITY),
        initial_prompt=PROMPT,
        word_timestamps=True,
        batch_size=1,
    )
    for segment in found:
        on_progress(min(segment.end, audio.duration_s))
        yield segment


def _repeats(segments: Iterable["Segment"]) -> bool:
    return any(segment.compression_ratio > MAX_COMPRESSION_RATIO for segment in segments)


def _is_speech(segment: "Segment") -> bool:
    """Whether the recognizer believes its own words.

    Clear speech, of synthetic and human voices, lay above -0.5 (mean log probability of a token) and below 0.5
    (probability of no speech); music, buzz and clicks that had passed for a voice lay below -1.1, or below -0.6 and
    above 0.8. Speech no louder than the noise around it, and speech clipped for two thirds of the time, lay at -0.9:
    there "no pleural effusion" lost its "no". `transcript_safety` says where speech was left out.
    """
    doubtful = segment.avg_logprob < DOUBTFUL_LOG_PROBABILITY and segment.no_speech_prob > MAX_NO_SPEECH_PROBABILITY
    return segment.avg_logprob > MIN_LOG_PROBABILITY and not doubtful


def _is_common_word(recognizer: "WhisperModel") -> Callable[[str], bool]:
    """Whether a word is one token: the 50,000 commonest strings of English are, misheard terms are not."""
    tokenizer = recognizer.hf_tokenizer
    return lambda word: len(tokenizer.encode(f" {word}", add_special_tokens=False).ids) == 1


def _timed(segments: Iterable["Segment"], duration_s: float) -> Iterator[Word]:
    """Words in order of time, inside the recording."""
    reached_s = 0.0
    for text, start_s, end_s, probability in _without_loops([w for s in segments for w in _whole_words(s)]):
        begin_s = min(max(start_s, reached_s), duration_s)
        reached_s = min(max(end_s, begin_s), duration_s)
        yield Word(text, begin_s, reached_s, probability)


def _runs(words: Sequence[Word]) -> list[SpeechSegment]:
    """Words in runs without a long pause."""
    runs: list[list[Word]] = []
    for word in words:
        if not runs or word.start_s - runs[-1][-1].end_s > PAUSE_S:
            runs.append([])
        runs[-1].append(word)
    return [SpeechSegment(tuple(run)) for run in runs]


def _without_loops(words: list[_TimedText]) -> list[_TimedText]:
    """Words without what stands four times or more in a row: the loop that Whisper falls into, cut to one round."""
    texts = [text.strip(".,;").lower() for text, *_ in words]
    kept: list[_TimedText] = []
    position = 0
    while position < len(words):
        length, rounds = _loop_at(texts, position)
        highest = 1.0 if rounds == 1 else LOOP_PROBABILITY
        first_round = words[position : position + length]
        kept.extend((text, start_s, end_s, min(p, highest)) for text, start_s, end_s, p in first_round)
        position += length * rounds
    return kept


def _loop_at(texts: Sequence[str], position: int) -> tuple[int, int]:
    """Length of the round that repeats from here, and how often; (1, 1) where nothing does."""
    for length in range(1, MAX_LOOP_WORDS + 1):
        round_, rounds = texts[position : position + length], 1
        while texts[position + rounds * length : position + (rounds + 1) * length] == round_:
            rounds += 1
        if rounds >= MIN_LOOP_ROUNDS:
            return length, rounds
    return 1, 1


def _whole_words(segment: "Segment") -> Iterator[_TimedText]:
    """Words as they are written: the library parts "non-calcified" and "1.5" before the mark inside."""
    pending: list[_TimedText] = []
    for word in segment.words or ():
        piece = (word.word.strip(), float(word.start), float(word.end), float(np.clip(word.probability, 0.0, 1.0)))
        if pending and not word.word.startswith(" "):
            text, start_s, _, probability = pending.pop()
            piece = (text + piece[0], start_s, piece[2], min(probability, piece[3]))
        elif pending:
            yield pending.pop()
        if piece[0]:
            pending.append(piece)
    yield from pending
