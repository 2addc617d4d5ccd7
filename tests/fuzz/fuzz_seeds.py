"""Honest inputs to begin with: one small file of each kind."""

import gzip
import io
import json
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

CANDIDATES = Path(__file__).resolve().parents[2] / "models" / "lung_candidates"
NOTE = (
    "CHEST CT 2024-03-05\nPatient: Jane Q. Doe, MRN 00123456, phone (555) 123-4567.\nHISTORY: 92-year-old woman.\n"
    "FINDINGS: An 8 mm spiculated nodule in the right upper lobe. No effusion.\nIMPRESSION: Suspicious nodule.\n"
)


def dicom_slice(index: int = 0) -> pydicom.FileDataset:
    """A slice of 40 x 32 pixels, a part of a series of three."""
    from dicom_factory import make_slice

    data_set = make_slice((-10.0, -20.0, 2.5 * index), series_uid="1.2.9", index=index)
    data_set.add_new(0x00091010, "LO", "private")
    item = pydicom.Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "1", "99X", "Dr. Planted"
    data_set.ProcedureCodeSequence = [item]
    return data_set


def dicom_bytes(data_set: pydicom.FileDataset) -> bytes:
    buffer = io.BytesIO()
    data_set.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@cache
def dicom_seeds() -> tuple[bytes, ...]:
    seeds = [dicom_bytes(dicom_slice())]
    for syntax in (RLELossless, JPEG2000Lossless, JPEGLSLossless):
        data_set = dicom_slice()
        data_set.compress(syntax)
        seeds.append(dicom_bytes(data_set))
    for syntax in (ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian):
        data_set = dicom_slice()
        buffer = io.BytesIO()
        data_set.file_meta.TransferSyntaxUID = syntax
        is_little = syntax != ExplicitVRBigEndian
        if not is_little:
            data_set.PixelData = np.frombuffer(data_set.PixelData, "<u2").astype(">u2").tobytes()
        pydicom.dcmwrite(buffer, data_set, enforce_file_format=True)
        seeds.append(buffer.getvalue())
    return (*seeds, dicom_bytes(_enhanced()), dicom_bytes(_ultrasound()), seeds[0][132:])


