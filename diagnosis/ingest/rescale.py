"""Whether what the headers of a series say of their values makes Hounsfield units of them."""

from collections import Counter
from collections.abc import Sequence

from diagnosis.ingest.dicom_header import Plane
from diagnosis.record.series import GeometryReason
from diagnosis.vocabulary import GeometryCode as Code

HU_TYPES = frozenset({"", "HU", "HU_MOD", "US"})
"""Rescale types that can be Hounsfield units; US means "unspecified", which several vendors write for plain CT."""
AIR_AT_MOST_HU, BONE_AT_LEAST_HU = -900.0, 1000.0


def rescale_reasons(planes: Sequence[Plane]) -> list[GeometryReason]:
    """Why the rescaled values are no HU; empty where they may be."""
    if all(plane.instance.pixels.has_modality_lut for plane in planes):
        return []
    rescales = [plane.frame.rescale for plane in planes]
    count = sum(rescale is None or rescale[0] <= 0 for rescale in rescales)
    if count:
        message = (
            f"{count} of {len(planes)} slices have no usable Rescale Slope and Intercept, so their values are not HU"
        )
        return [GeometryReason(Code.MISSING_RESCALE, f"{message}; export the original images")]
    if not all(_can_hold_hu(plane) for plane in planes):
        message = "with the rescale that is stated the values could not hold air and bone, so it is not that of HU"
        return [GeometryReason(Code.MISSING_RESCALE, f"{message}; export the original images")]
    if any(plane.frame.rescale_type not in HU_TYPES for plane in planes):
        message = "the rescaled values are declared to be other than HU; choose the CT series in HU"
        return [GeometryReason(Code.MISSING_RESCALE, message)]
    return []


def _can_hold_hu(plane: Plane) -> bool:
    """Whether the stored range, rescaled, reaches from air to bone."""
    pixels, (slope, intercept) = plane.instance.pixels, plane.frame.rescale or (1.0, 0.0)
    span = 2 ** min(pixels.bits_stored, pixels.bits_allocated, 32)  # a lying header can claim 65,535 bits
    lowest = -span // 2 if pixels.is_signed else 0
    return lowest * slope + intercept <= AIR_AT_MOST_HU and (lowest + span - 1) * slope + intercept >= BONE_AT_LEAST_HU


def has_odd_rescale(planes: Sequence[Plane]) -> bool:
    """Whether a few slices are rescaled otherwise than most; each slice by its own slope is legitimate (PS3.3 C.11)."""
    counts = Counter(plane.frame.rescale for plane in planes if plane.frame.rescale is not None)
    n_planes = counts.total()
    return len(counts) > 1 and (max(counts.values()) * 2 > n_planes or len(counts) * 2 <= n_planes)
