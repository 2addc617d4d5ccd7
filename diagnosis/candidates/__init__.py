"""Where to look in a chest CT when nobody has said so: at most ten regions, each to be confirmed or dismissed.

====================  ========================================================================================
module                what it answers
====================  ========================================================================================
`working_grid`        the CT on an isotropic grid along the patient's axes
`lung_mask`           where are the lungs, and what do they close in?
`blobs`               what is round there, at which scale?
`finder`              which ten are the roundest?
====================  ========================================================================================

In: a `Volume`. Out: `Candidate` values with a `RegionOfInterest` of source "candidate", an estimated diameter and a
strength that ranks the candidates of one study. Where there are no lungs the answer is empty, with the reason.

There is no network in it: candidates are found and ranked by curvature at ten scales (no training, no weights). The
engine then scores each like a marked region. False candidates are vessel branchings, the heart, the domes of the
diaphragm; on a healthy patient all are false. Figures are in the README under "Regions without a click".
"""

from diagnosis.candidates.finder import Candidate, CandidateSearch, find_candidates, search_candidates

__all__ = ["Candidate", "CandidateSearch", "find_candidates", "search_candidates"]