def _enhanced() -> pydicom.FileDataset:
    data_set = dicom_slice()
    data_set.SOPClassUID = data_set.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    frames = []
    for index in range(3):
        group, place = pydicom.Dataset(), pydicom.Dataset()
        place.ImagePositionPatient = [0.0, 0.0, 2.5 * index]
        group.PlanePositionSequence = [place]
        frames.append(group)
    shared, measures, turn = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
    measures.PixelSpacing, turn.ImageOrientationPatient = [0.8, 0.8], [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [turn]
    data_set.NumberOfFrames = 3
    data_set.PixelData = data_set.PixelData * 3
    data_set.PerFrameFunctionalGroupsSequence, data_set.SharedFunctionalGroupsSequence = frames, [shared]
    return data_set


def _ultrasound() -> pydicom.FileDataset:
    data_set = dicom_slice()
    data_set.SOPClassUID = data_set.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
    data_set.Modality = "US"
    region = pydicom.Dataset()
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 4, 6
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 15, 20
    data_set.SequenceOfUltrasoundRegions = [region]
    return data_set


@cache
def zip_seeds() -> tuple[bytes, ...]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for index in range(3):
            archive.writestr(f"study/{index}.dcm", dicom_bytes(dicom_slice(index)))
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.dcm", bytes(2**20))
    return buffer.getvalue(), bomb.getvalue(), gzip.compress(dicom_bytes(dicom_slice()))


@cache
def nifti_seeds() -> tuple[bytes, ...]:
    import nibabel

    hu = np.linspace(-1024, 1200, 960).reshape(12, 10, 8)
    raw = nibabel.Nifti1Image(hu.astype(np.int16), np.diag([-0.8, -0.8, 2.5, 1.0])).to_bytes()
    return raw, gzip.compress(raw), nibabel.Nifti2Image(hu.astype(np.float32), np.eye(4)).to_bytes()


@cache
def note_seeds() -> tuple[bytes, ...]:
    stated = json.dumps({"text": NOTE, "authored_at": "2024-05-01T10:00:00Z"})
    return NOTE.encode(), NOTE.encode("utf-16"), NOTE.encode("cp1252"), stated.encode()


@cache
def pdf_seeds() -> tuple[bytes, ...]:
    from reportlab.pdfgen.canvas import Canvas

    seeds = []
    for compression in (0, 1):
        buffer = io.BytesIO()
        page = Canvas(buffer, pageCompression=compression)
        for number, line in enumerate(NOTE.splitlines()):
            page.drawString(40, 800 - 14 * number, line)
        page.showPage()
        page.save()
        seeds.append(buffer.getvalue())
    return tuple(seeds)


@cache
def audio_seeds() -> tuple[bytes, ...]:
    import soundfile

    samples = (0.3 * np.sin(np.arange(4000) / 20)).astype(np.float32)
    seeds = []
    for kind, subtype in (("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", None), ("OGG", "VORBIS"), ("MP3", None)):
        buffer = io.BytesIO()
        soundfile.write(buffer, samples, 16000, format=kind, subtype=subtype)
        seeds.append(buffer.getvalue())
    return tuple(seeds)


@cache
def case_json_seeds() -> tuple[bytes, ...]:
    case = {"case_id": "c-1", "age_years": 67, "sex": "F", "region": {"center_mm": [1.0, 2.0, 3.0], "diameter_mm": 9}}
    return (json.dumps(case).encode(),)


@cache
def manifest_seeds() -> tuple[bytes, ...]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    head = (
        "case_id,patient_id,note_text,center_x_mm,center_y_mm,center_z_mm,diameter_mm,age_years,sex,split,malignancy\n"
    )
    rows = 'c1,p1,A nodule.,1,2,3,8,67,F,train,1\nc2,p2,"Quoted, text",,,,,,,test,\n'
    table = pa.table({"case_id": ["c1"], "patient_id": ["p1"], "note_text": ["A nodule."], "malignancy": [1]})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return (head + rows).encode(), sink.getvalue()


@cache
def metadata_seeds() -> tuple[bytes, ...]:
    shipped = Path(__file__).resolve().parents[2] / "models" / "lung_nodule" / "configs" / "metadata.json"
    return (shipped.read_bytes(),)


@cache
def pacs_seeds() -> tuple[bytes, ...]:
    whole = """\
dicomweb: {url: https://pacs.example/dicom-web, username: diagnosis}
dimse: {host: pacs.example, port: 11112, ae_title: ARCHIVE, retrieve: move, use_tls: true}
local:
  ae_title: DIAGNOSIS
  address: 127.0.0.1
  port: 11113
  callers:
    - {ae_title: ARCHIVE, address: 10.1.2.3}
timeouts: {connect_s: 10, response_s: 60, total_s: 3600}
retries: {attempts: 4, longest_wait_s: 20}
completeness: {settle_s: 5, quiet_s: 60, give_up_s: 600}
limits: {images_per_study: 20000, gib_per_study: 16}
"""
    return whole.encode(), b"dimse: {host: localhost, port: 104, ae_title: A}\n", b"{}"


@cache
def regions_seeds() -> tuple[bytes, ...]:
    head = "study_uid,center_x_mm,center_y_mm,center_z_mm,diameter_mm\n"
    return f"{head}1.2.3,1,2,3,8\n1.2.4,-1.5,2e1,3,\n".encode(), f"\ufeff{head}".encode()


@cache
def tree_regions_seeds() -> tuple[bytes, ...]:
    head = "path,center_x_mm,center_y_mm,center_z_mm,diameter_mm,case_id,note_text\n"
    return (f'{head}a/b,1,2,3,8,c1,"A nodule, solid"\na/c,,,,,,\n'.encode(),)


@cache
def bundle_seeds() -> tuple[bytes, ...]:
    """The small JSON files of a bundle beside its metadata."""
    shipped = Path(__file__).resolve().parents[2] / "models" / "lung_nodule"
    return tuple(
        (shipped / name).read_bytes()
        for name in ("checksums.json", "models/calibration.json", "models/familiarity.json")
    )


@cache
def weights_seeds() -> tuple[bytes, ...]:
    from diagnosis.candidates.ranking import WEIGHTS

    return ((CANDIDATES / WEIGHTS).read_bytes(),)


@cache
def upload_seeds() -> tuple[bytes, ...]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("case/case.json", case_json_seeds()[0])
        archive.writestr("case/note.txt", NOTE)
        for index in range(3):
            archive.writestr(f"case/ct/{index}.dcm", dicom_bytes(dicom_slice(index)))
    return buffer.getvalue(), zip_seeds()[0]
