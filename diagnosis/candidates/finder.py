"""From a chest CT to at most ten regions that somebody should look at; of a crop of one, its middle."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from diagnosis.candidates.blobs import find_blobs, merge_things
from diagnosis.candidates.crop import extent_mm, is_lung_crop, middle_region
from diagnosis.candidates.lung_mask import find_lung_space
from diagnosis.candidates.ranking import Ranking, default_ranking
from diagnosis.candidates.scene import Scene, make_scene
from diagnosis.candidates.traits import Sized, measure_traits
from diagnosis.candidates.working_grid import resample_isotropic
from diagnosis.progress import OnProgress
from diagnosis.record import RegionOfInterest, Volume
from diagnosis.record.volume import RegionSource

MOST_CANDIDATES = 10
ALWAYS_SHOWN = 3
"""Further candidates must reach the ranking's least strength: ten of which nine are hopeless help nobody."""
MASK_SPACING_MM = 3.0
LARGEST_MM = 120.0
N_STAGES = 5
NO_LUNGS = "no lungs were found in the CT: it is not a chest, or its values are not Hounsfield units"
CROP_STRENGTH = 0.5
"""Nothing is known of how much the middle of a crop is like a lesion."""
NO_BLOBS = "nothing round was found in the lungs"


@final
@dataclass(frozen=True)
class Candidate:
    """A region that may hold a lesion, to be confirmed or dismissed by a clinician.

    Attributes:
        region: center in LPS mm, estimated diameter, source "candidate".
        strength: how much it is like a lesion, in [0,1]; ranks candidates of one study and is no probability of
            disease.
        reason: why it was proposed, in words.
    """

    region: RegionOfInterest
    strength: float
    reason: str


@final
@dataclass(frozen=True)
class CandidateSearch:
    """Outcome of a search.

    Attributes:
        candidates: strongest first.
        reason: why there are none, or None where there are some.
    """

    candidates: tuple[Candidate, ...]
    reason: str | None = None


@final
@dataclass(frozen=True, eq=False)
class Proposals:
    """Everything round in a chest, before it is ranked.

    Attributes:
        scene: what was searched.
        sized: each blob with its measured middle and size.
        traits: (blob,trait), see `traits.TRAIT_NAMES`.
    """

    scene: Scene
    sized: tuple[Sized, ...]
    traits: npt.NDArray[np.float64]

    def center_mm(self, number: int) -> tuple[float, float, float]:
        """LPS middle of a blob's own tissue."""
        return self.scene.grid.position_of(self.sized[number].index)

    def diameter_mm(self, number: int) -> float:
        """Of the ball that its tissue would fill."""
        return self.sized[number].diameter * self.scene.grid.spacing_mm


def find_candidates(
    volume: Volume, on_progress: OnProgress | None = None, ranking: Ranking | None = None
) -> tuple[Candidate, ...]:
    """Up to ten candidates, strongest first; empty where there are no lungs or nothing round in them."""
    return search_candidates(volume, on_progress, ranking).candidates


def search_candidates(
    volume: Volume, on_progress: OnProgress | None = None, ranking: Ranking | None = None
) -> CandidateSearch:
    """The same, and why there are none.

    Args:
        volume: a CT in HU, any orientation.
        on_progress: called with (done, all) stages.
        ranking: how candidates are ranked; by default the network that ships with the product.
    """
    advance = on_progress or (lambda _done, _all: None)
    if is_lung_crop(volume):
        advance(N_STAGES, N_STAGES)
        return CandidateSearch((_crop_candidate(volume),))
    proposals = propose(volume, advance)
    if proposals is None:
        advance(N_STAGES, N_STAGES)
        return CandidateSearch((), NO_LUNGS)
    candidates = rank_proposals(proposals, volume, ranking or default_ranking())
    advance(N_STAGES, N_STAGES)
    return CandidateSearch(candidates, None if candidates else NO_BLOBS)


def propose(volume: Volume, advance: OnProgress = lambda _done, _all: None) -> Proposals | None:
    """Everything round in and on the lungs; None where there are no lungs."""
    coarse = resample_isotropic(volume, MASK_SPACING_MM)
    lung_space = find_lung_space(coarse)
    advance(1, N_STAGES)
    if lung_space is None:
        return None
    scene = make_scene(volume, coarse, lung_space)
    advance(2, N_STAGES)
    largest = LARGEST_MM / scene.grid.spacing_mm
    blobs = [blob for blob in find_blobs(scene) if blob.diameter <= largest]
    advance(3, N_STAGES)
    traits, sized = measure_traits(scene, blobs)
    advance(4, N_STAGES)
    return Proposals(scene, tuple(sized), traits)


def rank_proposals(proposals: Proposals, volume: Volume, ranking: Ranking) -> tuple[Candidate, ...]:
    """The strongest, each thing once."""
    if not proposals.sized:
        return ()
    strength = ranking.strength(proposals.traits)
    order = [int(i) for i in np.argsort(-strength)]
    kept = merge_things([(proposals.sized[i].index, proposals.sized[i].diameter) for i in order], MOST_CANDIDATES)
    return tuple(
        _candidate(proposals, order[k], float(strength[order[k]]), volume)
        for rank, k in enumerate(kept)
        if rank < ALWAYS_SHOWN or strength[order[k]] >= ranking.least_strength
    )


def _crop_candidate(volume: Volume) -> Candidate:
    sides = " x ".join(f"{side:.0f}" for side in extent_mm(volume))
    reason = f"the middle of a CT of {sides} mm, too small to hold lungs: it was cut around something, it seems"
    return Candidate(middle_region(volume), CROP_STRENGTH, reason)


def _candidate(proposals: Proposals, number: int, strength: float, volume: Volume) -> Candidate:
    index = np.clip(volume.index_of(proposals.center_mm(number)), 0, np.array(volume.hu.shape) - 1)
    x, y, z = (round(float(v), 1) for v in volume.position_of(index))
    diameter_mm = round(proposals.diameter_mm(number), 1)
    kind = "faint and round" if proposals.sized[number].blob.is_soft else "round"
    region = RegionOfInterest((x, y, z), diameter_mm, RegionSource.CANDIDATE)
    return Candidate(region, round(strength, 3), f"{kind}, about {diameter_mm:.0f} mm, in or on the lung")
