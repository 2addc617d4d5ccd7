"""Results as others read them: dciodvfy, dsrdump, highdicom and fhir.resources judge what is written."""

import errno
import json
import re
import subprocess
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pydicom
import pytest
from programs import require_program
from pypdf import PdfReader
from result_factory import CENTER, NAME, PATIENT, WHEN, dciodvfy_errors, make_identity, make_result

from diagnosis.errors import DiagnosisError, InputError, OutputError
from diagnosis.ingest.dicom_volume import read_series
from diagnosis.record import Case, ClinicalNote, RegionOfInterest, StudyIdentity
from diagnosis.record.volume import RegionSource
from diagnosis.reporting.clinician_report import ClinicianReport
from diagnosis.reporting.dicom_object import identifiers
from diagnosis.reporting.dicom_source import dicom_source, study_header
from diagnosis.reporting.export import write_exports
from diagnosis.reporting.result import Result
from diagnosis.vocabulary import ExportFormat

pytest.importorskip("highdicom", reason="highdicom is not installed")


@pytest.fixture(scope="module")
def result() -> Result:
    return make_result()


@pytest.fixture(scope="module")
def made(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    export = write_exports(result, list(ExportFormat), folder)
    assert export.refused == ()
    assert export.repairs == ()
    return folder


def test_dciodvfy_finds_no_error_in_any_object(made):
    paths = sorted(made.glob("*.dcm"))
    assert {p.name[:-4].rstrip("_0123456789") for p in paths} == {
        "assessment_sr", "attribution_pm", "pictures_sc", "report_pdf", "region_seg",
    }  # fmt: skip
    assert {p.name: e for p in paths if (e := dciodvfy_errors(p))} == {}


def test_dsrdump_reads_the_structured_report(made):
    command = [require_program("dsrdump"), "+Pl", str(made / "assessment_sr.dcm")]
    tree = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert '"Probability of cancer")="60.0"' in tree
    assert f"bundle_sha256={'ab' * 32}" in tree
    assert "ELLIPSOID" in tree
    assert "Spiculation" in tree
    assert '"Comment")="A warning."' in tree
    assert '"Tracking Identifier")="assessed region"' in tree


def test_a_region_that_a_program_proposed_is_not_shown_as_one_that_a_person_marked(result, tmp_path):
    region = replace(result.case.region, source=RegionSource.CANDIDATE)
    proposed = replace(result, case=replace(result.case, region=region))
    write_exports(proposed, [ExportFormat.SR, ExportFormat.SEG], tmp_path)
    told = "region proposed by a program, not confirmed"
    command = [require_program("dsrdump"), "+Pl", str(tmp_path / "assessment_sr.dcm")]
    tree = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f'"Tracking Identifier")="{told}"' in tree
    assert pydicom.dcmread(tmp_path / "region_seg.dcm").SegmentSequence[0].TrackingID == told
    assert {p.name: e for p in tmp_path.glob("*.dcm") if (e := dciodvfy_errors(p))} == {}


def test_highdicom_reads_the_structured_report_back(made):
    from highdicom.sr import srread

    report = srread(made / "assessment_sr.dcm")
    group = report.content.get_volumetric_roi_measurement_groups()[0]
    values = {m.name.meaning: m.value for m in group.get_measurements()}
    assert values["Probability of cancer"] == 60.0
    assert values["Spiculation, expected rating"] == 2.4
    surface = group.roi
    axes = np.asarray(surface.graphic_data).reshape(-1, 3)
    assert np.allclose(axes.mean(axis=0), CENTER)
    assert np.allclose(np.linalg.norm(axes[0::2] - axes[1::2], axis=1), 10.0)
    assert surface.frame_of_reference_uid == "1.2.3.9"


def test_the_parametric_map_keeps_values_affine_and_meaning(made, result):
    import highdicom as hd

    image = hd.imread(made / "attribution_pm.dcm")
    volume = image.get_volume(apply_real_world_transform=False)
    truth = result.explanation.volume
    # Index by position: a reader may order the frames the other way round.
    peak = np.unravel_index(int(np.abs(volume.array).argmax()), volume.array.shape)
    assert np.allclose(volume.affine @ [*peak, 1], [*truth.peak_mm, 1])
    assert np.isclose(volume.array.sum(), truth.values.sum(), rtol=1e-4)
    shared = image.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    codes = [item.ConceptCodeSequence[0].CodeValue for item in shared.QuantityDefinitionSequence]
    assert codes == ["130404"]
    assert image.FrameOfReferenceUID == "1.2.3.9"


def test_the_segment_is_the_sphere_on_the_source_s_voxels(made):
    import highdicom as hd

    volume = hd.seg.segread(made / "region_seg.dcm").get_volume(combine_segments=True)
    index = np.argwhere(volume.array > 0)
    points = index @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    assert np.linalg.norm(points - CENTER, axis=1).max() <= 5.0
    assert abs(len(index) * 2.5 - 4 / 3 * np.pi * 125) < 0.15 * 4 / 3 * np.pi * 125


def test_pictures_and_the_page_hold_what_they_should(made):
    pictures = sorted(made.glob("pictures_sc_*.dcm"))
    assert len(pictures) >= 4
    first = pydicom.dcmread(pictures[0])
    assert first.BurnedInAnnotation == "NO"
    assert first.pixel_array.std() > 10
    wrapped = pydicom.dcmread(made / "report_pdf.dcm")
    pdf = (made / "report.pdf").read_bytes()
    assert wrapped.EncapsulatedDocument[: wrapped.EncapsulatedDocumentLength] == pdf
    text = "\n".join(page.extract_text() for page in PdfReader(made / "report.pdf").pages)
    for words in ("Müller, Änne", PATIENT, "60 %", "A spiculated nodule & <more>.", "not a medical device", "ab" * 32):
        assert words in text


def test_fhir_is_valid_and_names_the_same_result(made):
    from fhir.resources.R4B.bundle import Bundle

    bundle = Bundle.model_validate_json((made / "report_fhir.json").read_bytes())
    resources = {entry.resource.get_resource_type(): entry.resource for entry in bundle.entry}
    assert {"DiagnosticReport", "ImagingStudy", "Device", "Provenance", "Observation", "Patient"} == set(resources)
    sr = pydicom.dcmread(made / "assessment_sr.dcm")
    assert resources["DiagnosticReport"].identifier[0].value == f"urn:oid:{sr.SOPInstanceUID}"
    assert resources["ImagingStudy"].identifier[0].value == f"urn:oid:{sr.StudyInstanceUID}"
    urls = {entry.fullUrl for entry in bundle.entry}
    assert set(re.findall(r'"reference": ?"(urn:uuid:[^"]+)"', bundle.model_dump_json())) <= urls


def test_all_objects_lie_in_the_source_s_study_under_the_same_patient(made):
    objects = sorted(made.glob("*.dcm"))
    assert len(objects) >= 4, "report, map, PDF, segmentation and pictures"
    for path in objects:
        data_set = pydicom.dcmread(path)
        assert (data_set.StudyInstanceUID, data_set.PatientID, str(data_set.PatientName)) == ("1.2.3", PATIENT, NAME)


def test_the_same_answer_has_the_same_identifiers_and_another_has_others(result):
    again, other = make_result(), make_result(logit=0.41)
    assert again.uid("sr", "1") == result.uid("sr", "1")
    assert other.uid("sr", "1") != result.uid("sr", "1")
    assert other.device_uuid == result.device_uuid


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"study_uid": None}, "blank or malformed Study Instance UID"),
        ({"series_uid": "1.02.3"}, "blank or malformed Series Instance UID"),
        ({"sop_instance_uids": ("",)}, "blank or malformed SOP Instance UID"),
        ({"source": None}, "did not come from DICOM"),
    ],
)
def test_a_source_that_cannot_be_referred_to_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        dicom_source(make_result(make_identity(**changes)))


