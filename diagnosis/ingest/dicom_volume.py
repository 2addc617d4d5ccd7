"""DICOM in, a CT volume out: `inspect_path` says what is there (of NIfTI too), `read_volume` reads what is chosen."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt

from diagnosis.errors import GeometryError, InputError
from diagnosis.ingest import limits
from diagnosis.ingest.copies import copies_words
from diagnosis.ingest.dicom_header import Instance, PixelLayout, Plane, Unreadable, read_header
from diagnosis.ingest.dicom_pixels import doubt_of_hu, read_hu
from diagnosis.ingest.dicom_series import Series, group_series
from diagnosis.ingest.dicomdir import listed_files, listed_images
from diagnosis.ingest.file_tree import FileSet, opened
from diagnosis.ingest.nifti import inspect_nifti, nifti_at
from diagnosis.ingest.other_formats import remedy
from diagnosis.ingest.passed_over import is_archive, passed_over_remedy, passed_over_words
from diagnosis.ingest.pixel_layout import NATIVE
from diagnosis.ingest.series_choice import Choice, choose_series
from diagnosis.ingest.source_headers import read_source_headers
from diagnosis.ingest.tilt_repair import LARGEST_TILT_DEGREES, sheared_to_orthogonal
from diagnosis.progress import OnProgress
from diagnosis.record.identity import StudyIdentity
from diagnosis.record.series import GeometryReason, SeriesReport
from diagnosis.record.volume import Volume
from diagnosis.vocabulary import GeometryCode, Verdict, counted

RESAMPLE = "resample"


@final
@dataclass(frozen=True)
class ReadSeries:
    """A CT volume with what its headers say of the patient, and what the reader of the assessment should know."""

    volume: Volume
    identity: StudyIdentity
    age_years: float | None
    sex: str
    warnings: tuple[str, ...]


@final
@dataclass(frozen=True)
class Slab:
    """Only the slices whose centers lie within so many mm of a point along the slice normal are read."""

    center_mm: tuple[float, float, float]
    half_length_mm: float

    def reach_mm(self, _normal: npt.NDArray[np.float64]) -> float:
        """How far from the center slices are read, along the slice normal: the same for every (3,) normal."""
        return self.half_length_mm


@final
@dataclass(frozen=True)
class Box:
    """Only the slices that a box along the patient's axes touches are read, whichever way the slices lie."""

    center_mm: tuple[float, float, float]
    half_size_mm: tuple[float, float, float]

    def reach_mm(self, normal: npt.NDArray[np.float64]) -> float:
        """How far from the center slices are read: half the box's shadow on the slice normal, (3,) of unit length."""
        return float(np.abs(normal) @ np.array(self.half_size_mm))


def inspect_path(path: Path, *, repair: str | None = None, on_progress: OnProgress | None = None) -> list[SeriesReport]:
    """Every series below a path once, chosen or not, with its verdict; compressed series are decoded to be sure.

    Args:
        path: a folder, a zip archive, a DICOMDIR, a DICOM or a NIfTI file, or a folder of one NIfTI file.
        repair: "resample" to accept tilted but otherwise regular series as repaired.
        on_progress: called with (done, total) files.

    Raises:
        InputError: the path is missing, holds no DICOM, or is a damaged archive; an unknown repair.
        LimitExceededError: larger than the limits.
    """
    _check_repair(repair)
    nifti = nifti_at(path)
    if nifti is not None:
        return [inspect_nifti(nifti)]
    with _series_below(path, on_progress) as (found, warnings):
        series = [_with_trial_decoding(one, repair, on_progress) for one in found]
        choice = choose_series(series, [_is_usable(one, repair) for one in series])
        reports = [_report(one, index, choice, repair) for index, one in enumerate(series)]
        own = [_missing(one) + (_doubts(one) if _is_usable(one, repair) else ()) for one in series]
        return [replace(report, warnings=told + warnings) for report, told in zip(reports, own, strict=True)]


def read_volume(
    path: Path,
    *,
    series_uid: str | None = None,
    repair: str | None = None,
    within: Slab | Box | None = None,
    on_progress: OnProgress | None = None,
) -> Volume:
    """The CT volume of the series that the rule chooses, or of the one named.

    Args:
        path: a folder, a zip archive, a DICOMDIR, or a file.
        series_uid: take this series; it has to pass the gate all the same.
        repair: "resample" to accept and repair a tilted but otherwise regular series.
        within: read only the slices around a point (the gate still judges all).
        on_progress: called with (done, total) planes.

    Raises:
        GeometryError: no series passes the gate, or a slice cannot be decoded.
        InputError: the path is missing, holds no DICOM or several patients, or is a damaged archive.
        LimitExceededError: larger than the limits.
    """
    return read_series(path, series_uid=series_uid, repair=repair, within=within, on_progress=on_progress).volume


