"""Stored pixels to Hounsfield units, plane by plane, straight into one preallocated volume.

Voxels that carry Pixel Padding Value lie outside the scanner's field of view. They are set to air (-1000 HU), so that
neither a window nor an interpolation meets -3024 HU at the rim. Where the declared padding value would be tissue (0 HU
is water, and some files declare 0), only padding that is connected to the border of the image is believed. Values below
-1500 HU count as padding too, declared or not: nothing in a patient is that far below air, many files declare nothing,
and lossy compression smears the declared value.

MONOCHROME1 is accepted: it inverts the display, not the values (PS3.3 C.7.6.3.1.2).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_modality_lut
from pydicom.uid import UID, JPEG2000TransferSyntaxes, JPEGLSTransferSyntaxes, JPEGTransferSyntaxes

from diagnosis import settings
from diagnosis.errors import GeometryError
from diagnosis.ingest import limits
from diagnosis.ingest.codestream import codestream_size
from diagnosis.ingest.dicom_elements import PARSE_FAILURES, quiet_pydicom
from diagnosis.ingest.dicom_header import Instance, PixelLayout, Plane
from diagnosis.ingest.pixel_layout import DEFLATED, NATIVE, frame_bytes
from diagnosis.progress import OnProgress

Stored = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.float32]

AIR_HU = -1000.0
BELOW_AIR_HU = -1500.0
TISSUE_FROM_HU = -900.0
WATER_HU = 0.0
FAT_HU = -150.0
MAX_DECODE_THREADS = 4
RLE = "1.2.840.10008.1.2.5"


def read_hu(
    planes: Sequence[Plane], on_progress: OnProgress | None = None, *, places: Sequence[int] | None = None
) -> tuple[FloatArray, float | None]:
    """HU of planes, (slice,row,column) float32, and the value that fills padded voxels, None where there are none.

    Args:
        planes: of one series.
        on_progress: called with (done, total) planes.
        places: of the planes in the series, from 0, by which a message names them; by default as they come.

    Raises:
        GeometryError: a plane cannot be decoded.
        LimitExceededError: reading takes longer than the limit.
    """
    layout = planes[0].instance.pixels
    hu = np.empty((len(planes), layout.rows, layout.columns), dtype=np.float32)
    jobs = _jobs(planes)
    deadline = limits.Deadline()
    n_padded = done = 0

    def run(job: list[int]) -> int:
        deadline.check()
        try:
            return _read_file(planes, job, hu)
        except PARSE_FAILURES as error:
            reason = str(error) if isinstance(error, PixelFaultError) else type(error).__name__
            place = job[0] if places is None else places[job[0]]
            msg = f"series: slice {place + 1} cannot be decoded ({reason}); copy or export the series again"
            raise GeometryError(msg) from error

    threads = min(settings.thread_count(), MAX_DECODE_THREADS, len(jobs))
    with quiet_pydicom(), ThreadPoolExecutor(threads) as pool:
        try:
            for job, count in zip(jobs, pool.map(run, jobs), strict=True):
                n_padded, done = n_padded + count, done + len(job)
                if on_progress is not None:
                    on_progress(done, len(planes))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return hu, AIR_HU if n_padded else None


def doubt_of_hu(hu: FloatArray) -> str | None:
    """Why values can hardly be HU, judged from the first, middle and last plane; None where they may be.

    A rescale that was lost or stands twice moves all values by 1,000 and more: then nothing is left between air and
    water, where fat and lung lie, or nothing above fat. No patient is made so; a phantom may be, so it is no refusal.

    Args:
        hu: (slice,row,column).
    """
    seen = hu[sorted({0, len(hu) // 2, len(hu) - 1})]
    if not ((seen > AIR_HU) & (seen < WATER_HU)).any():
        what = "no voxel lies between air and water, as fat and lung do"
    elif not (seen > FAT_HU).any():
        what = "no voxel is denser than fat"
    else:
        return None
    return f"in its first, middle and last slice {what}, so the values may be no HU; compare with the original images"


def _jobs(planes: Sequence[Plane]) -> list[list[int]]:
    """Indices of planes, those of one file together."""
    order = sorted(range(len(planes)), key=lambda k: (str(planes[k].instance.path), planes[k].frame.index))
    return [list(indices) for _, indices in groupby(order, key=lambda k: planes[k].instance.path)]


def _read_file(planes: Sequence[Plane], job: list[int], hu: FloatArray) -> int:
    """Decode the planes of one file into the volume; returns how many voxels were padding."""
    instance = planes[job[0]].instance
    indices = [planes[k].frame.index for k in job]
    if instance.pixels.transfer_syntax in NATIVE and not instance.pixels.has_modality_lut:
        stored = [_native_frame(instance, index) for index in indices]
    else:
        stored = _decoded_frames(instance, indices)
    return sum(_write_hu(raw, planes[k], hu[k]) for raw, k in zip(stored, job, strict=True))


class PixelFaultError(ValueError):
    """Pixels that do not fit their header; the message quotes nothing of the file but sizes."""


def _native_frame(instance: Instance, index: int) -> Stored:
    layout = instance.pixels
    kind = ("i" if layout.is_signed else "u") + str(layout.bits_allocated // 8)
    dtype = np.dtype(("<" if layout.is_little_endian else ">") + kind)
    offset = (layout.offset or 0) + index * frame_bytes(layout)
    raw = np.fromfile(instance.path, dtype=dtype, count=layout.rows * layout.columns, offset=offset)
    return raw.reshape(layout.rows, layout.columns)


def _decoded_frames(instance: Instance, indices: list[int]) -> list[Stored]:
    """Frames of a compressed, deflated or LUT-mapped file, through pydicom and its codecs.

    Each syntax is left to one codec. JPEG-LS to gdcm: it refuses a damaged codestream, which pydicom's next choice
    decodes to noise. JPEG and JPEG 2000 to pylibjpeg: on some damaged codestreams gdcm throws what no Python code can
    catch, and the process ends.
    """
    layout = instance.pixels
    with instance.path.open("rb") as file:
        data_set = pydicom.dcmread(limits.MeteredFile(file), force=True)
    if layout.transfer_syntax not in NATIVE | {DEFLATED}:
        _check_codestreams(data_set.PixelData, layout)
    decoder = get_decoder(UID(layout.transfer_syntax))
    plugin = _codec(decoder.UID)
    frames = [array for array, _ in decoder.iter_array(data_set, indices=indices, raw=True, decoding_plugin=plugin)]
    if any(frame.shape != (layout.rows, layout.columns) for frame in frames):
        msg = "it decodes to another size than its header states"
        raise PixelFaultError(msg)
    return [apply_modality_lut(frame, data_set) for frame in frames] if layout.has_modality_lut else frames


def _codec(syntax: UID) -> str:
    """The one codec of a transfer syntax; empty for pydicom's own choice (RLE, deflated)."""
    if syntax in JPEGLSTransferSyntaxes:
        return "gdcm"
    return "pylibjpeg" if syntax in {*JPEGTransferSyntaxes, *JPEG2000TransferSyntaxes} else ""


