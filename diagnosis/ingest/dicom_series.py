"""DICOM files grouped into series, each with its verdict: what kind of images they are, and what the gate says."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import final

import numpy as np

from diagnosis.ingest import limits
from diagnosis.ingest.copies import without_copies
from diagnosis.ingest.dicom_header import Frame, Instance, Plane, Unreadable
from diagnosis.ingest.geometry_gate import (
    PARALLEL_TOLERANCE,
    Stack,
    check_orientation,
    judge_stack,
)
from diagnosis.ingest.pixel_layout import layout_fault
from diagnosis.ingest.rescale import has_odd_rescale, rescale_reasons
from diagnosis.record.series import GeometryReason
from diagnosis.vocabulary import GeometryCode as Code

CT_CLASSES = frozenset(f"1.2.840.10008.5.1.4.1.1.{tail}" for tail in ("2", "2.1", "2.2"))
"""CT, Enhanced CT, Legacy Converted Enhanced CT Image Storage."""
SECONDARY_CAPTURE_CLASS = "1.2.840.10008.5.1.4.1.1.7"
LOCALIZER_TYPES = frozenset({"LOCALIZER", "SCOUT", "TOPOGRAM", "SURVIEW"})
PAGE_TYPES = frozenset({"SCREEN SAVE", "SCREENSAVE", "DOSE_INFO", "DOSE INFO", "CT_SOM5 PROT", "CT_SOM7 PROT", "PROT"})
MAP_TYPES = frozenset(
    {"PERFUSION", "RCBF", "RCBV", "CBF", "CBV", "MTT", "TTP", "TMAX", "IODINE MAP", "Z_EFF"}
    | {"EFF_ATOMIC_NUM", "ELECTRON_DENSITY", "MAT_SPECIFIC", "MAT_FRACTIONAL"}  # multi-energy CT, PS3.3 C.8.2.1.1.1
)
FARTHEST_MM = 1e5
"""Of a position from its frame of reference: 100 m are no scanner's."""
PIXEL_SPACING_TOLERANCE_MM = 5e-4
"""Over 512 pixels a quarter of a millimeter; writers round, each image by itself."""
TRANSVERSE_COSINE = 0.5
"""An original CT plane is tilted by far less than 60 degrees against the patient's axis."""


@final
@dataclass(frozen=True)
class Series:
    """Files that belong together, and what is wrong with them.

    Attributes:
        instances: at least one, or none where only unreadable files were found.
        unreadable: files that belong here as far as one can tell, and cannot be parsed.
        planes: in the order of the stack, or as found where there is no stack.
        stack: the geometry, or None where it cannot be judged.
        reasons: empty where the series can be used.
        n_copies: further files of the same images, which are passed over.
        n_missing: images that a DICOMDIR beside them lists of the series and that are not there.
    """

    instances: tuple[Instance, ...]
    unreadable: tuple[Unreadable, ...]
    planes: tuple[Plane, ...]
    stack: Stack | None
    reasons: tuple[GeometryReason, ...]
    n_copies: int = 0
    n_missing: int = 0

    @property
    def n_instances(self) -> int:
        """Files, readable or not, without copies."""
        return len(self.instances) + len(self.unreadable)

    @property
    def is_repairable(self) -> bool:
        """Whether a tilted gantry is all that is wrong."""
        return bool(self.reasons) and all(reason.code is Code.GANTRY_TILT for reason in self.reasons)

    @property
    def shape(self) -> tuple[int, int, int] | None:
        """(slice,row,column) where the planes form a stack."""
        if self.stack is None:
            return None
        pixels = self.instances[0].pixels
        return len(self.planes), pixels.rows, pixels.columns

    def with_reason(self, reason: GeometryReason) -> "Series":
        """The same series, refused for one more reason."""
        return replace(self, reasons=(*self.reasons, reason))


