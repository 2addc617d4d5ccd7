"""Regions that the product proposes in a CT without a marked one: searched once, each assessed, kept in the store.

A proposal counts only once a clinician confirms it; it is then marked like a region of their own. Until then it is a
result that could be computed again, found there by every later visitor and after a restart. What a clinician says of it
is kept as their word: a dismissed one stays dismissed for all, until somebody restores it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from clinician_ui.access import require
from clinician_ui.archive import open_archive
from clinician_ui.corrections import region_text
from clinician_ui.permissions import Permission
from clinician_ui.recipes import PROPOSAL_MODULES, source_sha256
from clinician_ui.services import ONE_AT_A_TIME, CaseEntry, editor_of, engine_of, load_case, revision_of
from diagnosis.bundle.checksums import stated_sha256
from diagnosis.errors import BundleError, CaseError
from diagnosis.progress import OnProgress
from diagnosis.record import RegionOfInterest
from diagnosis.store.proposals import KeptDecision, ProposalDecision, decisions_of, save_decision
from diagnosis.store.results import ResultKind, read_result, save_result


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


def known_proposals(entry: CaseEntry, bundle_dir: Path) -> Proposals | None:
    """What an earlier search of the case found, by whomever; or None.

    Raises:
        AccessError: the visitor may not see the case.
    """
    require(Permission.SEE_CASE)
    key = proposal_key(entry, bundle_dir)
    return None if key is None else read_result(open_archive(), ResultKind.PROPOSALS, key, Proposals)


def propose_regions(entry: CaseEntry, bundle_dir: Path, on_progress: OnProgress | None = None) -> Proposals:
    """Search the CT of a case and assess each region found: seconds of work.

    Raises:
        AccessError: the visitor may not.
        DiagnosisError: the case or the model cannot be used, or what was found cannot be kept.
    """
    known = known_proposals(entry, bundle_dir)
    if known is not None:
        return known
    require(Permission.ASSESS)
    from diagnosis.candidates import search_candidates

    key = proposal_key(entry, bundle_dir)  # before the case is read: an edit that comes meanwhile is not in it
    case = load_case(entry)
    if case.volume is None:
        msg = "case: it has no CT to search for regions"
        raise CaseError(msg)
    search = search_candidates(case.volume, on_progress)
    with ONE_AT_A_TIME:
        assessed = engine_of(bundle_dir).assess_candidates(case, search.candidates)
    found = tuple(Proposal(c.region, c.strength, a.main.probability, a.main.is_flagged) for c, a in assessed)
    proposals = Proposals(found, search.reason)
    if key is not None:
        save_result(open_archive(), ResultKind.PROPOSALS, key, proposals)
    return proposals


def decisions_on(entry: CaseEntry, proposals: Proposals) -> dict[int, KeptDecision]:
    """The newest decision on each proposal that has one, by its place in the list, from 0."""
    kept = decisions_of(open_archive(), entry.token)
    places = enumerate(region_text(proposal.region) for proposal in proposals.found)
    return {place: kept[text] for place, text in places if text in kept}


def decide_proposal(entry: CaseEntry, proposal: Proposal, decision: ProposalDecision) -> None:
    """Keep what the visitor says of a proposal.

    Raises:
        AccessError: the visitor may not.
        StoreError: it cannot be kept.
    """
    save_decision(open_archive(), editor_of(entry), entry.token, region_text(proposal.region), decision)


def proposal_key(entry: CaseEntry, bundle_dir: Path) -> dict[str, Any] | None:
    """All that a search depends on; None where the bundle does not say what it is."""
    try:
        bundle = stated_sha256(bundle_dir)
    except BundleError:
        return None  # loading the bundle will say what is wrong with it
    return {
        "token": entry.token,
        "fingerprint": entry.fingerprint,
        "edit": revision_of(entry),
        "bundle_sha256": bundle,
        "program": source_sha256(*PROPOSAL_MODULES),
    }
