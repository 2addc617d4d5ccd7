"""`diagnosis transcribe`: what it prints, as text and as JSON."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer import Typer
from typer.testing import CliRunner

from diagnosis.cli.transcribe import transcribe_command
from diagnosis.ingest.transcript_safety import words_to_check
from diagnosis.ingest.transcription import transcribe

RATE_HZ = 16_000
SENTENCE = "There is no pleural effusion. A twelve millimeter nodule is seen in the left upper lobe."


def make_speech(path: Path) -> Path:
    """A sentence spoken by flite (Debian package flite)."""
    if shutil.which("flite") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("flite is not installed; install the Debian package flite")
        pytest.skip("flite is not installed (Debian package flite)")
    subprocess.run(["flite", "-voice", "slt", "-t", SENTENCE, "-o", str(path)], check=True)
    return path


def run(*arguments: str):
    app = Typer()
    app.command()(transcribe_command)
    return CliRunner().invoke(app, list(arguments))


def test_json(tmp_path):
    result = run(str(make_speech(tmp_path / "a.wav")), "--json", "--model", "tiny.en")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert set(report) == {"text", "words", "duration_s", "transcriber", "warnings"}
    assert set(report["words"][0]) == {"text", "start_s", "end_s", "probability", "start", "end", "check"}
    assert all(report["text"][w["start"] : w["end"]] == w["text"] for w in report["words"])
    assert report["transcriber"].endswith("tiny.en")


def test_text_with_marks(tmp_path):
    path = make_speech(tmp_path / "a.wav")
    result = run(str(path))
    found = transcribe(path)
    assert result.exit_code == 0
    assert result.stdout.count("?]") == len(words_to_check(found))
    assert result.stdout.strip().replace("[", "").replace("?]", "") == found.text


def test_silence_is_a_warning_and_no_error(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE_HZ), RATE_HZ)
    result = run(str(tmp_path / "a.wav"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no speech was found" in result.stderr
