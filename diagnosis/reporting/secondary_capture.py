"""The assessment as a Secondary Capture series: pictures for viewers that show nothing else.

The first is the picture of three planes with the attribution; the others are the CT's axial slices through the region
with the attribution laid over them. No picture names the patient.
"""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from highdicom.sc import SCImage
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset

from diagnosis.errors import RegionError
from diagnosis.record import Explanation, Volume
from diagnosis.reporting.colors import overlay_rgba
from diagnosis.reporting.dicom_object import identifiers, stamp_image
from diagnosis.reporting.dicom_source import DicomSource
from diagnosis.reporting.panels import PIXEL_MM, PLANES, region_panel, scale_of, slice_through
from diagnosis.reporting.result import Result
from diagnosis.vocabulary import LUNG_WINDOW

Picture = npt.NDArray[np.uint8]
MAX_SLICES = 16
MARGIN_MM = 5.0
MAGNIFICATION = 4


def secondary_captures(result: Result, source: DicomSource) -> list[Dataset]:
    """One instance a picture, all in one series.

    Raises:
        RegionError: no region is marked, so there is nothing to picture.
    """
    return [_instance(picture, number, result, source) for number, picture in enumerate(pictures(result), start=1)]


def pictures(result: Result) -> Iterator[Picture]:
    """RGB pictures, (row,column,3): the panel, then axial slices from the feet upward.

    Raises:
        RegionError: no region is marked.
    """
    case, explanation = result.case, result.explanation
    if case.volume is None or case.region is None:
        msg = "no region is marked in the CT, so there is nothing to picture; give region.center_mm in case.json"
        raise RegionError(msg)
    panel = region_panel(case.volume, case.region, explanation.volume if explanation else None)
    with Image.open(io.BytesIO(panel)) as image:
        yield np.asarray(image.convert("RGB"))
    x, y, z = case.region.center_mm
    for offset in _offsets(case.volume, case.region.diameter_mm or 20.0):
        yield _axial(case.volume, (x, y, z + offset), explanation, _answer(result))


def _answer(result: Result) -> str:
    main = result.assessment.main
    return f"{main.name.replace('_', ' ')} {100 * main.probability:.0f} %, {result.assessment.bundle_name}"


def _offsets(volume: Volume, diameter_mm: float) -> npt.NDArray[np.float64]:
    """Heights of the pictures above the region's center: the CT's own slice distance, at most `MAX_SLICES`."""
    reach = diameter_mm / 2 + MARGIN_MM
    count = min(MAX_SLICES, 2 * int(reach // volume.spacing_mm[0]) + 1)
    return np.linspace(-reach, reach, max(count, 3))


def _axial(
    volume: Volume, center_mm: tuple[float, float, float], explanation: Explanation | None, answer: str
) -> Picture:
    axial = PLANES[0]
    hu = slice_through(volume.hu, volume.affine_lps, center_mm, axial, -1000.0)
    gray = np.clip((hu - LUNG_WINDOW.low_hu) / LUNG_WINDOW.width_hu, 0, 1)
    rgb = np.repeat(gray[..., None], 3, axis=-1).astype(np.float64)
    attribution = explanation.volume if explanation else None
    if attribution is not None:
        laid = slice_through(attribution.values, attribution.affine_lps, center_mm, axial, 0.0)
        rgba = overlay_rgba(laid, scale_of(attribution))
        rgb = rgb * (1 - rgba[..., 3:]) + rgba[..., :3] * rgba[..., 3:]
    image = Image.fromarray((255 * rgb).round().astype(np.uint8))
    image = image.resize((image.width * MAGNIFICATION, image.height * MAGNIFICATION), Image.Resampling.BILINEAR)
    _label(image, center_mm[2], has_overlay=attribution is not None, answer=answer)
    return np.asarray(image)


def _label(image: Image.Image, z_mm: float, *, has_overlay: bool, answer: str) -> None:
    draw = ImageDraw.Draw(image)
    style: dict[str, Any] = {"fill": (255, 215, 94), "stroke_width": 2, "stroke_fill": (0, 0, 0)}
    legend = "attribution: orange for, blue against" if has_overlay else "no attribution"
    draw.text((8, 6), f"axial, z = {z_mm:.1f} mm (LPS), lung window", **style, font_size=15)
    draw.text((8, image.height - 44), f"{answer}; {legend}", **style, font_size=15)
    draw.text((8, image.height - 24), "Research software, not a medical device", **style, font_size=15)
    draw.text((8, image.height / 2), "R", **style, font_size=18)
    draw.text((image.width - 20, image.height / 2), "L", **style, font_size=18)
    end, length = image.width - 16, 20 / PIXEL_MM * MAGNIFICATION
    draw.line([(end - length, image.height - 16), (end, image.height - 16)], fill=style["fill"], width=2)
    draw.text((end - length / 2 - 24, image.height - 36), "20 mm", **style, font_size=15)


def _instance(picture: Picture, number: int, result: Result, source: DicomSource) -> Dataset:
    first = source.images[0]
    made: Dataset = SCImage.from_ref_dataset(
        ref_dataset=first,
        pixel_array=picture,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "P"),
        **identifiers(result, "sc", number),
    )
    if number == 1:  # three planes in one picture
        made.PatientOrientation = None
    made.BurnedInAnnotation = "NO"
    stamp_image(made, result, "Assessment (pictures)", source.body_part)
    return made
