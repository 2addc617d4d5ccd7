"""Text that was burned into pixels: who has to look, and what is blanked.

Where text lies in a picture is known in three cases, and there it is blanked:

* an ultrasound frame states its calibrated regions (PS3.3 C.8.5.5); everything outside of them is banner and margin;
* the device is in the list of text regions of PyPI's `deid` (MIT), which goes back to the RSNA's CTP anonymizer;
* an overlay hides in unused high bits of the pixels: those bits are cleared.

An original CT, MR or PET slice has no text in its pixels. Everything else that may have - secondary capture, screen and
dose pages, ultrasound, endoscopy, photographs, anything that says `BurnedInAnnotation` YES - and for which no region is
known is *at risk*: the caller withholds it unless told otherwise. Faces that can be rendered from a head scan are no
text; a warning says so.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

CROSS_SECTIONAL = frozenset({"CT", "MR", "PT", "NM"})
AT_RISK_CLASSES = tuple(
    f"1.2.840.10008.5.1.4.1.1.{tail}"
    for tail in ("7", "3", "6", "77", "9", "88", "104", "12", "11", "30", "1.2", "1.3", "1.1")
)
"""Secondary capture, ultrasound, visible light, waveforms, documents, projection X-ray with labels, RT."""
PAGE_TYPES = frozenset({"SCREEN SAVE", "SCREENSAVE", "DOSE_INFO", "DOSE INFO", "PROT", "CT_SOM5 PROT", "CT_SOM7 PROT"})
DERIVED_PAGES = frozenset({"RECONSTRUCTED", "VRT", "3D", "COLLAGE", "REPORT", "KEY IMAGES"})
HEAD_PARTS = ("HEAD", "SKULL", "BRAIN", "FACE", "NECK", "SINUS", "ORBIT")
FACE_WARNING = "the head is in the picture: a face can be rendered from it, and no header tells that it was removed"


@final
@dataclass(frozen=True)
class PixelOutcome:
    """What was found and done.

    Attributes:
        risk: why text may remain in the pixels, or None.
        is_blanked: whether known regions were blanked.
        warnings: for whoever passes the object on.
    """

    risk: str | None
    is_blanked: bool
    warnings: tuple[str, ...] = ()


def clean_pixels(data_set: Dataset) -> PixelOutcome:
    """Blank known text regions in place, before the header loses what says where they are.

    Raises:
        One of `ingest.dicom_elements.PARSE_FAILURES`: the pixels cannot be decoded.
    """
    warnings = (FACE_WARNING,) if _shows_a_head(data_set) else ()
    if "PixelData" not in data_set:
        return PixelOutcome(None, is_blanked=False, warnings=warnings)
    _clear_unused_bits(data_set)
    risk = burned_in_risk(data_set)
    if risk is None:
        return PixelOutcome(None, is_blanked=False, warnings=warnings)
    hidden = _outside_ultrasound_regions(data_set)
    if hidden is None:
        hidden = _device_regions(data_set)
    if hidden is None or not hidden.any():
        return PixelOutcome(risk, is_blanked=False, warnings=warnings)
    _blank(data_set, hidden)
    return PixelOutcome(None, is_blanked=True, warnings=warnings)


def burned_in_risk(data_set: Dataset) -> str | None:
    """Why there may be text in the pixels, or None."""
    if str(data_set.get("BurnedInAnnotation", "")).strip().upper() == "YES":
        return "its header says that text is burned in"
    sop_class = str(data_set.get("SOPClassUID", ""))
    if any(sop_class == known or sop_class.startswith(f"{known}.") for known in AT_RISK_CLASSES):
        return "its kind often has text burned in (secondary capture, ultrasound, photograph, projection)"
    types = {str(part).strip().upper() for part in _values(data_set.get("ImageType"))}
    if types & PAGE_TYPES:
        return "it is a screen or dose page"
    is_gray = str(data_set.get("PhotometricInterpretation", "")).startswith("MONOCHROME")
    if not is_gray or (types & DERIVED_PAGES and "SECONDARY" in types):
        return "it is a rendered picture"
    return None if str(data_set.get("Modality", "")) in CROSS_SECTIONAL else "its modality often has text burned in"


def _values(value: Any) -> list[Any]:  # noqa: ANN401 - pydicom's
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _shows_a_head(data_set: Dataset) -> bool:
    part = str(data_set.get("BodyPartExamined", "")).upper()
    return str(data_set.get("Modality", "")) in CROSS_SECTIONAL and any(name in part for name in HEAD_PARTS)


def _outside_ultrasound_regions(data_set: Dataset) -> npt.NDArray[np.bool_] | None:
    """Mask (row, column) of what lies outside all calibrated regions, or None where none is stated."""
    regions = data_set.get("SequenceOfUltrasoundRegions")
    if not regions:
        return None
    hidden = np.ones((int(data_set.Rows), int(data_set.Columns)), dtype=np.bool_)
    for region in regions:
        names = ("RegionLocationMinY0", "RegionLocationMaxY1", "RegionLocationMinX0", "RegionLocationMaxX1")
        top, bottom, left, right = (max(int(region.get(name, 0) or 0), 0) for name in names)
        hidden[top : bottom + 1, left : right + 1] = False
    return hidden


def _device_regions(data_set: Dataset) -> npt.NDArray[np.bool_] | None:
    """Mask (row, column) of the text regions of this very device and picture size, or None where none is known."""
    from deid.dicom.pixels import has_burned_pixels
    from deid.logger import bot

    level, bot.level = bot.level, -10  # it prints header values
    try:
        found = has_burned_pixels(data_set)
    finally:
        bot.level = level
    hidden = np.zeros((int(data_set.Rows), int(data_set.Columns)), dtype=np.bool_)
    for result in found["results"]:
        for keep, places in result["coordinates"]:
            for place in ([places] if isinstance(places, str) else places) if keep == 0 else []:
                left, top, right, bottom = (int(float(part)) for part in str(place).split(","))
                hidden[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    return hidden if hidden.any() else None


def _blank(data_set: Dataset, hidden: npt.NDArray[np.bool_]) -> None:
    """Set the masked pixels of every frame to black; compressed pixels become uncompressed."""
    if data_set.file_meta.TransferSyntaxUID.is_compressed:
        data_set.decompress()
    planar = int(data_set.get("PlanarConfiguration", 0) or 0)
    samples = int(data_set.get("SamplesPerPixel", 1) or 1)
    n_frames = int(data_set.get("NumberOfFrames", 1) or 1)
    rows, columns = hidden.shape
    dtype = np.dtype(f"<u{int(data_set.BitsAllocated) // 8}")
    stored = np.frombuffer(bytearray(data_set.PixelData), dtype=dtype)
    count = n_frames * rows * columns * samples
    shape = (n_frames, samples, rows, columns) if planar and samples > 1 else (n_frames, rows, columns, samples)
    frames = stored[:count].reshape(shape)
    black = _black(data_set)
    if planar and samples > 1:
        frames[:, :, hidden] = black
    else:
        frames[:, hidden, :] = black
    data_set.PixelData = stored.tobytes()


def _black(data_set: Dataset) -> int:
    is_inverted = str(data_set.get("PhotometricInterpretation", "")) == "MONOCHROME1"
    is_luma = str(data_set.get("PhotometricInterpretation", "")).startswith("YBR")
    if is_inverted:
        return (1 << int(data_set.BitsStored)) - 1
    return 128 if is_luma and int(data_set.get("SamplesPerPixel", 1)) == 1 else 0


def _clear_unused_bits(data_set: Dataset) -> None:
    """Overlays of old objects lie in the bits of the pixels that hold no gray value (retired, PS3.3-2004 C.9.2)."""
    positions = [
        int(data_set[tag].value or 0)
        for tag in list(data_set.keys())
        if 0x6000 <= tag.group <= 0x60FF and tag.element == 0x0102
    ]
    stored, allocated = int(data_set.get("BitsStored", 0) or 0), int(data_set.get("BitsAllocated", 0) or 0)
    high = int(data_set.get("HighBit", stored - 1) or 0)
    if not any(positions) or stored >= allocated or allocated not in {8, 16}:
        return
    if data_set.file_meta.TransferSyntaxUID.is_compressed:
        data_set.decompress()
    mask = ((1 << stored) - 1) << (high - stored + 1)
    pixels = np.frombuffer(data_set.PixelData, dtype=f"<u{allocated // 8}")
    data_set.PixelData = (pixels & np.asarray(mask, dtype=pixels.dtype)).tobytes()
