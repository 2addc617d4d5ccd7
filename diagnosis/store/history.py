"""Probabilities and inputs over time, for the watch on drift."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, final

from sqlalchemy import func, select

from diagnosis.store.database import Store
from diagnosis.store.tables import AssessmentRow, CaseRow


@final
@dataclass(frozen=True)
class Observation:
    """The first assessment of a case by a bundle, without the case's name.

    Attributes:
        made_at: when it was made.
        inputs: plain facts of what went in, see `inputs.inputs_of`.
        probabilities: calibrated probability of each finding.
    """

    made_at: datetime
    inputs: Mapping[str, Any]
    probabilities: Mapping[str, float]


def read_observations(store: Store, collection: str, bundle_sha256: str) -> list[Observation]:
    """Each case of a folder once, in order of time: what a bundle said when it first met the case.

    Later assessments of the same case answer a clinician's edits. They would count that case again and again, and are
    left out.
    """
    first = (
        select(func.min(AssessmentRow.id))
        .where(AssessmentRow.bundle_sha256 == bundle_sha256)
        .group_by(AssessmentRow.token)
    )
    query = (
        select(AssessmentRow.made_at, AssessmentRow.inputs, AssessmentRow.document)
        .join(CaseRow, CaseRow.token == AssessmentRow.token)
        .where(CaseRow.collection == collection, AssessmentRow.id.in_(first))
        .order_by(AssessmentRow.id)
    )
    with store.reading() as session:
        return [_observation(row.made_at, row.inputs, row.document) for row in session.execute(query)]


def _observation(made_at: datetime, inputs: str, document: str) -> Observation:
    findings = json.loads(document)["findings"]
    return Observation(made_at, json.loads(inputs), {f["name"]: float(f["probability"]) for f in findings})
