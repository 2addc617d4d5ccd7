"""The page shows every proposed region, and that it was proposed."""

import base64

import numpy as np

from diagnosis.record import RegionOfInterest, Volume
from diagnosis.record.volume import RegionSource
from diagnosis.reporting.candidate_rows import ReportCandidate, candidate_rows

AFFINE = np.array([[0, 0, 1.0, 0.0], [0, 1.0, 0, 0.0], [1.0, 0, 0, 0.0], [0, 0, 0, 1.0]])


def test_each_has_its_row_and_picture():
    hu = np.full((20, 40, 40), -850, np.float32)
    hu[:, 15:25, 15:25] = 40
    region = RegionOfInterest((20.0, 20.0, 10.0), 10.0, RegionSource.CANDIDATE)
    candidates = (ReportCandidate(region, 0.9, 0.61, True), ReportCandidate(region, 0.1, 0.05, False))
    rows = candidate_rows(Volume(hu, AFFINE), candidates)
    assert [(r["center"], r["diameter"], r["percent"], r["flagged"]) for r in rows] == [
        ("20.0, 20.0, 10.0", "10 mm", "61 %", True),
        ("20.0, 20.0, 10.0", "10 mm", "5 %", False),
    ]
    assert base64.b64decode(rows[0]["picture"].split(",")[1]).startswith(b"\x89PNG")


def test_without_a_ct_there_is_no_picture():
    region = RegionOfInterest((0.0, 0.0, 0.0))
    (row,) = candidate_rows(None, (ReportCandidate(region, 0.5, 0.5, True),))
    assert row["picture"] is None
    assert row["diameter"] == "-"
