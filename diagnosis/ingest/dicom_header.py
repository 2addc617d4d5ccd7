"""One DICOM file as the geometry gate sees it: what it is, where each frame lies, how its pixels are stored."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import final

import pydicom
from pydicom.dataset import Dataset

from diagnosis.errors import InputError, LimitExceededError
from diagnosis.ingest import archive, limits
from diagnosis.ingest.dicom_elements import PARSE_FAILURES, Elements, quiet_pydicom, scan_elements

Vector = tuple[float, ...]


@final
@dataclass(frozen=True, slots=True)
class Frame:
    """One image plane: a whole file, or one frame of an enhanced multi-frame file; None where the file is silent.

    Attributes:
        index: place among the frames of the file.
        position: Image Position (Patient), LPS mm, (3,).
        orientation: Image Orientation (Patient), (6,).
        pixel_spacing: mm between rows, between columns.
        rescale: slope and intercept to HU.
        rescale_type: what the rescaled values are; empty means HU.
    """

    index: int
    position: Vector | None
    orientation: Vector | None
    pixel_spacing: Vector | None
    rescale: Vector | None
    rescale_type: str = ""


@final
@dataclass(frozen=True, slots=True)
class PixelLayout:
    """How the pixels of a file are stored; offset and length as in `Elements`."""

    transfer_syntax: str
    is_little_endian: bool
    offset: int | None
    length: int | None
    has_pixels: bool
    rows: int
    columns: int
    n_frames: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    padding: tuple[int, int] | None
    has_modality_lut: bool


@final
@dataclass(frozen=True, slots=True)
class Instance:
    """One DICOM file. Identifiers stay in here: no message quotes them."""

    path: Path
    sop_class: str
    sop_uid: str
    modality: str
    image_type: tuple[str, ...]
    series_uid: str
    study_uid: str
    patient_id: str
    accession_number: str
    frame_of_reference: str
    series_number: str
    description: str
    acquisition: str
    kernel: str
    thickness: float | None
    age: str
    sex: str
    is_lossy: bool
    is_directory: bool
    pixels: PixelLayout
    frames: tuple[Frame, ...]


@final
@dataclass(frozen=True)
class Plane:
    """One image plane and the file it lies in."""

    instance: Instance
    frame: Frame


@final
@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that claims to be DICOM and cannot be parsed; `why` names no file and no value of it."""

    path: Path
    why: str


def read_header(path: Path, scratch: Path) -> Instance | Unreadable | None:
    """Header of one file; None where it is not DICOM and does not claim to be.

    A file that is Zstandard- or gzip-compressed as a whole is unpacked into the scratch folder first.
    """
    try:
        unpacked = _unpacked(path, scratch)
        elements = scan_elements(unpacked)
        if elements is not None and _is_cut_short(elements):
            return Unreadable(path, "its header ends before it says what it belongs to")
        if elements is not None:
            return _instance(unpacked, elements)
    except InputError as error:
        return Unreadable(path, str(error).split(": ", 1)[-1])
    except PARSE_FAILURES as error:
        return Unreadable(path, f"its header cannot be parsed ({type(error).__name__})")
    if path.suffix.lower() in archive.DICOM_SUFFIXES - {".img"}:
        return Unreadable(path, "it is named like a DICOM file and does not begin like one")
    return None


def _is_cut_short(elements: Elements) -> bool:
    """Whether the data set stops before series and pixels; a file of another kind may well have no pixels."""
    is_anonymous = not elements.has_pixels and not elements.has("SeriesInstanceUID")
    return is_anonymous and not elements.has("DirectoryRecordSequence")


def _unpacked(path: Path, scratch: Path) -> Path:
    with path.open("rb") as file:
        magic = file.read(4)
    is_packed = magic == archive.ZSTD_MAGIC or (magic[:2] == archive.GZIP_MAGIC and "nii" not in path.name.lower())
    if not is_packed:
        return path
    number = sum(1 for _ in scratch.glob("unpacked_*"))
    return archive.unpack_single(path, scratch / f"unpacked_{number:06d}")


def _instance(path: Path, elements: Elements) -> Instance:
    shared = elements.has("SharedFunctionalGroupsSequence") or elements.has("PerFrameFunctionalGroupsSequence")
    layout = _layout(elements)
    return Instance(
        path=path,
        sop_class=elements.code("SOPClassUID"),
        sop_uid=elements.code("SOPInstanceUID"),
        modality=elements.code("Modality").upper(),
        image_type=tuple(part.strip().upper() for part in elements.code("ImageType").split("\\")),
        series_uid=elements.code("SeriesInstanceUID"),
        study_uid=elements.code("StudyInstanceUID"),
        patient_id=elements.text("PatientID"),
        accession_number=elements.text("AccessionNumber"),
        frame_of_reference=elements.code("FrameOfReferenceUID"),
        series_number=elements.code("SeriesNumber"),
        description=elements.text("SeriesDescription"),
        acquisition=elements.code("AcquisitionNumber"),
        kernel=elements.code("ConvolutionKernel").upper(),
        thickness=elements.number("SliceThickness"),
        age=elements.code("PatientAge"),
        sex=elements.code("PatientSex"),
        is_lossy=elements.code("LossyImageCompression") == "01",
        is_directory=elements.has("DirectoryRecordSequence"),
        pixels=layout,
        frames=_enhanced_frames(path, layout.n_frames) if shared else _plain_frames(elements, layout.n_frames),
    )


