"""Dictations that are spoken, heard and kept."""

import json
import os
import shutil

import pytest

from diagnosis.phantom.speech import VOICES
from diagnosis.training import dictations
from diagnosis.training.dictations import DictationCache, voice_of

SAID = "Solid nodule of eight millimeters in the left upper lobe."


def test_a_case_is_always_spoken_by_the_same_voice():
    drawn = [voice_of(f"case {number}") for number in range(80)]
    assert drawn == [voice_of(f"case {number}") for number in range(80)]
    assert {voice for voice, _ in drawn} == set(VOICES)
    assert len({speed for _, speed in drawn}) > 10


@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which("flite") and shutil.which("espeak-ng")) and os.environ.get("CI") != "true",
    reason="needs the programs flite and espeak-ng (Debian packages of these names)",
)
def test_a_dictation_is_heard_once_and_its_transcript_kept(tmp_path, monkeypatch):
    kept = tmp_path / "cache" / "transcripts.json"
    heard = DictationCache(kept).transcript("case", SAID)
    assert "left upper lobe" in heard
    assert list(json.loads(kept.read_text()).values()) == [heard]

    def refuse(*_given, **_named):
        pytest.fail("what is known was spoken again")

    monkeypatch.setattr(dictations, "speak", refuse)
    assert DictationCache(kept).transcript("case", SAID) == heard