def test_malformed_attributes_are_repaired_and_the_objects_stay_valid(tmp_path):
    identity = make_identity(
        patient_sex="female", study_date="2026-03-01", study_time="25", patient_age="76", sop_class_uid="",
        patient_name="Single", patient_birth_date="19501340", body_part="", study_id="x" * 30,
    )  # fmt: skip
    forms = [ExportFormat.SR, ExportFormat.PM, ExportFormat.SEG]
    export = write_exports(make_result(identity), forms, tmp_path)
    assert export.refused == ()
    assert len(export.repairs) == 7
    assert "SOP Class UID is blank or malformed; CT Image Storage was taken" in " ".join(export.repairs)
    assert {p.name: e for p in tmp_path.glob("*.dcm") if (e := dciodvfy_errors(p))} == {}


def test_without_a_frame_of_reference_only_what_has_no_place_is_written(tmp_path):
    identity = make_identity(frame_of_reference_uid="")
    export = write_exports(make_result(identity), [ExportFormat.SR, ExportFormat.PM, ExportFormat.SEG], tmp_path)
    assert [form for form, _ in export.refused] == [ExportFormat.PM, ExportFormat.SEG]
    assert all("no usable Frame of Reference UID" in reason for _, reason in export.refused)
    assert dciodvfy_errors(tmp_path / "assessment_sr.dcm") == []


