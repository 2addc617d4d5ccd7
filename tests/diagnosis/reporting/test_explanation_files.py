"""Files of one explanation in a folder that held another one."""

from dataclasses import replace

from result_factory import make_result

from diagnosis.reporting.explanation_files import write_explanation
from diagnosis.reporting.html_report import ReportCase


def test_overlays_and_pictures_of_another_patient_do_not_stay(tmp_path):
    full = make_result()
    first = write_explanation(
        ReportCase(full.case, full.assessment, full.explanation), full.explanation.volume.values, tmp_path
    )
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in first}
    assert tmp_path / "attribution_on_ct.nii.gz" in first
    (tmp_path / "my_notes.txt").write_text("kept")

    without_ct = replace(full.case, volume=None, region=None)
    item = ReportCase(without_ct, full.assessment, replace(full.explanation, volume=None))
    second = write_explanation(item, None, tmp_path)
    assert {path.name for path in second} == {"explanation.json", "report.html"}
    assert {path.name for path in tmp_path.iterdir()} == {"explanation.json", "report.html", "my_notes.txt"}
