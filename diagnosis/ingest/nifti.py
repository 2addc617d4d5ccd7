"""NIfTI volumes: RAS affine and (i,j,k) arrays to LPS and (slice,row,column) = (k,j,i), without resampling.

The header is checked before the voxels are touched: a few hundred bytes can claim terabytes. `.nii.gz` is inflated only
as far as the header's own size, so that what follows a small image is never unpacked.
"""

import gzip
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from diagnosis.errors import GeometryError, InputError, LimitExceededError
from diagnosis.ingest import limits
from diagnosis.ingest.archive import GZIP_MAGIC
from diagnosis.ingest.dicom_pixels import AIR_HU, BELOW_AIR_HU
from diagnosis.record.geometry import LPS_TO_RAS
from diagnosis.record.series import GeometryReason, SeriesReport
from diagnosis.record.volume import Volume
from diagnosis.vocabulary import GeometryCode, Verdict

if TYPE_CHECKING:
    import nibabel as nib

NIFTI_SUFFIXES = (".nii", ".nii.gz")
COMPANIONS = frozenset({".json", ".txt", ".csv", ".xml", ".md", ".bval", ".bvec"})
"""What converters write beside an image."""
FORM_TOLERANCE_MM = 0.5
"""How far sform and qform may place the same corner apart; qform is stored as rounded quaternions."""
HEADER_BYTES = 348
OTHER_UNITS = {1: "meters", 3: "micrometers"}
"""By their codes in the header; 2 are mm, and many writers state none and mean mm."""
LEAST_HU_RANGE = 100.0
"""A patient in CT spans from air or fat to soft tissue, at least 100 HU."""
PARSE_FAILURES = (ArithmeticError, EOFError, LookupError, OSError, TypeError, ValueError, struct.error, zlib.error)


def is_nifti(path: Path) -> bool:
    """Whether the name ends as NIfTI files do."""
    return path.name.lower().endswith(NIFTI_SUFFIXES)


def nifti_at(path: Path) -> Path | None:
    """The NIfTI file that a path names: itself, or the only one of a folder that holds nothing but its companions."""
    if not path.is_dir():
        return path if is_nifti(path) else None
    files = [file for file in path.iterdir() if not file.name.startswith(".")]
    images = [file for file in files if file.is_file() and is_nifti(file)]
    others = (file for file in files if file not in images)
    is_alone = len(images) == 1 and all(file.is_file() and file.suffix.lower() in COMPANIONS for file in others)
    return images[0] if is_alone else None


def read_nifti(path: Path) -> Volume:
    """Any three-dimensional NIfTI volume (an image, a mask) in LPS; `read_ct_nifti` also asks for HU.

    Raises:
        InputError: missing, damaged, or not NIfTI.
        GeometryError: not three-dimensional, not placed in the patient, two placements that contradict each other,
            color or complex voxels.
        LimitExceededError: larger than the limits.
    """
    image = _opened(path)
    shape = _checked_shape(image)
    return _volume(image, shape, _checked_affine(image, shape))


def read_ct_nifti(path: Path) -> Volume:
    """A NIfTI volume that has to be CT in HU; what lies outside the scanner's field becomes air, as in DICOM.

    Raises:
        GeometryError: as `read_nifti`, and values that cannot be Hounsfield units.
    """
    volume = read_nifti(path)
    _require_hu(volume)
    is_padded = volume.hu < BELOW_AIR_HU
    if not is_padded.any():
        return volume
    return replace(volume, hu=np.where(is_padded, np.float32(AIR_HU), volume.hu), padding_hu=AIR_HU)


def inspect_nifti(path: Path) -> SeriesReport:
    """The verdict on a NIfTI file, in the words and codes that a DICOM series gets.

    Raises:
        InputError: there is no such file, or it is not NIfTI at all.
        LimitExceededError: larger than the limits.
    """
    image = _opened(path)
    code = GeometryCode.NOT_CT
    try:
        shape = _checked_shape(image)
        code = GeometryCode.MISSING_GEOMETRY
        affine = _checked_affine(image, shape)
        code = GeometryCode.UNDECODABLE
        volume = _volume(image, shape, affine)
        code = GeometryCode.MISSING_RESCALE
        _require_hu(volume)
    except LimitExceededError:
        raise
    except InputError as error:
        reasons = (GeometryReason(code, str(error).removeprefix("NIfTI: ")),)
        return SeriesReport("", "NIfTI", 1, Verdict.REFUSED, reasons, why_not_chosen="refused")
    size = volume.hu.shape
    return SeriesReport(
        "", "NIfTI", 1, Verdict.REGULAR, is_chosen=True, spacing_mm=volume.spacing_mm, shape=(size[0], size[1], size[2])
    )