def _check_codestreams(pixel_data: bytes, layout: PixelLayout) -> None:
    """Compare each compressed frame's own size with the header's before a codec allocates what it claims."""
    if layout.transfer_syntax == RLE:
        return
    for frame in generate_frames(pixel_data, number_of_frames=layout.n_frames):
        if codestream_size(frame) != (layout.rows, layout.columns):
            msg = "its compressed pixels claim another size than its header states"
            raise PixelFaultError(msg)


def _write_hu(stored: Stored, plane: Plane, out: FloatArray) -> int:
    """Rescale one plane into the volume and fill its padding; returns how many voxels were padding."""
    layout = plane.instance.pixels
    clean = _without_unused_bits(stored, layout) if layout.transfer_syntax in NATIVE else stored
    slope, intercept = (1.0, 0.0) if layout.has_modality_lut else (plane.frame.rescale or (1.0, 0.0))
    if slope == 1.0:
        np.add(clean, np.float32(intercept), out=out, casting="same_kind")
    else:
        np.multiply(clean, np.float32(slope), out=out, casting="same_kind")
        out += np.float32(intercept)
    n_padded = 0
    if layout.padding is not None and not layout.has_modality_lut:
        is_padding = _declared_padding(stored, clean, layout.padding)
        if layout.padding[1] * slope + intercept > TISSUE_FROM_HU:
            is_padding = _touching_border(is_padding)
        n_padded += _fill(out, is_padding)
    if out.min() < BELOW_AIR_HU:
        n_padded += _fill(out, out < BELOW_AIR_HU)
    return n_padded


def _declared_padding(stored: Stored, clean: Stored, padding: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Where the declared value stands, as stored or without the unused bits: writers do both."""
    low, high = padding
    is_padding = (clean >= low) & (clean <= high)
    return is_padding if clean is stored else is_padding | ((stored >= low) & (stored <= high))


def _fill(out: FloatArray, mask: npt.NDArray[np.bool_]) -> int:
    out[mask] = AIR_HU
    return int(mask.sum())


def _without_unused_bits(stored: Stored, layout: PixelLayout) -> Stored:
    """Bits above High Bit once held overlays; shifting them out and back also restores the sign.

    Below the values there is nothing: a High Bit of 15 beside values in bits 0 to 11 would divide them by 16.
    """
    left = layout.bits_allocated - 1 - layout.high_bit
    right = layout.bits_allocated - layout.bits_stored
    n_below = right - left
    if n_below > 0 and (stored & ((1 << n_below) - 1)).any():
        msg = "its header places the values at other bits than where they are"
        raise PixelFaultError(msg)
    return stored if right == 0 else (stored << left) >> right


def _touching_border(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The connected parts of a mask that reach the image's border."""
    if not mask.any():
        return mask
    from scipy import ndimage

    labels, _ = ndimage.label(mask)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return np.isin(labels, np.unique(border[border > 0]))
