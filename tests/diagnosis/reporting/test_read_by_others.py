"""Results as programs of others read them: dcmqi, dcmjs, npm's fhir, and a real archive that keeps them."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from orthanc_server import PASSWORD, Orthanc
from programs import require_program, run_node
from result_factory import CENTER, PATIENT, WHEN, make_result

from diagnosis.reporting.clinician_report import ClinicianReport
from diagnosis.reporting.codes import SALIENCY
from diagnosis.reporting.export import write_exports
from diagnosis.vocabulary import ExportFormat

pytest.importorskip("highdicom", reason="highdicom is not installed")
HERE = Path(__file__).parent
MODALITIES = {
    "assessment_sr": "SR",
    "attribution_pm": "OT",
    "pictures_sc": "OT",
    "report_pdf": "DOC",
    "region_seg": "SEG",
}
DCM_GRADCAM, DCM_CLASS_ACTIVATION, DCM_SALIENCY = "130403", "130402", "130404"


@pytest.fixture(scope="module")
def result():
    """With a report that a clinician signed: readers have to find the numbers beside it."""
    report = ClinicianReport("FINDINGS\nA nodule <of> 10 mm, größer.\n\nIMPRESSION\nBiopsy.", "rad-17", WHEN)
    return make_result(signed=report)


@pytest.fixture(scope="module")
def made(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    assert write_exports(result, list(ExportFormat), folder).refused == ()
    return folder


def dcmqi(program: str, source: Path, out: Path, *options: str) -> dict:
    command = [require_program(program), "--inputDICOM", str(source), *options]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    return json.loads(out.read_text())


def nrrd_header(path: Path) -> dict[str, str]:
    head = path.read_bytes().split(b"\n\n", 1)[0].decode()
    return dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)


def test_dcmqi_reads_the_measurements(made, tmp_path):
    out = tmp_path / "sr.json"
    report = dcmqi("tid1500reader", made / "assessment_sr.dcm", out, "--outputMetadata", str(out))
    (group,) = report["Measurements"]
    values = {item["quantity"]["CodeMeaning"]: float(item["value"]) for item in group["measurementItems"]}
    assert values["Probability of cancer"] == 60.0
    assert values["Spiculation, expected rating"] == 2.4
    assert group["measurementAlgorithmIdentification"]["AlgorithmName"] == "lung_nodule"
    assert group["SourceSeriesForImageSegmentation"] == "1.2.3.4"


def test_dcmqi_reads_the_segment_where_it_lies(made, tmp_path, result):
    out = tmp_path / "meta.json"
    said = dcmqi("segimage2itkimage", made / "region_seg.dcm", out, "--outputDirectory", str(tmp_path))
    ((segment,),) = said["segmentAttributes"]
    assert segment["TrackingUniqueIdentifier"] == result.uid("region")
    head = nrrd_header(tmp_path / "1.nrrd")
    sizes = [int(v) for v in head["sizes"].split()]
    assert sizes[:2] == [40, 48]
    assert "2.5" in head["space directions"]


def test_dcmqi_reads_the_map_with_its_values_and_place(made, tmp_path, result):
    out = tmp_path / "meta.json"
    said = dcmqi("paramap2itkimage", made / "attribution_pm.dcm", out, "--outputDirectory", str(tmp_path))
    assert said["QuantityValueCode"]["CodeValue"] == SALIENCY.value
    assert said["AnatomicRegionSequence"]["CodeMeaning"] == "Chest"
    head = nrrd_header(tmp_path / "pmap.nrrd")
    truth = result.explanation.volume
    assert [int(v) for v in head["sizes"].split()] == list(truth.values.shape[::-1])
    origin = np.array([float(v) for v in head["space origin"].strip("()").split(",")])
    assert np.allclose(origin, truth.affine_lps[:3, 3])


def test_dcmjs_reads_every_object(made, result):
    paths = sorted(made.glob("*.dcm"))
    found = json.loads(run_node(HERE / "read_with_dcmjs.cjs", "dcmjs", *paths))
    assert set(found) == {path.name for path in paths}
    for name, said in found.items():
        kind = name.removesuffix(".dcm").rstrip("_0123456789")
        assert (said["study"], said["patient"], said["modality"]) == ("1.2.3", PATIENT, MODALITIES[kind])
    assert found["assessment_sr.dcm"]["measurements"]["Probability of cancer"] == 60.0
    assert found["attribution_pm.dcm"]["frames"] == len(result.explanation.volume.values)
    assert {found[f"{name}.dcm"]["frame"] for name in ("attribution_pm", "region_seg")} == {"1.2.3.9"}


def test_npm_s_fhir_finds_no_error(made):
    found = json.loads(run_node(HERE / "check_fhir.cjs", "fhir", made / "report_fhir.json"))
    assert found["valid"]
    assert [m for m in found["messages"] if m["severity"] in {"error", "fatal"}] == []


def test_npm_s_fhir_would_find_one(made, tmp_path):
    bundle = json.loads((made / "report_fhir.json").read_text())
    next(e for e in bundle["entry"] if e["resource"]["resourceType"] == "Patient")["resource"]["gender"] = "f"
    (tmp_path / "bad.json").write_text(json.dumps(bundle))
    assert not json.loads(run_node(HERE / "check_fhir.cjs", "fhir", tmp_path / "bad.json"))["valid"]


@pytest.mark.parametrize("protocol", ["dicomweb", "dimse"])
def test_an_archive_keeps_every_object_as_it_is(made, tmp_path, monkeypatch, protocol):
    pytest.importorskip("pynetdicom", reason="pynetdicom is not installed")
    from diagnosis.pacs.pull import open_archive

    monkeypatch.setenv("DIAGNOSIS_PACS_PASSWORD", PASSWORD)
    files = sorted(made.glob("*.dcm"))
    server = Orthanc(tmp_path / "orthanc").start()
    try:
        sent = open_archive(server.config(), protocol).store(files)
        tags = {tag["SOPInstanceUID"]: tag for tag in server.tags()}
    finally:
        server.kill()
    assert (sent.n_sent, sent.n_decompressed, sent.refused) == (len(files), 0, ())
    assert set(tags) == {str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID) for path in files}


def test_all_forms_name_the_same_result(made, result):
    """One study, one frame of reference, one region, one device, one time; every identifier once."""
    sets = {path.name: pydicom.dcmread(path) for path in made.glob("*.dcm")}
    assert len({s.SOPInstanceUID for s in sets.values()}) == len(sets)
    for keyword in ("StudyInstanceUID", "DeviceSerialNumber", "ContentDate", "ContentTime", "Manufacturer"):
        assert len({str(s.get(keyword)) for s in sets.values()}) == 1, keyword
    placed = [s for s in sets.values() if "FrameOfReferenceUID" in s]
    assert {s.FrameOfReferenceUID for s in placed} == {"1.2.3.9"}
    assert {s.Modality for s in placed} >= {"OT", "SEG"}
    sr, seg = sets["assessment_sr.dcm"], sets["region_seg.dcm"]
    assert str(seg.SegmentSequence[0].TrackingUID) == result.uid("region")
    assert result.uid("region") in str(sr)
    assert "1.2.3.9" in str(sr)
    record = json.loads((made / "export.json").read_text())
    assert record["result_sha256"] == result.digest


def test_the_map_s_quantity_is_one_of_cid_217(made):
    from pydicom.sr._cid_dict import cid_concepts, name_for_cid

    assert name_for_cid[217] == "VisualExplanation"
    assert cid_concepts[217]["DCM"] == ["GradientWeightedClassActivation", "ClassActivation", "Saliency"]
    shared = pydicom.dcmread(made / "attribution_pm.dcm").SharedFunctionalGroupsSequence[0]
    (quantity,) = shared.RealWorldValueMappingSequence[0].QuantityDefinitionSequence
    assert quantity.ConceptNameCodeSequence[0].CodeValue == "246205007"
    assert quantity.ConceptCodeSequence[0].CodeValue in {DCM_GRADCAM, DCM_CLASS_ACTIVATION, DCM_SALIENCY}
    assert CENTER == (20.0, 30.0, 15.0)