def test_a_case_without_ct_still_gets_page_and_fhir(tmp_path, result):
    case = Case("c-2", note=ClinicalNote("A nodule."))
    alone = replace(result, case=case, identity=StudyIdentity("c-2"), explanation=None)
    export = write_exports(alone, list(ExportFormat), tmp_path)
    assert {path.name for path in export.written} == {"report.pdf", "report_fhir.json", "export.json"}
    assert {form.value for form, _ in export.refused} == {"sr", "pm", "sc", "seg"}
    record = json.loads((tmp_path / "export.json").read_text())
    assert "the case has no CT" in record["refused"]["sr"]


def test_a_full_disk_has_the_code_of_results_that_cannot_be_written(tmp_path, result, monkeypatch):
    """pydicom raises an error without a reason, which stands in the one below it."""

    def full(*_, **__):
        raise OSError("in a library") from OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pydicom.Dataset, "save_as", full)
    with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\); make room"):
        write_exports(result, [ExportFormat.SR], tmp_path)


def test_nothing_that_identifies_is_printed_or_recorded(tmp_path, capfd, caplog, recwarn):
    identity = make_identity(patient_name="Lonely", study_date="SECRET")
    write_exports(make_result(identity), [ExportFormat.SR, ExportFormat.SEG], tmp_path)
    written = capfd.readouterr()
    said = [written.out, written.err, caplog.text, (tmp_path / "export.json").read_text()]
    said += [str(warning.message) for warning in recwarn]
    assert not any(secret in text for text in said for secret in ("Lonely", "SECRET", PATIENT, "1.2.3.4"))
    assert repr(identity) == "StudyIdentity(case_id='c-1')"


