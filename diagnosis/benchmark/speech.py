"""(d) A dictation of 30 s to words, against faster-whisper called plainly with the same weights."""

from pathlib import Path

from diagnosis import settings
from diagnosis.benchmark.made_up import dictation
from diagnosis.benchmark.measuring import Figure, in_turns
from diagnosis.ingest.speech_models import find_speech_model
from diagnosis.ingest.transcription import BEAM_SIZE, transcribe_audio


def measure_speech(voice: Path, repetitions: int = 5) -> list[Figure]:
    """Both with beam search of the same width and word times, which the product needs to show where a word was said."""
    from faster_whisper import WhisperModel

    audio = dictation(voice)
    threads = settings.thread_count()
    plain = WhisperModel(str(find_speech_model().folder), device="cpu", compute_type="int8", cpu_threads=threads)

    def theirs() -> object:
        segments, _ = plain.transcribe(audio.samples, language="en", beam_size=BEAM_SIZE, word_timestamps=True)
        return list(segments)

    note = "ours adds voice activity detection, a prompt of radiology terms and the guards against invented words"
    name, peer = "transcribe 30 s", "faster-whisper called plainly"
    return [in_turns(name, peer, lambda: transcribe_audio(audio), theirs, repetitions, note)]
