"""What the reviews of a case amount to (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import final


class Decision(StrEnum):
    """What a reader can say of a finding."""

    ACCEPT = "accept"
    OVERRIDE = "override"
    DEFER = "defer"


class Seat(StrEnum):
    """As which reader somebody speaks."""

    FIRST = "first"
    SECOND = "second"


class ReviewState(StrEnum):
    """What the reviews of a case's latest assessment amount to."""

    OPEN = "open"
    PARTLY = "partly"
    ACCEPTED = "accepted"
    OVERRIDDEN = "overridden"
    DEFERRED = "deferred"
    DISAGREEMENT = "disagreement"
    OUTDATED = "outdated"


CLOSED = frozenset({ReviewState.ACCEPTED, ReviewState.OVERRIDDEN})
"""States in which nobody waits for a reader."""


@final
@dataclass(frozen=True)
class Opinion:
    """What decides of a review; fields as in `tables.ReviewRow`."""

    assessment_id: int
    finding: str
    decision: str
    value: str | None
    seat: str


def review_state(assessment_id: int, findings: Sequence[str], opinions: Sequence[Opinion]) -> ReviewState:
    """The state of a case.

    Args:
        assessment_id: the latest assessment; opinions on earlier ones no longer count.
        findings: its findings.
        opinions: in the order in which they were given; a later one of the same seat replaces an earlier one.
    """
    current = [opinion for opinion in opinions if opinion.assessment_id == assessment_id]
    if not current:
        return ReviewState.OUTDATED if opinions else ReviewState.OPEN
    spoken = {(opinion.finding, opinion.seat): opinion for opinion in current}
    results = [_settled(spoken.get((name, Seat.FIRST)), spoken.get((name, Seat.SECOND))) for name in findings]
    for state in (ReviewState.DISAGREEMENT, ReviewState.DEFERRED):
        if state in results:
            return state
    if ReviewState.OPEN in results:
        return ReviewState.PARTLY
    return ReviewState.OVERRIDDEN if ReviewState.OVERRIDDEN in results else ReviewState.ACCEPTED


def _settled(first: Opinion | None, second: Opinion | None) -> ReviewState:
    """State of one finding: a second reader settles what the first deferred, and is heard where both decided."""
    decided = [o for o in (first, second) if o is not None and o.decision != Decision.DEFER]
    if not decided:
        return ReviewState.OPEN if first is None and second is None else ReviewState.DEFERRED
    if len({(o.decision, o.value) for o in decided}) > 1:
        return ReviewState.DISAGREEMENT
    return ReviewState.OVERRIDDEN if decided[0].decision == Decision.OVERRIDE else ReviewState.ACCEPTED
