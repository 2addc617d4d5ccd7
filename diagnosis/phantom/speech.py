"""Synthetic voices: text spoken into a 16 kHz mono wav file by the Debian programs `flite` and `espeak-ng`."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import soundfile
from scipy.signal import resample_poly

from diagnosis.errors import DiagnosisError, MissingDependencyError

SAMPLE_RATE_HZ = 16_000

Voice = Literal["kal", "awb", "rms", "slt", "en-us", "en-gb", "en-us+f3"]
VOICES: tuple[Voice, ...] = get_args(Voice)
_FLITE_VOICES = {"kal", "awb", "rms", "slt"}


class SpeechSynthesisError(DiagnosisError):
    """A synthetic voice could not speak."""


def speak(text: str, voice: Voice, path: Path, *, words_per_minute: int = 165) -> float:
    """Speak `text` into the wav file `path` and return its duration in seconds.

    Args:
        text: what to say.
        voice: one of `VOICES`.
        path: the wav file, 16 kHz mono, 16 bit.
        words_per_minute: Speed of speech; 165 is the voices' own.

    Raises:
        SpeechSynthesisError: The program is not installed, or it fails, or it says nothing.
    """
    if voice not in VOICES:
        msg = f"unknown voice {voice!r}; choose one of {', '.join(VOICES)}"
        raise SpeechSynthesisError(msg)
    if not text.strip():
        msg = "there is no text to speak"
        raise SpeechSynthesisError(msg)
    with tempfile.TemporaryDirectory() as folder:
        script, spoken = Path(folder, "text.txt"), Path(folder, "spoken.wav")
        script.write_text(text, encoding="utf-8")
        _run(_command(voice, script, spoken, words_per_minute))
        samples, rate_hz = soundfile.read(spoken, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    if mono.size == 0:
        msg = f"voice {voice!r} produced no sound for {len(text)} characters of text"
        raise SpeechSynthesisError(msg)
    if rate_hz != SAMPLE_RATE_HZ:
        mono = resample_poly(mono, SAMPLE_RATE_HZ, rate_hz)
    soundfile.write(path, np.clip(mono, -1.0, 1.0), SAMPLE_RATE_HZ, subtype="PCM_16")
    return float(mono.size / SAMPLE_RATE_HZ)


def _command(voice: Voice, script: Path, spoken: Path, words_per_minute: int) -> list[str]:
    if voice in _FLITE_VOICES:
        stretch = f"duration_stretch={165 / words_per_minute:.3f}"
        return [_program("flite"), "-voice", voice, "--setf", stretch, "-f", str(script), "-o", str(spoken)]
    return [
        _program("espeak-ng"),
        "-v",
        voice,
        "-s",
        str(words_per_minute),
        "-f",
        str(script),
        "-w",
        str(spoken),
    ]


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        msg = (
            f"dictation: the program {name} is not installed; install the Debian packages flite and espeak-ng, "
            "or leave voices out with --no-voice"
        )
        raise MissingDependencyError(msg)
    return found


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1:] or ["no message"]
        msg = f"{Path(command[0]).name} ended with code {done.returncode}: {reason[0]}"
        raise SpeechSynthesisError(msg)


def require_voices() -> None:
    """Raise MissingDependencyError unless every program that a voice needs is installed."""
    for name in ("flite", "espeak-ng"):
        _program(name)