def read_series(
    path: Path,
    *,
    series_uid: str | None = None,
    repair: str | None = None,
    within: Slab | Box | None = None,
    on_progress: OnProgress | None = None,
) -> ReadSeries:
    """As `read_volume`, together with who it is; the identity's `case_id` is left for the caller to set."""
    _check_repair(repair)
    with _series_below(path, None) as (found, warnings):
        choice = choose_series(found, [_is_usable(one, repair) for one in found], series_uid)
        if choice.chosen is None:
            raise _nothing_to_read(found, choice, series_uid)
        chosen = found[choice.chosen]
        if not _is_usable(chosen, repair):
            raise GeometryError(_refusal_message(chosen, found))
        read = _read(chosen, within, on_progress)
        told = (*read.warnings, *(f"CT: {warning}" for warning in _missing(chosen) + warnings))
        return replace(read, warnings=told)


def _check_repair(repair: str | None) -> None:
    if repair not in {None, RESAMPLE}:
        msg = f"repair: the only kind is {RESAMPLE!r}; leave it out or use that"
        raise InputError(msg)


@contextmanager
def _series_below(path: Path, on_progress: OnProgress | None) -> Iterator[tuple[list[Series], tuple[str, ...]]]:
    """The series of a path, and what was passed over beside them."""
    with opened(path) as files:
        headers, n_archives = _headers(files, on_progress)
        passed_over = passed_over_words(files.n_links, n_archives)
        directories = [one.path for one in headers if isinstance(one, Instance) and one.is_directory]
        if path.is_file() and len(headers) == 1 and isinstance(headers[0], Instance) and headers[0].is_directory:
            headers, _ = _headers(FileSet(listed_files(path), files.scratch), on_progress)
        series = _compared(group_series(headers), directories)
        if not series:
            advice = passed_over_remedy(files.n_links, n_archives) or remedy(files.files)
            beside = f" ({passed_over})" if passed_over else ""
            msg = f"input: there are no DICOM images at this path{beside}; {advice}"
            raise InputError(msg)
        yield series, () if passed_over is None else (passed_over,)


def _compared(found: list[Series], directories: Sequence[Path]) -> list[Series]:
    """The series with how many images are missing of those that the DICOMDIRs among the files list."""
    listed: dict[str, set[str]] = {}
    for directory in directories:
        for uid, images in listed_images(directory).items():
            listed.setdefault(uid, set()).update(images)

    def n_missing(one: Series) -> int:
        uid = one.instances[0].series_uid if one.instances else ""
        return len(listed.get(uid, set()) - {instance.sop_uid for instance in one.instances})

    return [replace(one, n_missing=n_missing(one)) for one in found]


def _headers(files: FileSet, on_progress: OnProgress | None) -> tuple[list[Instance | Unreadable], int]:
    """What the files are, and how many archives there are among the others."""
    deadline = limits.Deadline()
    n_archives = 0
    headers: list[Instance | Unreadable] = []
    for number, path in enumerate(files.files, start=1):
        deadline.check()
        if path.name.startswith("._"):  # metadata that macOS leaves beside each file, under the same suffix
            continue
        header = read_header(path, files.scratch)
        if header is not None:
            headers.append(header)
        else:
            n_archives += is_archive(path)
        if on_progress is not None:
            on_progress(number, len(files.files))
    return headers, n_archives


def _is_usable(series: Series, repair: str | None) -> bool:
    if not series.reasons:
        return True
    is_moderate = series.stack is not None and series.stack.tilt_degrees <= LARGEST_TILT_DEGREES
    return repair == RESAMPLE and series.is_repairable and is_moderate


def _with_trial_decoding(series: Series, repair: str | None, on_progress: OnProgress | None) -> Series:
    """Decode what would be accepted where no header shows that it can be: damage lies inside of codestreams."""
    if not _is_usable(series, repair) or all(_shows_itself(instance.pixels) for instance in series.instances):
        return series
    try:
        for start in range(0, len(series.planes), 16):
            part = series.planes[start : start + 16]
            read_hu(part, places=range(start, start + len(part)))
            if on_progress is not None:
                on_progress(min(start + 16, len(series.planes)), len(series.planes))
    except GeometryError as error:
        message = str(error).removeprefix("series: ")
        return series.with_reason(GeometryReason(GeometryCode.UNDECODABLE, message))
    return series


def _shows_itself(pixels: PixelLayout) -> bool:
    """Whether nothing of how the values are stored has to be tried."""
    is_plain = pixels.transfer_syntax in NATIVE and not pixels.has_modality_lut
    return is_plain and pixels.high_bit == pixels.bits_stored - 1


def _missing(series: Series) -> tuple[str, ...]:
    if series.n_missing == 0:
        return ()
    more = "1 further image" if series.n_missing == 1 else f"{series.n_missing} further images"
    return (f"the DICOMDIR lists {more} of this series that cannot be found; copy the medium again",)


