"""What is measured with: synthetic, made anew each time, of the size of the real thing."""

import csv
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from diagnosis.record import Audio

SPACING_MM = (1.0, 0.75, 0.75)
"""Not that of the network's grid: resampling it must be work for everybody."""
SIZE = 512
RATE_HZ = 16_000


def write_series(folder: Path, n_slices: int, size: int = SIZE, seed: int = 0) -> Path:
    """A CT series without compression: noise like a lung's, with a ball in the middle."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    series, study, frame = (generate_uid(entropy_srcs=["benchmark", name, str(seed)]) for name in ("1", "2", "3"))
    slice_mm, pixel_mm, _ = SPACING_MM
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    for k in range(n_slices):
        hu = rng.normal(-800, 40, (size, size))
        hu[(x * pixel_mm) ** 2 + (y * pixel_mm) ** 2 + ((k - n_slices / 2) * slice_mm) ** 2 < 64] += 820
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[series, str(k)])
        data_set = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        data_set.SOPClassUID, data_set.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        data_set.StudyInstanceUID, data_set.SeriesInstanceUID, data_set.FrameOfReferenceUID = study, series, frame
        data_set.Modality, data_set.PatientID, data_set.PatientName = "CT", "BENCHMARK", "Benchmark"
        data_set.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        data_set.InstanceNumber, data_set.SeriesNumber, data_set.SliceThickness = k + 1, 1, slice_mm
        data_set.ImagePositionPatient = [-size * pixel_mm / 2, -size * pixel_mm / 2, k * slice_mm]
        data_set.ImageOrientationPatient, data_set.PixelSpacing = [1, 0, 0, 0, 1, 0], [pixel_mm, pixel_mm]
        data_set.RescaleSlope, data_set.RescaleIntercept, data_set.RescaleType = 1, 0, "HU"
        data_set.Rows = data_set.Columns = size
        data_set.BitsAllocated, data_set.BitsStored, data_set.HighBit, data_set.PixelRepresentation = 16, 16, 15, 1
        data_set.SamplesPerPixel, data_set.PhotometricInterpretation = 1, "MONOCHROME2"
        data_set.PixelData = hu.astype("<i2").tobytes()
        data_set.save_as(folder / f"{k:04d}.dcm", enforce_file_format=True)
    return folder


def center_mm(n_slices: int, shift_mm: float = 0.0) -> tuple[float, float, float]:
    """Middle of the ball in LPS, or a place beside it."""
    middle = -SPACING_MM[1] / 2
    return middle + shift_mm, middle, n_slices / 2 * SPACING_MM[0]


def dictation(voice: Path, seconds: float = 30.0) -> Audio:
    """A dictation of so many seconds: a shorter recording said again and again."""
    from diagnosis.ingest.audio import read_audio

    audio = read_audio(voice)
    wanted = int(seconds * audio.sampling_rate_hz)
    return Audio(np.resize(audio.samples, wanted), audio.sampling_rate_hz)


def write_dictation(path: Path, audio: Audio) -> Path:
    """The same as a file."""
    import soundfile

    soundfile.write(path, audio.samples, audio.sampling_rate_hz)
    return path


def write_manifest(path: Path, series: list[Path], n_studies: int, n_slices: int) -> Path:
    """Studies with a region each in one of the series, a note and a transcript."""
    columns = ("case_id", "patient_id", "ct", "center_x_mm", "center_y_mm", "center_z_mm", "note_text", "voice_text")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for i in range(n_studies):
            x, y, z = center_mm(n_slices, shift_mm=0.1 * i % 9)
            text = f"A {4 + i % 23} mm solid nodule in the right upper lobe, number {i} of this list."
            row = (f"s{i:05d}", f"p{i}", series[i % len(series)].resolve(), x, y, z, text, f"spiculated margin {i}")
            writer.writerow(dict(zip(columns, row, strict=True)))
    return path
