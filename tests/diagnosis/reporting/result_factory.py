"""Results made by hand: a case, its identity, what is said of it and why."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from programs import require_program

from diagnosis.record import (
    Assessment,
    Case,
    ClinicalNote,
    DescriptorAssessment,
    Explanation,
    FindingAssessment,
    ModalityShares,
    ModalityUse,
    RegionOfInterest,
    SourceHeaders,
    StudyIdentity,
    Volume,
    VolumeAttribution,
)
from diagnosis.reporting.result import Result
from diagnosis.vocabulary import DESCRIPTORS, Modality

WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
CENTER = (20.0, 30.0, 15.0)
NAME, PATIENT = "Müller^Änne", "P-77"


def dciodvfy_errors(path) -> list[str]:
    found = subprocess.run([require_program("dciodvfy"), str(path)], capture_output=True, text=True, check=False)
    return [line for line in (found.stderr + found.stdout).splitlines() if line.startswith("Error")]


def make_identity(**changes) -> StudyIdentity:
    headers = SourceHeaders(
        patient_name=NAME,
        patient_birth_date="19500102",
        patient_sex="F",
        patient_age="076Y",
        study_date="20260301",
        study_time="101500.25",
        timezone_offset="+0000",
        study_id="4",
        study_description="Chest CT",
        body_part="CHEST",
        frame_of_reference_uid="1.2.3.9",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
    )
    own = {name: changes.pop(name) for name in list(changes) if name in StudyIdentity.__dataclass_fields__}
    identity = StudyIdentity(
        "c-1",
        PATIENT,
        "A-5",
        "1.2.3",
        "1.2.3.4",
        tuple(f"1.2.3.4.{n}" for n in range(1, 13)),
        replace(headers, **changes),
    )
    return replace(identity, **own)


def make_result(identity: StudyIdentity | None = None, logit: float = 0.4, **changes) -> Result:
    affine = np.array([[0, 0, 1.0, 0], [0, 1.0, 0, 0], [2.5, 0, 0, 0], [0, 0, 0, 1]])
    hu = np.full((12, 48, 40), -850.0, dtype=np.float32)
    hu[4:9, 26:35, 16:25] = 40
    map_affine = np.array([[0, 0, 0.7, 10], [0, 0.7, 0, 20], [1.25, 0, 0, 9], [0, 0, 0, 1]])
    values = np.random.default_rng(0).normal(0, 1e-3, (9, 24, 26)).astype(np.float32)
    values[4, 12, 13] = 0.05
    case = Case(
        "c-1",
        volume=Volume(hu, affine),
        region=RegionOfInterest(CENTER, 10.0),
        note=ClinicalNote("A spiculated nodule & <more>."),
        age_years=76,
    )
    finding = FindingAssessment("malignancy", logit, 0.6, 0.5, 0.7, 0.55, True, ("negative", "positive"))
    assessment = Assessment(
        "c-1", "lung_nodule", "1.2.0", "ab" * 32, (finding,),
        tuple(DescriptorAssessment(d.name, 2.4, d.wording(2.4)) for d in DESCRIPTORS),
        tuple(ModalityUse(m, m is not Modality.VOICE, 0.2, 0.5) for m in Modality), ("A warning.",),
    )  # fmt: skip
    shares = ModalityShares(0.0, 0.4, {Modality.CT: 0.4}, {"": 0.0, "ct": 0.4}, {Modality.CT: 1.0})
    attribution = VolumeAttribution(values, map_affine, "integrated_gradients", "air (-1000 HU)")
    explanation = Explanation("c-1", "malignancy", shares, attribution)
    result = Result(case, identity or make_identity(), assessment, explanation, WHEN)
    return replace(result, **changes)
