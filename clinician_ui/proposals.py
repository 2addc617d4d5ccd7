"""Regions that the product proposes in a CT without a marked one: searched once, each assessed, none of it kept.

A proposal counts only once a clinician confirms it; it is then marked like a region of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

import streamlit as st

from clinician_ui.access import require
from clinician_ui.permissions import Permission
from clinician_ui.services import ONE_AT_A_TIME, CaseEntry, Shelf, engine_of, load_case, revision_of
from diagnosis.errors import CaseError
from diagnosis.record import RegionOfInterest

MOST_KEPT = 50
Progress = Callable[[int, int], None]


@final
@dataclass(frozen=True)
class Proposal:
    """A proposed region.

    Attributes:
        region: where, with an estimated diameter.
        strength: how much it is like a lesion, in [0,1]; no probability of disease.
        probability: calibrated, of the main finding, with the case's note and dictation.
        is_flagged: whether that reaches the threshold.
    """

    region: RegionOfInterest
    strength: float
    probability: float
    is_flagged: bool


@final
@dataclass(frozen=True)
class Proposals:
    """Outcome of a search, highest probability first; `reason` says why there are none."""

    found: tuple[Proposal, ...]
    reason: str | None = None


@st.cache_resource(show_spinner=False)
def _searches() -> Shelf[Proposals]:
    return Shelf(MOST_KEPT)


def known_proposals(entry: CaseEntry, bundle_dir: Path) -> Proposals | None:
    """What an earlier search of the case found, or None."""
    return _searches().get(_key(entry, bundle_dir))


def propose_regions(entry: CaseEntry, bundle_dir: Path, on_progress: Progress | None = None) -> Proposals:
    """Search the CT of a case and assess each region found: seconds of work.

    Raises:
        AccessError: the visitor may not.
        DiagnosisError: the case or the model cannot be used.
    """
    known = known_proposals(entry, bundle_dir)
    if known is not None:
        return known
    require(Permission.ASSESS)
    from diagnosis.candidates import search_candidates

    case = load_case(entry)
    if case.volume is None:
        msg = "case: it has no CT to search for regions"
        raise CaseError(msg)
    search = search_candidates(case.volume, on_progress)
    with ONE_AT_A_TIME:
        assessed = engine_of(bundle_dir).assess_candidates(case, search.candidates)
    found = tuple(Proposal(c.region, c.strength, a.main.probability, a.main.is_flagged) for c, a in assessed)
    proposals = Proposals(found, search.reason)
    _searches().put(_key(entry, bundle_dir), proposals)
    return proposals


def _key(entry: CaseEntry, bundle_dir: Path) -> tuple[str, ...]:
    return entry.token, entry.fingerprint, str(revision_of(entry)), str(bundle_dir)