def _opened(path: Path) -> "nib.Nifti1Image":
    """The header of a file; no voxel is read yet."""
    import nibabel as nib
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    if not path.is_file():
        msg = "NIfTI: the file does not exist; check its spelling"
        raise InputError(msg)
    limits.check_file_size(path, limits.MAX_FILE_BYTES, "NIfTI")
    try:
        image = nib.load(path)
    except (*PARSE_FAILURES, ImageFileError, HeaderDataError) as error:
        raise InputError(_damage(path, error)) from error
    if not isinstance(image, nib.Nifti1Image):
        msg = "NIfTI: the file is of another format; convert it to .nii or .nii.gz"
        raise InputError(msg)
    return image


def _damage(path: Path, error: Exception) -> str:
    """Why a file cannot be opened; a browser that unpacks what it downloads leaves the name as it was."""
    with path.open("rb") as file:
        is_packed = file.read(2) == GZIP_MAGIC
    if is_packed != path.name.lower().endswith(".gz") and path.stat().st_size > HEADER_BYTES:
        told = "is gzip-compressed and its name does not end" if is_packed else "is not compressed and its name ends"
        return f"NIfTI: the file {told} in .gz; rename it"
    return f"NIfTI: the file is damaged or not NIfTI ({type(error).__name__}); convert it again"


def _volume(image: "nib.Nifti1Image", shape: tuple[int, int, int], ras: npt.NDArray[np.float64]) -> Volume:
    try:
        voxels = image.get_fdata(dtype=np.float32, caching="unchanged")
    except MemoryError as error:
        size = "x".join(map(str, shape))
        msg = f"NIfTI: its header claims {size} voxels, more than this machine has memory for; crop or convert it again"
        raise LimitExceededError(msg) from error
    except (*PARSE_FAILURES, gzip.BadGzipFile) as error:
        msg = f"NIfTI: its voxels are damaged or end too early ({type(error).__name__}); convert it again"
        raise InputError(msg) from error
    return Volume(voxels.reshape(shape).transpose(2, 1, 0), _lps_slice_row_column(ras))


def _require_hu(volume: Volume) -> None:
    low, high = float(volume.hu.min()), float(volume.hu.max())
    if high - low < LEAST_HU_RANGE or (low >= 0 and high <= 255):
        msg = (
            f"NIfTI: values from {low:g} to {high:g} are not Hounsfield units (windowed, normalized, or a mask?); "
            "convert it again without rescaling"
        )
        raise GeometryError(msg)
    if low >= 0:
        msg = (
            f"NIfTI: values from {low:g} to {high:g} hold no air and no fat, so they are not Hounsfield units (the "
            "rescale intercept was left out?); convert the original images again"
        )
        raise GeometryError(msg)


def _checked_shape(image: "nib.Nifti1Image") -> tuple[int, int, int]:
    """Size of the three spatial axes; further axes must be of length one."""
    shape, dtype = image.header.get_data_shape(), image.get_data_dtype()
    if len(shape) < 3 or any(size != 1 for size in shape[3:]):
        msg = f"NIfTI: {'x'.join(map(str, shape))} is not one three-dimensional volume; give a single 3-D image"
        raise GeometryError(msg)
    if dtype.fields is not None or dtype.kind not in "iuf":
        msg = "NIfTI: its voxels are colors or complex numbers, not CT values; convert the original images"
        raise GeometryError(msg)
    size = shape[0], shape[1], shape[2]
    if min(size) < 1 or size[0] * size[1] * size[2] > limits.MAX_VOXELS:
        msg = (
            f"NIfTI: its header claims {'x'.join(map(str, size))} voxels, more than are read; crop or convert it again"
        )
        raise LimitExceededError(msg)
    return size


def _checked_affine(image: "nib.Nifti1Image", shape: tuple[int, int, int]) -> npt.NDArray[np.float64]:
    """The RAS affine; its unit has to be mm, sform and qform have to agree where both are given."""
    unit = int(image.header["xyzt_units"]) & 7
    if unit in OTHER_UNITS:
        msg = f"NIfTI: its coordinates are stated in {OTHER_UNITS[unit]}, where mm are read; convert it again in mm"
        raise GeometryError(msg)
    sform, sform_code = image.get_sform(coded=True)
    qform, qform_code = image.get_qform(coded=True)
    if sform is None and qform is None:
        msg = "NIfTI: it has neither sform nor qform, so its place in the patient is unknown; convert it again"
        raise GeometryError(msg)
    if sform is not None and qform is not None:
        ends = np.array([(i, j, k, 1) for i in (0, shape[0]) for j in (0, shape[1]) for k in (0, shape[2])])
        apart = float(np.abs(ends @ (sform - qform).T).max())
        if not apart <= FORM_TOLERANCE_MM:
            msg = (
                f"NIfTI: sform and qform place it {apart:.1f} mm apart (codes {sform_code} and {qform_code}); "
                "convert it again, or copy the right one over the other"
            )
            raise GeometryError(msg)
    affine = sform if sform is not None else qform
    return np.asarray(affine, dtype=np.float64)


def _lps_slice_row_column(ras: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """RAS affine of (i,j,k) to LPS affine of (k,j,i)."""
    lps = LPS_TO_RAS @ ras
    return lps[:, [2, 1, 0, 3]]
