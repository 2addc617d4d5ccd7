"""The assessment as FHIR R4: a Bundle with DiagnosticReport, Observations, ImagingStudy, Device and Provenance.

What the model said is preliminary. A report that a clinician signed is a DiagnosticReport of its own, final, by a
Practitioner who is named by account, with the preliminary one as its source in a Provenance. Identifiers are those of
the DICOM forms of the same result: the report carries the SR's SOP Instance UID, the ImagingStudy the source's UIDs,
the Device the bundle's SHA-256. The patient is named by identifier alone, or by the pseudonym where none is known.
"""

import base64
from typing import Any

from fhir.resources.R4B.bundle import Bundle

from diagnosis.record import DescriptorAssessment, FindingAssessment
from diagnosis.reporting import codes as ours
from diagnosis.reporting.clinician_report import ClinicianReport
from diagnosis.reporting.dicom_source import is_uid
from diagnosis.reporting.result import Result, as_uid
from diagnosis.version import __version__
from diagnosis.vocabulary import NOT_A_MEDICAL_DEVICE

Resource = dict[str, Any]
DICOM_UID = "urn:dicom:uid"
REPORT_CODE = ours.Coded("18748-4", "LN", "Diagnostic imaging study")
SIGNED_REPORT, SIGNER, SIGNING = "DiagnosticReport/signed", "Practitioner/signed", "Provenance/signed"
"""Roles of what the signed report adds."""
PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def fhir_bundle(result: Result, pdf: bytes | None = None) -> str:
    """The Bundle as JSON, checked by the models of `fhir.resources`.

    Args:
        result: what is said.
        pdf: the report as PDF, which becomes the DiagnosticReport's presented form.
    """
    said = result.assessment
    entries = [("Patient", _patient(result)), ("Device", _device(result))]
    if has_study(result):
        entries.append(("ImagingStudy", _imaging_study(result)))
    entries += [(f"Observation/{f.name}", _finding(result, f)) for f in said.findings]
    entries += [(f"Observation/{d.name}", _descriptor(result, d)) for d in said.descriptors]
    observations = [role for role, _ in entries if role.startswith("Observation/")]
    entries.append(("DiagnosticReport", _report(result, observations, pdf)))
    entries.append(("Provenance", _provenance(result, observations)))
    if result.report_in_force is not None:
        entries += _signed(result, result.report_in_force, observations)
    bundle = {
        "resourceType": "Bundle",
        "identifier": {"system": DICOM_UID, "value": f"urn:oid:{result.document_uid('fhir', 'Bundle')}"},
        "type": "collection",
        "timestamp": result.created_at.isoformat(timespec="seconds"),
        "entry": [{"fullUrl": _url(result, role), "resource": resource} for role, resource in entries],
    }
    return str(Bundle.model_validate(bundle).model_dump_json(indent=2)) + "\n"


def has_study(result: Result) -> bool:
    """Whether there is a DICOM study to refer to."""
    return result.identity.source is not None and is_uid(result.identity.study_uid or "")


def _url(result: Result, role: str) -> str:
    """The model is the same for all its results; what was signed belongs to the signing, all else to this result."""
    if role == "Device":
        return f"urn:uuid:{result.device_uuid}"
    roles: tuple[str, ...] = ("fhir", role)
    if role.endswith("/signed") and result.signed is not None:
        roles = (*roles, result.signed.digest)
    return f"urn:uuid:{result.identifier(*roles)}"


def _reference(result: Result, role: str) -> Resource:
    return {"reference": _url(result, role), "type": role.split("/", maxsplit=1)[0]}


def _concept(coded: ours.Coded) -> Resource:
    system = ours.FHIR_SYSTEMS[coded.scheme]
    return {"coding": [{"system": system, "code": coded.value, "display": coded.meaning}], "text": coded.meaning}


def _patient(result: Result) -> Resource:
    identity = result.identity
    known = identity.patient_id
    value = {"use": "usual", "value": known} if known else {"use": "temp", "value": identity.case_id}
    patient: Resource = {"resourceType": "Patient", "identifier": [value]}
    sex = result.case.sex
    if sex is not None:
        patient["gender"] = {"F": "female", "M": "male", "O": "other"}[sex.value]
    return patient


def _device(result: Result) -> Resource:
    said = result.assessment
    return {
        "resourceType": "Device",
        "identifier": [
            {"system": DICOM_UID, "value": f"urn:oid:{as_uid(result.device_uuid)}"},
            {"type": {"text": "SHA-256 of the model bundle"}, "value": said.bundle_sha256},
        ],
        "status": "active",
        "manufacturer": "diagnosis",
        "deviceName": [{"name": said.bundle_name, "type": "model-name"}],
        "version": [
            {"type": {"text": "model bundle"}, "value": said.bundle_version},
            {"type": {"text": "software"}, "value": __version__},
        ],
        "note": [{"text": NOT_A_MEDICAL_DEVICE}],
    }


def _imaging_study(result: Result) -> Resource:
    identity = result.identity
    ct = {"system": ours.FHIR_SYSTEMS["DCM"], "code": "CT", "display": "Computed Tomography"}
    study: Resource = {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": DICOM_UID, "value": f"urn:oid:{identity.study_uid}"}],
        "status": "available",
        "modality": [ct],
        "subject": _reference(result, "Patient"),
    }
    if identity.accession_number:
        study["identifier"].append({"type": {"text": "Accession number"}, "value": identity.accession_number})
    if is_uid(identity.series_uid or ""):
        count = len(identity.sop_instance_uids)
        study["series"] = [{"uid": identity.series_uid, "modality": ct, "numberOfInstances": count}]
    return study


