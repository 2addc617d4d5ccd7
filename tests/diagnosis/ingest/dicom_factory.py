"""Synthetic CT series, written by pydicom, with one property bent at a time."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
Change = Callable[[Dataset, int], None]


def make_slice(position: Sequence[float], *, series_uid: str, index: int = 0) -> FileDataset:
    """One 40 x 32 CT slice whose stored value is 1000 + 10 * row + column + 100 * index."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    data_set = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data_set.SOPClassUID = CTImageStorage
    data_set.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data_set.Modality = "CT"
    data_set.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data_set.PatientID = "P1"
    data_set.PatientName = "Planted^Identifier"
    data_set.PatientAge, data_set.PatientSex = "067Y", "F"
    data_set.StudyInstanceUID, data_set.StudyDate, data_set.StudyTime = "1.2.3.4", "20200101", "120000"
    data_set.StudyID, data_set.SeriesNumber, data_set.InstanceNumber = "1", 1, index + 1
    data_set.SeriesInstanceUID = series_uid
    data_set.FrameOfReferenceUID = "1.2.3.5"
    data_set.SeriesDescription = "Thorax"
    data_set.AcquisitionNumber = 1
    data_set.SliceThickness = 2.5
    data_set.ConvolutionKernel = "STANDARD"
    data_set.ImagePositionPatient = [float(v) for v in position]
    data_set.ImageOrientationPatient = list(AXIAL)
    data_set.PixelSpacing = [0.8, 0.8]
    data_set.RescaleSlope, data_set.RescaleIntercept = 1, -1024
    data_set.SamplesPerPixel, data_set.PhotometricInterpretation = 1, "MONOCHROME2"
    data_set.BitsAllocated, data_set.BitsStored, data_set.HighBit = 16, 16, 15
    data_set.PixelRepresentation = 0
    set_pixels(data_set, stored_values(index))
    return data_set


def stored_values(index: int) -> np.ndarray:
    """Stored values of slice `index`, 40 x 32."""
    rows, columns = np.mgrid[:40, :32]
    return (1000 + 10 * rows + columns + 100 * index).astype(np.uint16)


def set_pixels(data_set: Dataset, pixels: np.ndarray) -> None:
    """Put uncompressed pixels into a data set."""
    data_set.Rows, data_set.Columns = pixels.shape
    data_set.PixelRepresentation = int(pixels.dtype.kind == "i")
    data_set.PixelData = pixels.tobytes()
    data_set["PixelData"].VR = "OW"


def write_series(
    folder: Path,
    positions: Sequence[Sequence[float]] | None = None,
    *,
    change: Change | None = None,
    uid: str = "1.2.9",
) -> list[Path]:
    """Write a series, eight slices 2.5 mm apart unless told; `change` bends each slice before it is written."""
    folder.mkdir(parents=True, exist_ok=True)
    places = [(-10.0, -20.0, 2.5 * k) for k in range(8)] if positions is None else positions
    paths = []
    for index, position in enumerate(places):
        data_set = make_slice(position, series_uid=uid, index=index)
        if change is not None:
            change(data_set, index)
        path = folder / f"{uid}_{index:03d}.dcm"
        data_set.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def setting(**values: object) -> Change:
    """A change that sets the same elements on every slice; None deletes."""

    def change(data_set: Dataset, _index: int) -> None:
        for keyword, value in values.items():
            if value is None:
                delattr(data_set, keyword)
            else:
                setattr(data_set, keyword, value)

    return change


def on_slice(number: int, change: Change) -> Change:
    """A change applied to one slice alone."""

    def only(data_set: Dataset, index: int) -> None:
        if index == number:
            change(data_set, index)

    return only


def write_enhanced(path: Path, heights: Sequence[float]) -> Path:
    """Write one enhanced multi-frame CT file, a frame for each height, in the order given."""
    data_set = make_slice((0, 0, 0), series_uid="1.2.9")
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope"):
        delattr(data_set, keyword)
    del data_set.RescaleIntercept
    data_set.SOPClassUID = data_set.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    data_set.NumberOfFrames = len(heights)
    pixels = np.stack([stored_values(k) for k in range(len(heights))])
    data_set.PixelData = pixels.tobytes()
    shared = Dataset()
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=list(AXIAL))]
    shared.PixelMeasuresSequence = [_item(PixelSpacing=[1.2, 0.8])]
    shared.PixelValueTransformationSequence = [_item(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU")]
    data_set.SharedFunctionalGroupsSequence = [shared]
    data_set.PerFrameFunctionalGroupsSequence = [
        _item(PlanePositionSequence=[_item(ImagePositionPatient=[-10.0, -20.0, float(height)])]) for height in heights
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    data_set.save_as(path, enforce_file_format=True)
    return path


def _item(**values: object) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item
