"""Boxes on slices become regions in the patient."""

import pytest

from diagnosis.errors import InputError
from diagnosis.ingest.lesion_boxes import read_lesion_boxes


def test_a_real_mass_has_its_place_and_size(shared_data):
    root = shared_data / "dicom_cases"
    lesion = read_lesion_boxes(root / "Lung_Dx_boxes.csv", root)["Lung_Dx-A0001_40805"]
    assert lesion.center_mm == pytest.approx((40.5, 198.2, -209.0), abs=0.2)
    assert lesion.diameter_mm == pytest.approx((69.0 * 80.8 * 50.0) ** (1 / 3), abs=0.2)


@pytest.mark.parametrize("text", ["case,file\nx,1.dcm\n", "case,file,x1,y1,x2,y2\nx,missing.dcm,1,2,3,4\n"])
def test_a_table_that_does_not_fit_is_named(tmp_path, text):
    (tmp_path / "x").mkdir()
    (tmp_path / "boxes.csv").write_text(text)
    with pytest.raises(InputError, match="it needs the columns case, file, x1, y1, x2, y2"):
        read_lesion_boxes(tmp_path / "boxes.csv", tmp_path)