@pytest.mark.parametrize(
    ("stated", "zone", "expected"),
    [
        ("+0530", "America/New_York", ("20260304", "103607", "+0530")),
        ("", "America/New_York", ("20260304", "000607", "-0500")),
        ("Berlin", "Europe/Berlin", ("20260304", "060607", "+0100")),
    ],
)
def test_all_times_of_a_result_are_in_the_zone_of_the_study_s(tmp_path, monkeypatch, stated, zone, expected):
    """The study's own date and time are local, and a result repeats them under its one offset."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        write_exports(make_result(make_identity(timezone_offset=stated)), [ExportFormat.SR], tmp_path)
    finally:
        monkeypatch.undo()
        time.tzset()
    made = pydicom.dcmread(tmp_path / "assessment_sr.dcm")
    assert (made.StudyDate, made.StudyTime) == ("20260301", "101500.25")
    assert (made.ContentDate, made.ContentTime, made.TimezoneOffsetFromUTC) == expected
    assert dciodvfy_errors(tmp_path / "assessment_sr.dcm") == []


def test_a_time_without_zone_is_refused():
    with pytest.raises(DiagnosisError, match="no time zone"):
        make_result(created_at=datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_real_series_with_blank_identifiers_is_refused(shared_data):
    series = read_series(shared_data / "dicom_cases" / "ts_j2k_overlap_missing_tags")
    with pytest.raises(InputError, match="blank or malformed Study Instance UID"):
        study_header(series.identity)


def test_a_real_series_is_referred_to_as_it_is(shared_data, tmp_path):
    series = read_series(shared_data / "dicom_cases" / "philips_head_std_5mm")
    middle = tuple(float(v) for v in series.volume.position_of(np.array(series.volume.hu.shape) // 2))
    case = Case("c-1", volume=series.volume, region=RegionOfInterest(middle, 12.0))
    real = make_result(replace(series.identity, case_id="c-1"), case=case)
    export = write_exports(real, [ExportFormat.SR, ExportFormat.SEG], tmp_path)
    assert export.refused == ()
    assert {p.name: e for p in tmp_path.glob("*.dcm") if (e := dciodvfy_errors(p))} == {}


TEXT = "FINDINGS\nA nodule of 10 mm, größer als zuvor <see>.\n\nIMPRESSION\nSuspicious; biopsy."
SIGNED_AT = datetime(2026, 3, 5, 8, 30, tzinfo=timezone(timedelta(hours=1)))
DOCUMENTS = [ExportFormat.SR, ExportFormat.PDF, ExportFormat.FHIR]


def signed(**changes) -> ClinicianReport:
    return ClinicianReport(**({"text": TEXT, "signed_by": "rad-17", "signed_at": SIGNED_AT} | changes))


@pytest.fixture(scope="module", params=[False, True], ids=["in force", "outdated"])
def reported(request, tmp_path_factory):
    """A result with a signed report, and the folder of its documents."""
    folder = tmp_path_factory.mktemp("signed")
    told = make_result(signed=signed(is_outdated=request.param))
    assert write_exports(told, DOCUMENTS, folder).refused == ()
    return told, folder


def sr_section(folder):
    from highdicom.sr import srread

    root = srread(folder / "assessment_sr.dcm").content
    assert root.get_volumetric_roi_measurement_groups()[0].get_measurements()[0].value == 60.0
    return [i for i in root[0].ContentSequence if i.name.meaning == "Diagnostic Imaging Report"]


def test_the_signed_report_is_a_section_of_the_structured_report(reported):
    told, folder = reported
    assert dciodvfy_errors(folder / "assessment_sr.dcm") == []
    subprocess.run([require_program("dsrdump"), str(folder / "assessment_sr.dcm")], capture_output=True, check=True)
    (section,) = sr_section(folder)
    items = {item.name.meaning: item for item in section.ContentSequence}
    if told.signed.is_outdated:
        assert [item.value for item in items.values()] == [told.signed.left_out]
        return
    assert items["Person Observer Name"].value == items["Person Observer's Login Name"].value == "rad-17"
    assert items["Report as the clinician signed it"].value == TEXT.replace("\n", "\r\n")
    assert items["Time of signing"].value == datetime(2026, 3, 5, 7, 30)  # noqa: DTZ001 - in the document's zone
    assert pydicom.dcmread(folder / "assessment_sr.dcm").TimezoneOffsetFromUTC == "+0000"
    assert pydicom.dcmread(folder / "assessment_sr.dcm").VerificationFlag == "UNVERIFIED"


def test_the_signed_report_stands_on_the_page(reported):
    told, folder = reported
    page = "\n".join(page.extract_text() for page in PdfReader(folder / "report.pdf").pages)
    flat = " ".join(page.split())
    if told.signed.is_outdated:
        assert told.signed.left_out in flat
        assert "biopsy" not in flat
        return
    assert all(line in page for line in TEXT.splitlines() if line)
    assert "Signed by rad-17 on 2026-03-05 at 07:30 UTC." in flat
    assert flat.index("Suspicious; biopsy.") < flat.index("Findings of the model Finding Probability")


def test_the_signed_report_is_a_final_diagnostic_report(reported):
    from fhir.resources.R4B.bundle import Bundle

    told, folder = reported
    bundle = Bundle.model_validate_json((folder / "report_fhir.json").read_bytes())
    reports = {e.resource.status: e for e in bundle.entry if e.resource.get_resource_type() == "DiagnosticReport"}
    people = {e.fullUrl: e.resource for e in bundle.entry if e.resource.get_resource_type() == "Practitioner"}
    if told.signed.is_outdated:
        assert set(reports) == {"preliminary"}
        assert people == {}
        assert told.signed.left_out in reports["preliminary"].resource.conclusion
        assert "biopsy" not in bundle.model_dump_json()
        return
    final = reports["final"].resource
    assert final.conclusion == TEXT
    assert final.presentedForm[0].data.decode() == TEXT
    assert final.issued == SIGNED_AT
    assert people[final.resultsInterpreter[0].reference].identifier[0].value == "rad-17"
    told_from = [e.resource for e in bundle.entry if e.resource.get_resource_type() == "Provenance"][-1]
    assert told_from.target[0].reference == reports["final"].fullUrl
    assert told_from.entity[0].what.reference == reports["preliminary"].fullUrl
    urls = {entry.fullUrl for entry in bundle.entry}
    assert set(re.findall(r'"reference": ?"(urn:uuid:[^"]+)"', bundle.model_dump_json())) <= urls


def test_signing_makes_other_documents_and_leaves_the_pictures_as_they_are():
    before, after = make_result(), make_result(signed=signed())
    for form in ("sr", "pdf"):
        assert identifiers(before, form)["sop_instance_uid"] != identifiers(after, form)["sop_instance_uid"]
        assert identifiers(after, form) == identifiers(make_result(signed=signed()), form)
    for form in ("pm", "sc", "seg"):
        assert identifiers(before, form) == identifiers(after, form)
    others = [{"text": "Other."}, {"signed_by": "rad-2"}, {"signed_at": WHEN}, {"is_outdated": True}]
    named = {make_result(signed=signed(**change)).document_uid("sr", "1") for change in [{}, *others]}
    assert len(named) == 5


@pytest.mark.parametrize("changes", [{"text": " \n"}, {"signed_by": " "}, {"signed_at": datetime(2026, 1, 1)}])  # noqa: DTZ001
def test_a_signed_report_without_words_signer_or_zone_is_refused(changes):
    with pytest.raises(DiagnosisError, match=r"export: the (signed report has no text|time of signing has no)"):
        signed(**changes)
