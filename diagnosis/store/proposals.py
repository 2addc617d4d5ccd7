"""What clinicians said of proposed regions: confirmed, dismissed, or taken back into the list.

A decision is of a place in a case: another search that proposes the same region finds it decided already. Decisions are
only ever added; the newest of a region counts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import final

from sqlalchemy import select

from diagnosis.store.actors import Actor
from diagnosis.store.assessments import case_row
from diagnosis.store.audit import Action, record_row
from diagnosis.store.database import Store
from diagnosis.store.tables import ProposalDecisionRow


class ProposalDecision(StrEnum):
    """What can be said of a proposed region."""

    CONFIRM = "confirm"
    DISMISS = "dismiss"
    RESTORE = "restore"


@final
@dataclass(frozen=True)
class KeptDecision:
    """A decision with who made it and when; `number` grows with time."""

    number: int
    region: str
    decision: ProposalDecision
    made_at: datetime
    made_by: str


def save_decision(store: Store, actor: Actor, token: str, region: str, decision: ProposalDecision) -> KeptDecision:
    """Keep a decision; earlier ones stay.

    Args:
        store: where.
        actor: who decides.
        token: of the case.
        region: the proposed region as canonical JSON.
        decision: what is said of it.

    Raises:
        StoreError: the case is not in the store, or the database cannot be written.
    """
    with store.writing() as session:
        case_row(session, token)
        now = datetime.now(UTC)
        row = ProposalDecisionRow(token=token, region=region, decision=decision.value, made_at=now, made_by=actor.name)
        record_row(session, actor, Action.DECIDE, row, {"decision": decision.value})
        return _kept(row)


def decisions_of(store: Store, token: str) -> dict[str, KeptDecision]:
    """The newest decision on each proposed region of a case, by the region's canonical JSON."""
    query = select(ProposalDecisionRow).where(ProposalDecisionRow.token == token).order_by(ProposalDecisionRow.id)
    with store.reading() as session:
        return {row.region: _kept(row) for row in session.scalars(query)}


def _kept(row: ProposalDecisionRow) -> KeptDecision:
    return KeptDecision(row.id, row.region, ProposalDecision(row.decision), row.made_at, row.made_by)