def _layout(elements: Elements) -> PixelLayout:
    allocated = elements.unsigned("BitsAllocated") or 16
    stored = elements.unsigned("BitsStored") or allocated
    high = elements.unsigned("HighBit")
    is_signed = elements.unsigned("PixelRepresentation") == 1
    n_frames = int(elements.number("NumberOfFrames") or 1)
    return PixelLayout(
        transfer_syntax=elements.transfer_syntax,
        is_little_endian=elements.is_little_endian,
        offset=elements.pixel_offset,
        length=elements.pixel_length,
        has_pixels=elements.has_pixels,
        rows=elements.unsigned("Rows") or 0,
        columns=elements.unsigned("Columns") or 0,
        n_frames=max(min(n_frames, limits.MAX_FRAMES + 1), 1),
        samples=elements.unsigned("SamplesPerPixel") or 1,
        photometric=elements.code("PhotometricInterpretation"),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=stored - 1 if high is None else high,
        is_signed=is_signed,
        padding=_padding(elements, is_signed=is_signed),
        has_modality_lut=elements.has("ModalityLUTSequence"),
    )


def _padding(elements: Elements, *, is_signed: bool) -> tuple[int, int] | None:
    """Lowest and highest stored value that stand for "no data", as PS3.3 C.7.5.1.1.2 defines them."""
    values = [elements.unsigned(keyword) for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    known = [v - 0x10000 if is_signed and v >= 0x8000 else v for v in values if v is not None]
    return (min(known), max(known)) if values[0] is not None else None


def _plain_frames(elements: Elements, n_frames: int) -> tuple[Frame, ...]:
    """Frames without functional groups all lie at one place; two show that, and a lying count costs nothing."""
    return (_plain_frame(elements),) * min(n_frames, 2)


def _plain_frame(elements: Elements) -> Frame:
    slope, intercept = elements.number("RescaleSlope"), elements.number("RescaleIntercept")
    return Frame(
        index=0,
        position=elements.numbers("ImagePositionPatient", 3),
        orientation=elements.numbers("ImageOrientationPatient", 6),
        pixel_spacing=elements.numbers("PixelSpacing", 2),
        rescale=None if slope is None or intercept is None else (slope, intercept),
        rescale_type=elements.code("RescaleType").upper(),
    )


def _enhanced_frames(path: Path, n_frames: int) -> tuple[Frame, ...]:
    """Frames of an enhanced multi-frame file, each item taken per frame or else from the shared groups."""
    if n_frames > limits.MAX_FRAMES:
        msg = f"DICOM file: it claims more than {limits.MAX_FRAMES} frames"
        raise LimitExceededError(msg)
    with quiet_pydicom():
        data_set = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        shared = (list(data_set.get("SharedFunctionalGroupsSequence") or []) or [Dataset()])[0]
        groups = list(data_set.get("PerFrameFunctionalGroupsSequence") or [])
        groups += [Dataset()] * (n_frames - len(groups))
        return tuple(_enhanced_frame(index, groups[index], shared) for index in range(n_frames))


def _enhanced_frame(index: int, group: Dataset, shared: Dataset) -> Frame:
    def item_of(macro: str) -> Dataset:
        items = group.get(macro) or shared.get(macro) or [Dataset()]
        return Dataset(items[0])

    def numbers(macro: str, keyword: str, count: int) -> Vector | None:
        value = item_of(macro).get(keyword)
        if value is None or value == "":
            return None
        parts = value if isinstance(value, pydicom.multival.MultiValue) else [value]
        found = tuple(float(v) for v in parts)
        return found if len(found) == count and all(map(math.isfinite, found)) else None

    slope = numbers("PixelValueTransformationSequence", "RescaleSlope", 1)
    intercept = numbers("PixelValueTransformationSequence", "RescaleIntercept", 1)
    return Frame(
        index=index,
        position=numbers("PlanePositionSequence", "ImagePositionPatient", 3),
        orientation=numbers("PlaneOrientationSequence", "ImageOrientationPatient", 6),
        pixel_spacing=numbers("PixelMeasuresSequence", "PixelSpacing", 2),
        rescale=None if slope is None or intercept is None else slope + intercept,
        rescale_type=str(item_of("PixelValueTransformationSequence").get("RescaleType", "")).upper(),
    )
