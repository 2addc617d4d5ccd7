"""The regions that a program proposed, for the page: each with its own small picture, size and probability."""

import base64
import io
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from diagnosis.record import RegionOfInterest, Volume
from diagnosis.reporting.panels import PLANES, slice_through
from diagnosis.vocabulary import LUNG_WINDOW


@final
@dataclass(frozen=True)
class ReportCandidate:
    """A proposed region with what the model says of it.

    Attributes:
        region: where.
        strength: how much it is like a lesion, in [0,1]; ranks candidates, no probability of disease.
        probability: calibrated, of the main finding.
        is_flagged: whether that reaches the threshold.
    """

    region: RegionOfInterest
    strength: float
    probability: float
    is_flagged: bool


def candidate_rows(volume: Volume | None, candidates: tuple[ReportCandidate, ...]) -> list[dict[str, Any]]:
    """One row a candidate, in the order given."""
    rows = []
    for candidate in candidates:
        x, y, z = candidate.region.center_mm
        diameter = candidate.region.diameter_mm
        rows.append(
            {
                "center": f"{x:.1f}, {y:.1f}, {z:.1f}",
                "diameter": "-" if diameter is None else f"{diameter:.0f} mm",
                "strength": f"{candidate.strength:.2f}",
                "percent": f"{100 * candidate.probability:.0f} %",
                "flagged": candidate.is_flagged,
                "picture": None if volume is None else _picture(volume, candidate.region),
            }
        )
    return rows


def _picture(volume: Volume, region: RegionOfInterest) -> str:
    """Axial plane through the middle, 80 mm wide, in lung window, as a data address."""
    from PIL import Image

    hu = slice_through(volume.hu, volume.affine_lps, region.center_mm, PLANES[0], LUNG_WINDOW.low_hu)
    gray = np.clip((hu - LUNG_WINDOW.low_hu) / LUNG_WINDOW.width_hu * 255, 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(gray).save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
