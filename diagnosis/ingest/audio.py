"""Recordings from files: wav, flac, mp3, m4a, ogg, webm and their kin, decoded by PyAV, to mono speech at 16 kHz.

Only containers of this list are opened, and only through the file itself: play lists and other formats that name
further files or addresses are refused. A recording that breaks off inside is refused rather than read in part, since
what is missing could be the word "no".
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from diagnosis.errors import AudioError, LimitExceededError
from diagnosis.record.note import Audio

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer

SAMPLING_RATE_HZ = 16_000
MAX_FILE_BYTES = 500 * 2**20
MAX_DURATION_S = 30 * 60.0
MAX_AMPLITUDE = 16.0
"""Floating point recordings may exceed full scale a little; integers taken for floating point by thousands of times."""

_CONTAINERS = "wav,w64,flac,mp3,aac,mov,mp4,m4a,3gp,3g2,mj2,ogg,matroska,webm,aiff,au,caf,amr"
_KINDS = "wav, flac, mp3, m4a, ogg or webm"
_OGG_PAGE_BYTES = 65_307
_UNKNOWN_WAV_BYTES = 0x7FFF_0000
_MICROSECONDS = 1_000_000


def read_audio(path: Path) -> Audio:
    """Read a recording as mono float32 samples in [-1,1] at 16 kHz.

    Raises:
        AudioError: missing, empty, without sound, of another kind, damaged.
        LimitExceededError: larger or longer than the limits of this module.
    """
    from av.error import FFmpegError

    _refuse_by_size(path)
    _refuse_cut(path)
    try:
        channels = _decoded(path)
    except (FFmpegError, ValueError) as error:  # PyAV raises ValueError for what it cannot resample
        msg = f"recording: it is damaged, or not a sound file; export it again as {_KINDS}"
        raise AudioError(msg) from error
    if channels.shape[1] == 0:
        msg = "recording: it holds no sound; record it again"
        raise AudioError(msg)
    if not np.isfinite(channels).all():
        msg = "recording: it holds values that are not numbers; export it again"
        raise AudioError(msg)
    if (loudest := float(np.abs(channels).max())) > MAX_AMPLITUDE:
        msg = f"recording: its samples reach {loudest:.3g} times full scale, which is no sound; export it again"
        raise AudioError(msg)
    return Audio(np.clip(_mono(channels), -1.0, 1.0, dtype=np.float32), SAMPLING_RATE_HZ)


def _refuse_by_size(path: Path) -> None:
    if not path.is_file():
        msg = "recording: there is no such file; check the path"
        raise AudioError(msg)
    size = path.stat().st_size
    if size == 0:
        msg = "recording: the file is empty; record it again"
        raise AudioError(msg)
    if size > MAX_FILE_BYTES:
        msg = f"recording: it has {size / 2**20:.0f} MiB, more than {MAX_FILE_BYTES // 2**20}; split or compress it"
        raise LimitExceededError(msg)


def _refuse_cut(path: Path) -> None:
    """Compare what a file promises with what is there, for the kinds that the decoder reads as far as they go."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] == b"RIFF" and head[8:] == b"WAVE":
            _refuse_cut_wav(file, path.stat().st_size)
        elif head[:4] == b"OggS":
            _refuse_cut_ogg(file, path.stat().st_size)


def _refuse_cut_wav(file: BinaryIO, size: int) -> None:
    while len(head := file.read(8)) == 8:
        n_bytes, present = int.from_bytes(head[4:], "little"), size - file.tell()
        # Writers that cannot go back to fill in the length leave it at nothing or near the greatest number.
        if head[:4] == b"data" and present < n_bytes < _UNKNOWN_WAV_BYTES:
            msg = f"recording: it breaks off after {present / n_bytes:.0%} of its length; export it again"
            raise AudioError(msg)
        file.seek(n_bytes + n_bytes % 2, 1)


def _refuse_cut_ogg(file: BinaryIO, size: int) -> None:
    """The last page of each Ogg stream bears the flag "end of stream" (RFC 3533, section 6)."""
    file.seek(max(0, size - 2 * _OGG_PAGE_BYTES))
    tail = file.read()
    last_page = tail[tail.rfind(b"OggS") :]
    if len(last_page) < 6 or not last_page[5] & 0x04:
        msg = "recording: it breaks off before its end; export it again"
        raise AudioError(msg)


def _decoded(path: Path) -> npt.NDArray[np.float32]:
    """Samples (channel, time) at 16 kHz of the first sound stream."""
    import av

    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
    # A file object instead of a name: the decoder has nothing else it could open.
    with path.open("rb") as file, av.open(file, options=options, metadata_errors="ignore") as container:
        if not container.streams.audio:
            msg = "recording: it holds no sound, only pictures; export the sound alone"
            raise AudioError(msg)
        declared_s = _declared_duration_s(container)
        if declared_s is not None and declared_s > MAX_DURATION_S:
            raise LimitExceededError(_too_long(declared_s))
        channels = _joined(_resampled(container))
    if declared_s is not None and channels.shape[1] / SAMPLING_RATE_HZ < 0.9 * declared_s - 1.0:
        msg = (
            f"recording: it breaks off after {channels.shape[1] / SAMPLING_RATE_HZ:.1f} of {declared_s:.1f} s; "
            "export it again"
        )
        raise AudioError(msg)
    return channels


def _declared_duration_s(container: "InputContainer") -> float | None:
    """Length by the header in seconds; None where it states none (browsers' webm)."""
    return container.duration / _MICROSECONDS if container.duration and container.duration > 0 else None


def _resampled(container: "InputContainer") -> "Iterator[AudioFrame]":
    from av.audio.resampler import AudioResampler

    resampler = AudioResampler(format="fltp", rate=SAMPLING_RATE_HZ)
    for frame in container.decode(audio=0):
        frame.pts = None  # gaps in the clock of a damaged or joined file are no reason to stop
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


def _joined(frames: "Iterator[AudioFrame]") -> npt.NDArray[np.float32]:
    parts, n_samples = [np.zeros((0, 0), np.float32)], 0
    for frame in frames:
        parts.append(frame.to_ndarray().astype(np.float32, copy=False))
        n_samples += parts[-1].shape[1]
        if n_samples > MAX_DURATION_S * SAMPLING_RATE_HZ:
            raise LimitExceededError(_too_long(n_samples / SAMPLING_RATE_HZ))
    return np.concatenate(parts[1:], axis=1) if len(parts) > 1 else parts[0]


def _too_long(seconds: float) -> str:
    return f"recording: it lasts {seconds / 60:.0f} minutes or more, the limit is {MAX_DURATION_S / 60:.0f}; split it"


def _mono(channels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Mean of the channels; the loudest one where the mean would cancel it (a microphone wired in opposite phase)."""
    mean = channels.mean(axis=0)
    loudest = channels[np.argmax(np.square(channels).mean(axis=1))]
    cancels = bool(np.square(mean).mean() < 0.05 * np.square(loudest).mean())
    chosen: npt.NDArray[np.float32] = loudest if cancels else mean
    return chosen