def _doubts(series: Series) -> tuple[str, ...]:
    """What the values of a series that is accepted give to doubt; it has been found that they can be decoded."""
    places = sorted({0, len(series.planes) // 2, len(series.planes) - 1})
    doubt = doubt_of_hu(read_hu([series.planes[place] for place in places], places=places)[0])
    return () if doubt is None else (doubt,)


def _report(series: Series, index: int, choice: Choice, repair: str | None) -> SeriesReport:
    first = series.instances[0] if series.instances else None
    accepted = Verdict.REPAIRED if series.reasons else Verdict.REGULAR
    return SeriesReport(
        series_uid=first.series_uid if first else "",
        description=first.description if first else "",
        n_instances=series.n_instances,
        verdict=accepted if _is_usable(series, repair) else Verdict.REFUSED,
        reasons=series.reasons,
        is_chosen=index == choice.chosen,
        why_not_chosen=choice.why_not[index],
        spacing_mm=series.stack.spacing_mm if series.stack else None,
        shape=series.shape,
        n_copies=series.n_copies,
    )


def _nothing_to_read(found: Sequence[Series], choice: Choice, series_uid: str | None) -> InputError:
    if series_uid is not None:
        return InputError("series: none has the UID that was asked for; list them with `diagnosis inspect`")
    patients = [why for why in choice.why_not if why and not why.startswith("refused")]
    if patients:
        return InputError(f"input: {patients[0]}")
    best = max(found, key=lambda one: (one.stack is not None, one.n_instances))
    return GeometryError(_refusal_message(best, found))


def _refusal_message(series: Series, found: Sequence[Series]) -> str:
    where = "the series" if len(found) == 1 else f"none of {len(found)} series can be used; the largest"
    reasons = "; ".join(f"{reason.code.value}: {reason.message}" for reason in series.reasons)
    return f"CT: {where} ({counted(series.n_instances, 'image')}) is refused: {reasons}"


def _read(series: Series, within: Slab | Box | None, on_progress: OnProgress | None) -> ReadSeries:
    if series.stack is None or series.stack.affine_lps is None:
        msg = "CT: the series has no geometry; export it again"
        raise GeometryError(msg)
    planes, affine = _planes_within(series.planes, series.stack.affine_lps, within)
    first_place = series.planes.index(planes[0])
    hu, padding_hu = read_hu(planes, on_progress, places=range(first_place, first_place + len(planes)))
    history = [] if len(planes) == len(series.planes) else [f"only {len(planes)} of {len(series.planes)} slices read"]
    if any(instance.is_lossy for instance in series.instances):
        history.append("the images had been compressed with loss before they were read")
    if series.reasons:
        volume = sheared_to_orthogonal(hu, affine, tuple(history))
    else:
        volume = Volume(hu, affine, padding_hu=padding_hu, history=tuple(history))
    first = series.instances[0]
    identity = StudyIdentity(
        case_id="",
        patient_id=first.patient_id or None,
        accession_number=first.accession_number or None,
        study_uid=first.study_uid or None,
        series_uid=first.series_uid or None,
        sop_instance_uids=tuple(dict.fromkeys(plane.instance.sop_uid for plane in planes)),
        source=read_source_headers(planes[0].instance.path),
    )
    warnings = [f"CT: {entry}" for entry in volume.history if not entry.startswith("only ")]
    doubt = doubt_of_hu(hu)
    if doubt is not None:
        warnings.append(f"CT: {doubt}")
    if series.n_copies:
        warnings.append(f"CT: {copies_words(series.n_copies)}")
    return ReadSeries(volume, identity, _age_years(first.age), first.sex, tuple(warnings))


def _planes_within(
    planes: Sequence[Plane], affine: npt.NDArray[np.float64], within: Slab | Box | None
) -> tuple[Sequence[Plane], npt.NDArray[np.float64]]:
    """The planes of a slab and their affine; those of the nearest three where the slab is thinner or outside."""
    if within is None:
        return planes, affine
    normal = np.cross(affine[:3, 2], affine[:3, 1])
    normal /= np.linalg.norm(normal)
    step = affine[:3, 0] @ normal
    middle = float((np.array(within.center_mm) - affine[:3, 3]) @ normal / step)
    reach = within.reach_mm(normal) / abs(step)
    first = int(np.clip(np.floor(middle - reach), 0, len(planes) - 3))
    last = int(np.clip(np.ceil(middle + reach), first + 2, len(planes) - 1))
    moved = affine.copy()
    moved[:3, 3] += first * affine[:3, 0]
    return planes[first : last + 1], moved


def _age_years(age: str) -> float | None:
    """Patient's Age as PS3.5 writes it: three digits and D, W, M or Y."""
    per_year = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}
    if len(age) != 4 or not age[:3].isdigit() or age[3] not in per_year:
        return None
    return int(age[:3]) / per_year[age[3]]
