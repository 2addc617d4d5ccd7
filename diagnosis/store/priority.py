"""The order of priority of the worklist (pure)."""

from enum import IntEnum

from diagnosis.store.review_state import CLOSED, ReviewState


class Urgency(IntEnum):
    """What comes first: within a rank the higher probability."""

    FLAGGED = 0
    WAITING = 1
    NOT_FLAGGED = 2
    PROBLEM = 3
    REVIEWED = 4


def urgency_of(is_flagged: bool, state: ReviewState) -> Urgency:
    """Rank of an assessed case: flagged ones that wait for a reader first, those that a reader has closed last.

    A case that nobody has assessed yet (`WAITING`) may be anything, and so stands before those not flagged.
    """
    if state in CLOSED:
        return Urgency.REVIEWED
    return Urgency.FLAGGED if is_flagged or state is ReviewState.DISAGREEMENT else Urgency.NOT_FLAGGED