def group_series(headers: Iterable[Instance | Unreadable]) -> list[Series]:
    """Every series once, judged, in a stable order; an unreadable file goes to the only series of its folder.

    Copies of an image (see `copies`) are counted, and read once.
    """
    headers, copies = without_copies(list(headers))
    n_copies = Counter(_series_key(copy) for copy in copies)
    groups: dict[Hashable, list[Instance]] = defaultdict(list)
    unreadable: dict[Path, list[Unreadable]] = defaultdict(list)
    for header in headers:
        if isinstance(header, Unreadable):
            unreadable[header.path.parent].append(header)
        elif not header.is_directory:
            groups[_series_key(header)].append(header)
    keys_in_folder: dict[Path, set[Hashable]] = defaultdict(set)
    for key, instances in groups.items():
        for instance in instances:
            keys_in_folder[instance.path.parent].add(key)
    damaged: dict[Hashable, list[Unreadable]] = defaultdict(list)
    for folder, files in unreadable.items():
        here = keys_in_folder[folder]
        damaged[next(iter(here)) if len(here) == 1 else ("unreadable", folder)].extend(files)
    keys = [*groups, *(key for key in damaged if key not in groups)]
    return [_judged(tuple(groups.get(key, ())), tuple(damaged.get(key, ())), n_copies[key]) for key in keys]


def _series_key(instance: Instance) -> Hashable:
    """The UID; where it is blank, everything that the images of one series have in common."""
    if instance.series_uid:
        return instance.series_uid
    frame = instance.frames[0]
    return (
        instance.path.parent,
        instance.study_uid,
        instance.patient_id,
        instance.frame_of_reference,
        instance.series_number,
        instance.sop_class,
        instance.modality,
        instance.image_type,
        instance.kernel,
        (instance.pixels.rows, instance.pixels.columns),
        _rounded(frame.orientation, 2),
        _rounded(frame.pixel_spacing, 4),
    )


def _rounded(values: tuple[float, ...] | None, digits: int) -> tuple[float, ...] | None:
    return None if values is None else tuple(round(v, digits) + 0.0 for v in values)


def _judged(instances: tuple[Instance, ...], unreadable: tuple[Unreadable, ...], n_copies: int) -> Series:
    reasons = [_unreadable_reason(unreadable)] if unreadable else []
    planes = tuple(Plane(instance, frame) for instance in instances for frame in instance.frames)
    if not instances:
        return Series((), unreadable, (), None, tuple(reasons))
    kind = _kind_reasons(instances)
    if kind:
        return Series(instances, unreadable, planes, None, (*kind, *reasons), n_copies)
    other = _partly_other(instances)
    mixed = _mixed_reasons(instances, planes)
    stack, geometry_reasons = (None, _geometry_reasons(planes)) if mixed else _stack_of(planes)
    if stack is not None:
        planes = tuple(planes[index] for index in stack.order)
        geometry_reasons = _acquisition_reasons(planes, stack) + list(stack.reasons)
    if not any(reason.code is Code.DUPLICATE_POSITION for reason in geometry_reasons):
        other += _shared_uid_reasons(instances)
    reasons = [*other, *mixed, *geometry_reasons, *rescale_reasons(planes), *_pixel_reasons(instances), *reasons]
    return Series(instances, unreadable, planes, stack, tuple(reasons), n_copies)


def _shared_uid_reasons(instances: Sequence[Instance]) -> list[GeometryReason]:
    """Different images under one SOP Instance UID: no archive can hold both, and no result can refer to one of them."""
    counts = Counter(instance.sop_uid for instance in instances if instance.sop_uid)
    n_sharing = sum(count for count in counts.values() if count > 1)
    if n_sharing == 0:
        return []
    message = (
        f"{n_sharing} different images share a SOP Instance UID with another, so some were renamed or overwritten; "
        "export the series again from the archive"
    )
    return [GeometryReason(Code.MIXED_SERIES, message)]


def _unreadable_reason(unreadable: Sequence[Unreadable]) -> GeometryReason:
    message = f"{_files(len(unreadable))} cannot be read: {unreadable[0].why}; copy or export the series again"
    return GeometryReason(Code.UNDECODABLE, message)


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def _kind_reasons(instances: Sequence[Instance]) -> list[GeometryReason]:
    """Why these are no CT images at all; each is final, nothing further is then looked at."""
    first = instances[0]
    if all(_is_capture(instance) for instance in instances):
        message = "a screen or dose page, not images in Hounsfield units; choose a CT series"
        return [GeometryReason(Code.SECONDARY_CAPTURE, message)]
    if any(not _is_ct(instance) for instance in instances):
        shown = first.modality if first.modality.isalpha() and len(first.modality) <= 16 else "unknown"
        message = f"modality {shown}, not CT images; choose a CT series"
        return [GeometryReason(Code.NOT_CT, message)]
    if all(_is_localizer(instance) for instance in instances) or _is_localizer_by_geometry(instances):
        message = "a localizer (scout) image, not a volume; choose the CT series planned on it"
        return [GeometryReason(Code.LOCALIZER, message)]
    return []


