"""The overlay of a real tumor, read back by programs that are not ours."""

import csv

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK

from diagnosis.engine import DiagnosisEngine
from diagnosis.ingest.case_folder import assemble_case
from diagnosis.preprocessing.volume import restore_to_volume
from diagnosis.record import RegionOfInterest
from diagnosis.reporting.explanation_files import write_explanation
from diagnosis.reporting.html_report import ReportCase

CASE = "Lung_Dx-A0001_40805"


def test_the_peak_of_the_overlay_lies_in_the_box_that_radiologists_drew(shared_data, tmp_path):
    root = shared_data / "dicom_cases"
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in (root / CASE).iterdir()]
    with (root / "Lung_Dx_boxes.csv").open() as file:
        boxes = {row["sop"]: [float(row[k]) for k in ("x1", "y1", "x2", "y2")] for row in csv.DictReader(file)}
    (series,) = {h.SeriesInstanceUID for h in headers if h.SOPInstanceUID in boxes}
    headers = [h for h in headers if h.SeriesInstanceUID == series]
    inside = {h.SOPInstanceUID: h for h in headers if h.SOPInstanceUID in boxes}
    corners = np.array([_position(h, *boxes[uid][i : i + 2]) for uid, h in inside.items() for i in (0, 2)])
    # A third of the way from the middle of the tumor to its border: a mirrored overlay would leave the box.
    center = corners.mean(axis=0) + (corners.max(axis=0) - corners.min(axis=0)) / 2 * np.array([0.6, 0.6, 0.3])
    region = RegionOfInterest(tuple(center.tolist()))
    case, _ = assemble_case("tumor", ct=root / CASE, region=region)
    engine = DiagnosisEngine.load()
    explanation = engine.explain(case, is_proved=False)
    item = ReportCase(case, engine.assess(case), explanation)
    write_explanation(item, restore_to_volume(explanation.volume, case.volume), tmp_path)

    for name in ("attribution.nii.gz", "attribution_on_ct.nii.gz"):
        by_itk = SimpleITK.ReadImage(str(tmp_path / name))
        values = SimpleITK.GetArrayFromImage(by_itk)
        k, j, i = np.unravel_index(np.abs(values).argmax(), values.shape)
        peak = by_itk.TransformContinuousIndexToPhysicalPoint([float(i), float(j), float(k)])
        by_nibabel = nibabel.load(tmp_path / name)
        ras = by_nibabel.affine @ [i, j, k, 1]
        np.testing.assert_allclose(ras[:3], np.multiply(peak, [-1, -1, 1]), atol=1e-3)
        assert by_nibabel.get_fdata()[i, j, k] == pytest.approx(values[k, j, i])
        header = min(headers, key=lambda h: abs(_depth(h, peak)))
        x1, y1, x2, y2 = boxes[header.SOPInstanceUID]
        column, row = _pixel(header, peak)
        assert x1 <= column <= x2
        assert y1 <= row <= y2
    # The overlay on the CT's grid has a pixel for each of the CT's, in the same place.
    assert by_nibabel.shape[:2] == (headers[0].Columns, headers[0].Rows)
    first = min(headers, key=lambda h: float(h.ImagePositionPatient[2]))
    at = np.linalg.inv(by_nibabel.affine) @ [*np.multiply(_position(first, 0, 0), [-1, -1, 1]), 1]
    assert np.abs(at - np.round(at)).max() < 1e-3


def _axes(header):
    right, down = np.reshape([float(v) for v in header.ImageOrientationPatient], (2, 3))
    return np.array([float(v) for v in header.ImagePositionPatient]), right, down


def _position(header, column, row):
    origin, right, down = _axes(header)
    between_rows, between_columns = (float(v) for v in header.PixelSpacing)
    return origin + right * between_columns * column + down * between_rows * row


def _pixel(header, point):
    origin, right, down = _axes(header)
    between_rows, between_columns = (float(v) for v in header.PixelSpacing)
    offset = np.asarray(point) - origin
    return offset @ right / between_columns, offset @ down / between_rows


def _depth(header, point):
    origin, right, down = _axes(header)
    return (np.asarray(point) - origin) @ np.cross(right, down)
