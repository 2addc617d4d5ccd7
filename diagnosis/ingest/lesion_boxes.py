"""Boxes that readers drew around lesions, slice by slice, as regions in the patient."""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError

from diagnosis.errors import InputError
from diagnosis.record import RegionOfInterest

COLUMNS = ("case", "file", "x1", "y1", "x2", "y2")


def read_lesion_boxes(table: Path, images: Path) -> dict[str, RegionOfInterest]:
    """One region a case: the middle of all its boxes, and the diameter of a ball as large as what they enclose.

    Args:
        table: CSV with the columns case, file, x1, y1, x2, y2: pixels (column, row) in a DICOM file.
        images: folder that holds a folder for each case; cases without one are left out.

    Raises:
        InputError: a table or an image that cannot be read, or a column that is missing.
    """
    corners: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    try:
        with table.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if (images / row["case"]).is_dir():
                    corners[row["case"]] += _corners(images / row["case"] / row["file"], row)
    except (OSError, KeyError, ValueError, AttributeError, InvalidDicomError) as error:
        named = ", ".join(COLUMNS)
        msg = f"lesion boxes: the table or an image it names cannot be used; it needs the columns {named}"
        raise InputError(msg) from error
    return {case: _region(np.array(points)) for case, points in corners.items()}


def _corners(path: Path, row: dict[str, str]) -> list[tuple[float, float, float]]:
    header = pydicom.dcmread(path, stop_before_pixels=True)
    origin = np.array([float(v) for v in header.ImagePositionPatient])
    along_row, along_column = np.array([float(v) for v in header.ImageOrientationPatient]).reshape(2, 3)
    between_rows, between_columns = (float(v) for v in header.PixelSpacing)
    ends = []
    for n in (1, 2):
        x, y = float(row[f"x{n}"]), float(row[f"y{n}"])
        point = origin + along_row * between_columns * x + along_column * between_rows * y
        ends.append((float(point[0]), float(point[1]), float(point[2])))
    return ends


def _region(points: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> RegionOfInterest:
    low, high = points.min(axis=0), points.max(axis=0)
    x, y, z = (float(v) for v in (low + high) / 2)
    # A mass seen on one slice has no extent along z: its in-plane extent stands for it.
    extent = np.where(high - low > 0, high - low, np.max(high - low))
    return RegionOfInterest((x, y, z), float(np.prod(extent) ** (1 / 3)))
