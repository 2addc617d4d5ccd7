"""A CT series on disk: one CT Image Storage instance a slice, JPEG 2000 lossless, plainly marked as synthetic."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, JPEG2000Lossless, generate_uid

from diagnosis.phantom.patient import PlantedCt
from diagnosis.phantom.scanner import PADDING_HU
from diagnosis.phantom.spec import PhantomSpec

INTERCEPT_HU = -1024
STUDY_DATE = "20200101"
STUDY_TIME = "120000"
"""Fixed, so that the same seed gives the same bytes; nothing was acquired on that day."""
IMPLEMENTATION_NAME = "DIAG_PHANTOM"


def write_ct_series(spec: PhantomSpec, ct: PlantedCt, folder: Path) -> int:
    """Write the series and return the number of files.

    The same spec gives the same bytes with the same version of the encoder; UIDs are hashes of `case_id` and seed.
    Instance 1 is the topmost slice, as most scanners number them.

    Args:
        spec: who and how.
        ct: what.
        folder: created if need be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    n_slices = len(ct.hu)
    for number in range(1, n_slices + 1):
        k = n_slices - number
        instance = _instance(spec, ct, k, number)
        instance.compress(JPEG2000Lossless, _stored_values(spec, ct.hu[k]), generate_instance_uid=False)
        instance.save_as(folder / f"{number:04d}.dcm", enforce_file_format=True)
    return n_slices


def _uid(spec: PhantomSpec, *parts: str) -> UID:
    return generate_uid(entropy_srcs=["diagnosis phantom", spec.case_id, str(spec.seed), spec.informative, *parts])


def _stored_values(spec: PhantomSpec, hu: npt.NDArray[np.int16]) -> npt.NDArray[np.int16] | npt.NDArray[np.uint16]:
    stored = (hu.astype(np.int32) - INTERCEPT_HU) // spec.scan.hu_step
    return stored.astype(np.int16) if spec.scan.has_padding else stored.astype(np.uint16)


def _instance(spec: PhantomSpec, ct: PlantedCt, k: int, number: int) -> FileDataset:
    """Everything of slice `k` but its pixels."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = _uid(spec, "instance", str(number))
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = generate_uid(entropy_srcs=["diagnosis phantom"])
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    instance = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    instance.SpecificCharacterSet = "ISO_IR 192"
    instance.SOPClassUID = CTImageStorage
    instance.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    instance.InstanceNumber = number
    _set_patient_and_study(instance, spec)
    _set_series(instance, spec)
    _set_plane(instance, spec, ct, k)
    _set_pixels(instance, spec)
    return instance


def _set_patient_and_study(instance: Dataset, spec: PhantomSpec) -> None:
    instance.PatientName = f"Phantom^{spec.case_id}"
    instance.PatientID = f"PHANTOM-{spec.case_id}"
    instance.PatientBirthDate = ""
    instance.PatientSex = spec.body.sex.value
    instance.PatientAge = f"{spec.body.age_years:03d}Y"
    instance.PatientComments = "Synthetic: no person was imaged."
    instance.StudyInstanceUID = _uid(spec, "study")
    instance.StudyID = "1"
    instance.StudyDate = instance.SeriesDate = instance.AcquisitionDate = instance.ContentDate = STUDY_DATE
    instance.StudyTime = instance.SeriesTime = instance.AcquisitionTime = instance.ContentTime = STUDY_TIME
    instance.AccessionNumber = ""
    instance.ReferringPhysicianName = ""
    instance.StudyDescription = "Synthetic chest CT"


def _set_series(instance: Dataset, spec: PhantomSpec) -> None:
    instance.Modality = "CT"
    instance.SeriesInstanceUID = _uid(spec, "series")
    instance.SeriesNumber = 2
    instance.SeriesDescription = "Chest axial, phantom"
    instance.Manufacturer = "diagnosis phantom"
    instance.ManufacturerModelName = "synthetic"
    instance.BodyPartExamined = "CHEST"
    instance.FrameOfReferenceUID = _uid(spec, "frame of reference")
    instance.PositionReferenceIndicator = ""
    instance.PatientPosition = "HFS"
    instance.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    instance.AcquisitionNumber = 1
    instance.KVP = "120"
    instance.ConvolutionKernel = "LUNG" if spec.scan.sharpness > 0.5 else "STANDARD"
    instance.ReconstructionDiameter = f"{spec.scan.size * spec.scan.pixel_mm:.6g}"
    instance.GantryDetectorTilt = "0"
    if spec.body.is_contrast_enhanced:
        instance.ContrastBolusAgent = "IV contrast"


def _set_plane(instance: Dataset, spec: PhantomSpec, ct: PlantedCt, k: int) -> None:
    position = [f"{v:.6g}" for v in ct.affine_lps[:3, 3] + k * ct.affine_lps[:3, 0]]
    instance.ImagePositionPatient = position
    instance.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    instance.SliceLocation = position[2]
    instance.SliceThickness = f"{spec.scan.slice_mm:g}"
    instance.PixelSpacing = [f"{spec.scan.pixel_mm:.6g}"] * 2


def _set_pixels(instance: Dataset, spec: PhantomSpec) -> None:
    instance.SamplesPerPixel = 1
    instance.PhotometricInterpretation = "MONOCHROME2"
    instance.Rows = instance.Columns = spec.scan.size
    instance.BitsAllocated = 16
    instance.BitsStored = 16 if spec.scan.has_padding else 12
    instance.HighBit = instance.BitsStored - 1
    instance.PixelRepresentation = int(spec.scan.has_padding)
    if spec.scan.has_padding:
        instance.PixelPaddingValue = (PADDING_HU - INTERCEPT_HU) // spec.scan.hu_step
    instance.RescaleIntercept = str(INTERCEPT_HU)
    instance.RescaleSlope = str(spec.scan.hu_step)
    instance.RescaleType = "HU"
    instance.WindowCenter = ["-600", "40"]
    instance.WindowWidth = ["1500", "400"]
    instance.WindowCenterWidthExplanation = ["LUNG", "SOFT TISSUE"]
