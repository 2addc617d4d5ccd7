"""Recordings of all kinds: same sound whatever the container; what is no sound, or only part of it, is refused."""

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from diagnosis.errors import AudioError, LimitExceededError
from diagnosis.ingest import audio
from diagnosis.ingest.audio import SAMPLING_RATE_HZ, read_audio

CODEC_OF = {"a.wav": "pcm_s16le", "a.flac": "flac", "a.mp3": "libmp3lame", "a.m4a": "aac", "a.ogg": "libopus"} | {
    "a.webm": "libopus"
}


def make_tone(seconds: float = 3.0, rate_hz: int = 48_000, hz: float = 440.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)


def make_recording(path: Path, *, codec: str, rate_hz: int = 48_000, layout: str = "mono") -> Path:
    """A tone of 440 Hz in a container, by the codec named."""
    samples = np.tile(make_tone(rate_hz=rate_hz), (2 if layout == "stereo" else 1, 1))
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        to_codec = av.AudioResampler(format=stream.codec_context.format.name, rate=rate_hz, layout=layout)
        for start in range(0, samples.shape[1], 960):
            block = np.ascontiguousarray(samples[:, start : start + 960])
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.rate, frame.pts = rate_hz, start
            for ready in to_codec.resample(frame):
                container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return path


def loudest_hz(samples: np.ndarray) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * SAMPLING_RATE_HZ / samples.size)


@pytest.mark.parametrize("layout", ["mono", "stereo"])
@pytest.mark.parametrize("name", sorted(CODEC_OF))
def test_every_container_gives_the_same_sound(tmp_path, name, layout):
    found = read_audio(make_recording(tmp_path / name, codec=CODEC_OF[name], layout=layout))
    assert found.sampling_rate_hz == 16_000
    assert found.samples.dtype == np.float32
    assert found.duration_s == pytest.approx(3.0, abs=0.1)
    assert loudest_hz(found.samples) == pytest.approx(440, abs=2)
    assert np.sqrt(np.mean(found.samples**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "ULAW"])
def test_rates_and_sample_formats(tmp_path, rate_hz, subtype):
    soundfile.write(tmp_path / "a.wav", make_tone(rate_hz=rate_hz), rate_hz, subtype=subtype)
    found = read_audio(tmp_path / "a.wav")
    assert found.duration_s == pytest.approx(3.0, abs=0.01)
    assert loudest_hz(found.samples) == pytest.approx(440, abs=1)


def test_the_suffix_does_not_matter(tmp_path):
    make_recording(tmp_path / "a.mp3", codec="libmp3lame").rename(tmp_path / "dictation")
    assert read_audio(tmp_path / "dictation").duration_s == pytest.approx(3.0, abs=0.1)


def test_channels_in_opposite_phase_do_not_cancel(tmp_path):
    tone = make_tone()
    soundfile.write(tmp_path / "a.wav", np.stack([tone, -tone], axis=1), 48_000)
    assert np.abs(read_audio(tmp_path / "a.wav").samples).max() > 0.25


def test_one_silent_channel_halves_the_other(tmp_path):
    tone = make_tone()
    soundfile.write(tmp_path / "a.wav", np.stack([tone, 0 * tone], axis=1), 48_000)
    assert np.abs(read_audio(tmp_path / "a.wav").samples).max() == pytest.approx(0.15, abs=0.01)


def test_samples_beyond_full_scale_are_cut_to_it(tmp_path):
    soundfile.write(tmp_path / "a.wav", 10 * make_tone(rate_hz=16_000), 16_000, subtype="FLOAT")
    assert np.abs(read_audio(tmp_path / "a.wav").samples).max() == 1.0


@pytest.mark.parametrize("name", sorted(CODEC_OF))
def test_a_recording_that_breaks_off_is_refused(tmp_path, name):
    path = make_recording(tmp_path / name, codec=CODEC_OF[name])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 55 // 100])
    with pytest.raises(AudioError, match=r"breaks off|damaged"):
        read_audio(path)


def test_a_wav_of_unknown_length_is_read_to_its_end(tmp_path):
    soundfile.write(tmp_path / "a.wav", make_tone(rate_hz=16_000), 16_000)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    at = data.index(b"data") + 4
    data[4:8], data[at : at + 4] = b"\xff" * 4, b"\xff" * 4
    (tmp_path / "a.wav").write_bytes(data)
    assert read_audio(tmp_path / "a.wav").duration_s == pytest.approx(3.0)


@pytest.mark.parametrize(
    "data",
    [
        b"hello there\n" * 200,
        b"%PDF-1.4\n" + b"abc " * 1000,
        b"RIFF\x00\x00\x00\x00WAVE",
        np.random.default_rng(0).bytes(50_000),
    ],
)
def test_what_is_no_sound_is_refused(tmp_path, data):
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(AudioError, match="damaged, or not a sound file; export it again as wav, flac"):
        read_audio(tmp_path / "a.wav")


@pytest.mark.parametrize(
    "text", ["#EXTM3U\n#EXTINF:5,\n{}\n#EXT-X-ENDLIST\n", "ffconcat version 1.0\nfile '{}'\n", "v=0\nc=IN IP4 {}\n"]
)
def test_lists_that_name_other_files_are_not_followed(tmp_path, text):
    other = make_recording(tmp_path / "other.mp3", codec="libmp3lame")
    (tmp_path / "list.wav").write_text(text.format(other))
    with pytest.raises(AudioError, match="not a sound file"):
        read_audio(tmp_path / "list.wav")


def test_pictures_alone_are_refused(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(AudioError, match="holds no sound, only pictures"):
        read_audio(tmp_path / "a.mp4")


def test_nothing_in_it(tmp_path):
    with pytest.raises(AudioError, match="no such file"):
        read_audio(tmp_path / "absent.wav")
    (tmp_path / "empty.wav").touch()
    with pytest.raises(AudioError, match="the file is empty"):
        read_audio(tmp_path / "empty.wav")
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16_000)
    with pytest.raises(AudioError, match="holds no sound; record it again"):
        read_audio(tmp_path / "none.wav")


def test_integers_taken_for_floating_point_are_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full(16_000, 30_000, np.float32), 16_000, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"its samples reach 3e\+04 times full scale"):
        read_audio(tmp_path / "a.wav")


def test_values_that_are_no_numbers(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full(16_000, np.nan, np.float32), 16_000, subtype="FLOAT")
    with pytest.raises(AudioError, match="values that are not numbers"):
        read_audio(tmp_path / "a.wav")


def test_limits(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", make_tone(), 48_000)
    monkeypatch.setattr(audio, "MAX_FILE_BYTES", 100)
    with pytest.raises(LimitExceededError, match="MiB, more than"):
        read_audio(tmp_path / "a.wav")
    monkeypatch.undo()
    monkeypatch.setattr(audio, "MAX_DURATION_S", 2.0)
    with pytest.raises(LimitExceededError, match="lasts 0 minutes or more, the limit is 0; split it"):
        read_audio(tmp_path / "a.wav")


def test_real_recordings_are_read(shared_data):
    recordings = sorted(p for p in (shared_data / "dictation").rglob("*") if p.suffix in {".wav", ".flac"})
    assert len(recordings) > 10
    for path in recordings:
        found = read_audio(path)
        assert found.duration_s == pytest.approx(soundfile.info(path).duration, abs=0.02)
        assert np.abs(found.samples).max() > 0.01