def _is_capture(instance: Instance) -> bool:
    is_class = instance.sop_class.startswith(SECONDARY_CAPTURE_CLASS)
    is_color = instance.pixels.has_pixels and not instance.pixels.photometric.startswith("MONOCHROME")
    is_page = bool(PAGE_TYPES.intersection(instance.image_type))
    return is_class or (_is_ct(instance) and (is_page or is_color or instance.pixels.samples > 1))


def _is_ct(instance: Instance) -> bool:
    return instance.sop_class in CT_CLASSES | {""} and instance.modality in (
        {"CT"} if not instance.sop_class else {"CT", ""}
    )


def _is_localizer(instance: Instance) -> bool:
    return bool(LOCALIZER_TYPES.intersection(instance.image_type))


def _is_localizer_by_geometry(instances: Sequence[Instance]) -> bool:
    """Up to three original images, none of them transverse: only a scout is acquired so."""
    is_few = len(instances) <= 3 and all(len(instance.frames) == 1 for instance in instances)
    return is_few and all(
        "ORIGINAL" in i.image_type and transverse_cosine(i.frames[0]) < TRANSVERSE_COSINE for i in instances
    )


def transverse_cosine(frame: Frame) -> float:
    """How well the plane's normal follows the patient's axis; 1 where the file does not say."""
    if frame.orientation is None:
        return 1.0
    normal = np.cross(frame.orientation[:3], frame.orientation[3:])
    return float(abs(normal[2]))


def _partly_other(instances: Sequence[Instance]) -> list[GeometryReason]:
    """Maps, and localizers among other images."""
    if any(MAP_TYPES.intersection(instance.image_type) for instance in instances):
        message = "parametric maps computed from CT, not Hounsfield units; choose the source CT series"
        return [GeometryReason(Code.NOT_CT, message)]
    count = sum(_is_localizer(instance) for instance in instances)
    if count == 0:
        return []
    message = f"{count} of {len(instances)} images are localizers (scouts); export the series without them"
    return [GeometryReason(Code.LOCALIZER, message)]


def _mixed_reasons(instances: Sequence[Instance], planes: Sequence[Plane]) -> list[GeometryReason]:
    reasons = []
    orientations = np.array([p.frame.orientation for p in planes if p.frame.orientation], dtype=np.float64)
    if len(orientations) and np.abs(orientations - np.median(orientations, axis=0)).max() > PARALLEL_TOLERANCE:
        kinds = len(np.unique(orientations.round(2) + 0.0, axis=0))
        message = f"the slices have {max(kinds, 2)} orientations; export each orientation as its own series"
        reasons.append(GeometryReason(Code.MIXED_ORIENTATION, message))
    traits: dict[str, Callable[[Instance], Hashable]] = {
        "patients": lambda i: i.patient_id,
        "studies": lambda i: i.study_uid,
        "frames of reference": lambda i: i.frame_of_reference,
        "image sizes": lambda i: (i.pixels.rows, i.pixels.columns),
        "kernels": lambda i: i.kernel,
        "pixel formats": lambda i: (
            _is_capture(i),
            i.pixels.has_modality_lut,
            i.pixels.is_signed,
            i.pixels.photometric,
        ),
    }
    for name, trait in traits.items():
        counts = Counter(trait(instance) for instance in instances)
        if len(counts) > 1:
            message = f"images of {len(counts)} {name} under one series; export each as its own series"
            reasons.append(GeometryReason(Code.MIXED_SERIES, message))
    n_spacings = _n_pixel_spacings(planes)
    if n_spacings > 1:
        message = f"images of {n_spacings} pixel spacings under one series; export each as its own series"
        reasons.append(GeometryReason(Code.MIXED_SERIES, message))
    if has_odd_rescale(planes):
        kinds = len({plane.frame.rescale for plane in planes})
        message = f"{kinds} different rescales to HU under one series, as no scanner writes them; export it again"
        reasons.append(GeometryReason(Code.MIXED_SERIES, message))
    return reasons


def _n_pixel_spacings(planes: Sequence[Plane]) -> int:
    """How many pixel spacings there are; what differs by no more than rounding is one."""
    spacings = {plane.frame.pixel_spacing for plane in planes}
    known = np.array([spacing for spacing in spacings if spacing is not None])
    if len(known) == len(spacings) and np.ptp(known, axis=0).max() <= PIXEL_SPACING_TOLERANCE_MM:
        return 1
    return len({_rounded(spacing, 3) for spacing in spacings})


