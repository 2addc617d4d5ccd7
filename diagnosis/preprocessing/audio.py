"""Log-mel frames of a dictation, for the optional acoustic branch."""

import numpy as np
import numpy.typing as npt

from diagnosis.record import Audio

FRAME_S = 0.025
HOP_S = 0.010
MAX_SECONDS = 30.0
"""Longer dictations are read from their first 30 s."""


def prepare_mel(audio: Audio, n_mels: int) -> npt.NDArray[np.float32]:
    """Log-mel energies, (mel,frame), zero mean and unit variance in each band over the recording."""
    from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

    rate = audio.sampling_rate_hz
    frame, hop = int(FRAME_S * rate), int(HOP_S * rate)
    n_fft = 1 << (frame - 1).bit_length()
    filters = mel_filter_bank(n_fft // 2 + 1, n_mels, 20.0, rate / 2, rate, norm="slaney", mel_scale="slaney")
    samples = audio.samples[: int(MAX_SECONDS * rate)].astype(np.float64)
    samples = np.pad(samples, (0, max(0, frame - samples.size)))
    mel = spectrogram(
        samples,
        window_function(frame, "hann"),
        frame_length=frame,
        hop_length=hop,
        fft_length=n_fft,
        power=2.0,
        mel_filters=filters,
        log_mel="log10",
    )
    centered = mel - mel.mean(axis=1, keepdims=True)
    return np.asarray(centered / (mel.std(axis=1, keepdims=True) + 1e-3), dtype=np.float32)
