"""The public JSON form of an assessment: what the command line prints and the service answers with."""

from dataclasses import asdict
from typing import Any

from diagnosis.record import Assessment
from diagnosis.vocabulary import NOT_A_MEDICAL_DEVICE


def assessment_json(assessment: Assessment) -> dict[str, Any]:
    """The public JSON form of an assessment; others rely on its keys."""
    return {
        "case_id": assessment.case_id,
        "bundle": {
            "name": assessment.bundle_name,
            "version": assessment.bundle_version,
            "sha256": assessment.bundle_sha256,
        },
        "findings": [asdict(finding) for finding in assessment.findings],
        "descriptors": [asdict(descriptor) for descriptor in assessment.descriptors],
        "modalities": {
            use.modality.value: {
                "present": use.is_present,
                "share": use.share,
                "shapley_logits": use.shapley_logits,
                "attention_weight": use.attention_weight,
            }
            for use in assessment.modalities
        },
        "warnings": list(assessment.warnings),
        "seconds": dict(assessment.seconds),
        "disclaimer": NOT_A_MEDICAL_DEVICE,
    }