def _observation(result: Result, role: str, code: Resource) -> Resource:
    observation: Resource = {
        "resourceType": "Observation",
        "identifier": [{"system": DICOM_UID, "value": f"urn:oid:{result.uid('fhir', role)}"}],
        "status": "preliminary",
        "category": [{"coding": [{"system": CATEGORY, "code": "imaging", "display": "Imaging"}]}],
        "code": code,
        "subject": _reference(result, "Patient"),
        "device": _reference(result, "Device"),
        "issued": result.created_at.isoformat(timespec="seconds"),
    }
    if has_study(result):
        observation["derivedFrom"] = [_reference(result, "ImagingStudy")]
    return observation


def _percent(value: float) -> Resource:
    return {"value": round(100 * value, 4), "unit": "%", "system": ours.FHIR_SYSTEMS["UCUM"], "code": "%"}


def _finding(result: Result, finding: FindingAssessment) -> Resource:
    observation = _observation(result, f"Observation/{finding.name}", _concept(ours.probability_of(finding.name)))
    components: list[Resource] = [
        {"code": _concept(ours.ENSEMBLE_LOW), "valueQuantity": _percent(finding.low)},
        {"code": _concept(ours.ENSEMBLE_HIGH), "valueQuantity": _percent(finding.high)},
        {"code": _concept(ours.THRESHOLD), "valueQuantity": _percent(finding.threshold)},
        {"code": _concept(ours.FLAGGED), "valueBoolean": finding.is_flagged},
    ]
    if finding.prediction_set is not None:
        value = _concept(ours.prediction_set_of(finding.prediction_set))
        components.append({"code": _concept(ours.PREDICTION_SET), "valueCodeableConcept": value})
    return {**observation, "valueQuantity": _percent(finding.probability), "component": components}


def _descriptor(result: Result, item: DescriptorAssessment) -> Resource:
    observation = _observation(result, f"Observation/{item.name}", _concept(ours.descriptor_name(item.name)))
    rating = {"value": round(item.value, 4), "unit": "1", "system": ours.FHIR_SYSTEMS["UCUM"], "code": "1"}
    return {
        **observation,
        "valueCodeableConcept": _concept(ours.descriptor_level(item.name, item.value)),
        "component": [{"code": _concept(ours.descriptor_rating(item.name)), "valueQuantity": rating}],
    }


def _report(result: Result, observations: list[str], pdf: bytes | None) -> Resource:
    said = result.assessment
    report: Resource = {
        "resourceType": "DiagnosticReport",
        "identifier": [{"system": DICOM_UID, "value": f"urn:oid:{result.document_uid('sr', '1')}"}],
        "status": "preliminary",
        "category": [_concept(ours.Coded("LP29684-5", "LN", "Radiology"))],
        "code": _concept(REPORT_CODE),
        "subject": _reference(result, "Patient"),
        "issued": result.created_at.isoformat(timespec="seconds"),
        "result": [_reference(result, role) for role in observations],
        "conclusion": " ".join([*(_sentence(f) for f in said.findings), *result.remarks, NOT_A_MEDICAL_DEVICE]),
    }
    if has_study(result):
        report["imagingStudy"] = [_reference(result, "ImagingStudy")]
    if pdf is not None:
        title = "CT assessment"
        report["presentedForm"] = [{"contentType": "application/pdf", "data": _base64(pdf), "title": title}]
    return report


def _signed(result: Result, signed: ClinicianReport, observations: list[str]) -> list[tuple[str, Resource]]:
    """The clinician's report, who signed it, and what it was written from."""
    moment = signed.signed_at.isoformat(timespec="seconds")
    plain = {"contentType": "text/plain; charset=utf-8", "data": _base64(signed.text.encode()), "title": "Report"}
    report: Resource = {
        "resourceType": "DiagnosticReport",
        "identifier": [{"system": DICOM_UID, "value": f"urn:oid:{result.document_uid('fhir', SIGNED_REPORT)}"}],
        "status": "final",
        "category": [_concept(ours.Coded("LP29684-5", "LN", "Radiology"))],
        "code": _concept(REPORT_CODE),
        "subject": _reference(result, "Patient"),
        "issued": moment,
        "resultsInterpreter": [_reference(result, SIGNER)],
        "result": [_reference(result, role) for role in observations],
        "conclusion": signed.text,
        "presentedForm": [plain],
    }
    if has_study(result):
        report["imagingStudy"] = [_reference(result, "ImagingStudy")]
    signer = {"resourceType": "Practitioner", "identifier": [{"use": "usual", "value": signed.signed_by}]}
    author = {"coding": [{"system": PARTICIPANT, "code": "author", "display": "Author"}]}
    signing: Resource = {
        "resourceType": "Provenance",
        "target": [_reference(result, SIGNED_REPORT)],
        "recorded": moment,
        "agent": [{"type": author, "who": _reference(result, SIGNER)}],
        "entity": [{"role": "source", "what": _reference(result, "DiagnosticReport")}],
    }
    return [(SIGNER, signer), (SIGNED_REPORT, report), (SIGNING, signing)]


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _sentence(finding: FindingAssessment) -> str:
    flag = "flagged" if finding.is_flagged else "not flagged"
    name = finding.name.replace("_", " ").capitalize()
    return f"{name}: probability {100 * finding.probability:.0f} %, {flag} at {100 * finding.threshold:.0f} %."


def _provenance(result: Result, observations: list[str]) -> Resource:
    provenance: Resource = {
        "resourceType": "Provenance",
        "target": [_reference(result, role) for role in ("DiagnosticReport", *observations)],
        "recorded": result.created_at.isoformat(timespec="seconds"),
        "agent": [{"who": _reference(result, "Device")}],
    }
    if has_study(result):
        provenance["entity"] = [{"role": "source", "what": _reference(result, "ImagingStudy")}]
    return provenance