def _stack_of(planes: Sequence[Plane]) -> tuple[Stack | None, list[GeometryReason]]:
    missing = _geometry_reasons(planes)
    if missing:
        return None, missing
    positions = np.array([plane.frame.position for plane in planes], dtype=np.float64)
    orientation = np.median([plane.frame.orientation for plane in planes], axis=0)
    spacing = planes[0].frame.pixel_spacing or (1.0, 1.0)
    return judge_stack(positions, orientation, (spacing[0], spacing[1])), []


def _geometry_reasons(planes: Sequence[Plane]) -> list[GeometryReason]:
    lacking = {
        "Image Position (Patient)": sum(not _has_position(p.frame) for p in planes),
        "Image Orientation (Patient)": sum(not _has_orientation(p.frame) for p in planes),
        "Pixel Spacing": sum(not _has_spacing(p.frame) for p in planes),
    }
    names: dict[int, list[str]] = defaultdict(list)
    for name, count in lacking.items():
        names[count].append(name)
    return [
        GeometryReason(
            Code.MISSING_GEOMETRY,
            f"{count} of {len(planes)} slices have no usable {' or '.join(lacked)}; export the original images, not a "
            "converted copy",
        )
        for count, lacked in names.items()
        if count
    ]


def _has_position(frame: Frame) -> bool:
    return frame.position is not None and all(abs(v) <= FARTHEST_MM for v in frame.position)


def _has_orientation(frame: Frame) -> bool:
    return frame.orientation is not None and check_orientation(np.array(frame.orientation))


def _has_spacing(frame: Frame) -> bool:
    return frame.pixel_spacing is not None and all(0.01 <= v <= 20.0 for v in frame.pixel_spacing)


def _acquisition_reasons(planes: Sequence[Plane], stack: Stack) -> list[GeometryReason]:
    """Whether two acquisitions lie over one another under one UID; that is what most irregular distances come from.

    Regular distances can come from it too, where one lies halfway between the slices of the other: two phases of a
    contrast medium would alternate from slice to slice.
    """
    codes = {reason.code for reason in stack.reasons}
    is_irregular = bool(codes & {Code.DUPLICATE_POSITION, Code.VARIABLE_SPACING, Code.GAP})
    positions = np.array([plane.frame.position for plane in planes])
    orientation = np.array(planes[0].frame.orientation)
    along = positions @ np.cross(orientation[:3], orientation[3:])
    traits: dict[str, Callable[[Instance], Hashable]] = {
        "acquisitions": lambda i: i.acquisition,
        "slice thicknesses": lambda i: i.thickness,
        "image types": lambda i: i.image_type,
        "series numbers": lambda i: i.series_number,
    }
    for name, trait in traits.items():
        if not is_irregular and name != "acquisitions":
            continue
        members: dict[Hashable, list[float]] = defaultdict(list)
        for plane, place in zip(planes, along, strict=True):
            members[trait(plane.instance)].append(float(place))
        if len(members) > 1 and _overlap_cleanly(list(members.values())):
            message = f"{len(members)} {name} over the same range under one series; export each as its own series"
            return [GeometryReason(Code.MIXED_SERIES, message)]
    return []


def _overlap_cleanly(groups: list[list[float]]) -> bool:
    """Whether groups of positions cover common ground while none repeats a position within itself."""
    if any(len(group) < 2 or np.diff(sorted(group)).min() < 0.01 for group in groups):
        return False
    ranges = sorted((min(group), max(group)) for group in groups)
    return any(later[0] < earlier[1] for earlier, later in pairwise(ranges))


def _pixel_reasons(instances: Sequence[Instance]) -> list[GeometryReason]:
    faults = [fault for instance in instances if (fault := layout_fault(instance.pixels, instance.path)) is not None]
    n_voxels = sum(i.pixels.rows * i.pixels.columns * i.pixels.n_frames for i in instances)
    reasons = []
    if faults:
        message = f"{_files(len(faults))} cannot be decoded: {faults[0]}; copy or export the series again"
        reasons.append(GeometryReason(Code.UNDECODABLE, message))
    elif n_voxels > limits.MAX_VOXELS:
        message = (
            f"{n_voxels:.2g} voxels are more than the {limits.MAX_VOXELS:.2g} that are read; export a smaller range"
        )
        reasons.append(GeometryReason(Code.UNDECODABLE, message))
    return reasons
