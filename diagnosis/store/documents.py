"""Canonical JSON and hashes over it; assessments to documents and back."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import inspect

from diagnosis.record import Assessment, DescriptorAssessment, FindingAssessment, ModalityUse
from diagnosis.store.tables import Base
from diagnosis.vocabulary import Modality


def canonical_json(document: Mapping[str, Any]) -> str:
    """JSON with sorted keys, no blanks, and everything outside ASCII escaped: equal content gives equal bytes.

    Raises:
        ValueError: a number that is not finite.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def sha256_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of a document's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical_json(document).encode("ascii")).hexdigest()


def row_sha256(row: Base) -> str:
    """SHA-256 over all columns of a row."""
    values = {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}
    return sha256_of({key: _moment(v) if isinstance(v, datetime) else v for key, v in values.items()})


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def assessment_document(assessment: Assessment) -> dict[str, Any]:
    """An assessment as a document of plain values; `assessment_from` is its inverse."""
    return asdict(assessment)


def assessment_from(document: Mapping[str, Any]) -> Assessment:
    """The assessment that a document holds.

    Raises:
        KeyError, TypeError, DiagnosisError: the document is not one of an assessment.
    """
    findings = (
        finding | {"prediction_set": None if finding["prediction_set"] is None else tuple(finding["prediction_set"])}
        for finding in document["findings"]
    )
    return Assessment(
        case_id=document["case_id"],
        bundle_name=document["bundle_name"],
        bundle_version=document["bundle_version"],
        bundle_sha256=document["bundle_sha256"],
        findings=tuple(FindingAssessment(**finding) for finding in findings),
        descriptors=tuple(DescriptorAssessment(**item) for item in document["descriptors"]),
        modalities=tuple(
            ModalityUse(**(use | {"modality": Modality(use["modality"])})) for use in document["modalities"]
        ),
        warnings=tuple(document["warnings"]),
        seconds=tuple((str(stage), float(value)) for stage, value in document["seconds"]),
    )
