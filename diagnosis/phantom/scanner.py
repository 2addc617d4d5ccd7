"""What a scanner adds: blur, correlated quantum noise, streaks at the shoulders, whole numbers, padding."""

import numpy as np
import numpy.typing as npt

from diagnosis.phantom.canvas import Canvas, HuArray
from diagnosis.phantom.spec import ScanSpec

LOWEST_HU = -1024
HIGHEST_HU = 3070
PADDING_HU = -3024
"""What some scanners store outside the circular field of view (stored value -2000 with a slope of 1)."""


def scan(canvas: Canvas, spec: ScanSpec, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """Blur, add noise, round and pad.

    Args:
        canvas: the ideal patient, in true mm; left blurred and noisy.
        spec: kernel, noise and padding.
        rng: the noise.

    Returns:
        (slice,row,column) HU as int16.
    """
    from scipy import ndimage

    in_plane = 0.72 - 0.34 * spec.sharpness  # mm, beyond the averaging over a voxel
    sigma = (0.35, in_plane / spec.pixel_mm, in_plane / spec.pixel_mm)
    hu = ndimage.gaussian_filter(canvas.hu, sigma, output=canvas.hu, truncate=3.0)
    hu += _noise(canvas, spec, rng)
    steps = np.rint((hu - LOWEST_HU) / spec.hu_step) * spec.hu_step + LOWEST_HU
    whole: npt.NDArray[np.int16] = np.clip(steps, LOWEST_HU, HIGHEST_HU).astype(np.int16)
    if spec.has_padding:
        middle = (spec.size - 1) / 2
        rows, columns = np.ogrid[: spec.size, : spec.size]
        whole[:, (rows - middle) ** 2 + (columns - middle) ** 2 > (spec.size / 2) ** 2] = PADDING_HU
    return whole


def _noise(canvas: Canvas, spec: ScanSpec, rng: np.random.Generator) -> HuArray:
    """Noise with the ramp-and-roll-off spectrum of filtered back projection, strongest where rays are weakest."""
    n, rows, columns = canvas.hu.shape
    fy = np.fft.fftfreq(rows, spec.pixel_mm)[:, None]
    fx = np.fft.rfftfreq(columns, spec.pixel_mm)[None, :]
    frequency = np.hypot(fy, fx)
    roll_off = 0.16 + 0.22 * spec.sharpness
    spectrum = np.sqrt(frequency + 0.004) * np.exp(-((frequency / roll_off) ** 2))
    streaks = np.sqrt(frequency + 0.004) * np.exp(-((fx / 0.03) ** 2) - (frequency / roll_off) ** 2)
    attenuation, shoulder = _attenuation(canvas.hu)
    noise = np.empty_like(canvas.hu)
    for k in range(n):
        white = np.fft.rfft2(rng.standard_normal((rows, columns), dtype=np.float32))
        plain = np.fft.irfft2(white * spectrum, s=(rows, columns))
        slanted = np.fft.irfft2(white * streaks, s=(rows, columns))
        mixed = plain / plain.std() + shoulder[k] * slanted / slanted.std()
        noise[k] = mixed * spec.noise_hu * attenuation[k]
    noise[1:] = (noise[1:] + 0.35 * noise[:-1]) / np.float32(np.hypot(1, 0.35))
    return noise


def _attenuation(hu: HuArray) -> tuple[HuArray, HuArray]:
    """(slice,row,column) factor of the noise, and (slice,) strength of streaks along the widest direction."""
    from scipy import ndimage

    water = np.clip(hu[:, ::4, ::4] / 1000 + 1, 0, 2)
    along_x = water.mean(axis=2, keepdims=True)
    along_y = water.mean(axis=1, keepdims=True)
    rays = along_x + along_y
    typical = np.median(rays.max(axis=(1, 2)))
    factor = np.clip(0.25 + 0.75 * (rays / typical) ** 1.3, 0.2, 2.0)
    factor = ndimage.gaussian_filter(factor, (1, 2, 2)).astype(np.float32)
    wide = np.clip((along_x.max(axis=(1, 2)) / np.median(along_x.max(axis=(1, 2))) - 1.12) * 2.5, 0, 0.9)
    repeats = [4, 4]
    fine = factor.repeat(repeats[0], axis=1).repeat(repeats[1], axis=2)[:, : hu.shape[1], : hu.shape[2]]
    return fine, wide.astype(np.float32)
