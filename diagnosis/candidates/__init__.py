"""Where to look in a chest CT when nobody has said so: at most ten regions, each to be confirmed or dismissed.

====================  ========================================================================================
module                what it answers
====================  ========================================================================================
`working_grid`        the CT on an isotropic grid along the patient's axes
`lung_mask`           where are the lungs, and what do they close in, lesions on the wall included?
`scene`               the space of the lungs at halving resolutions, on the scales of solid tissue and ground glass
`blobs`               what is round there, from 6 to 120 mm?
`traits`              38 numbers of each blob: form, ways out, own tissue, place within the lungs
`ranking`             how much is it like a lesion? A network of 36 kB (`models/lung_candidates`), or a rule
`crop`                what if the CT is too small to hold lungs?
`finder`              each thing once, the ten strongest
====================  ========================================================================================

In: a `Volume`. Out: `Candidate` values with a `RegionOfInterest` of source "candidate", an estimated diameter and a
strength that ranks the candidates of one study. Where there are no lungs the answer is empty, with the reason. The
first three are always given, further ones only from a strength of 0.2. The engine scores each like a marked region.
Of a CT of less than 10 cm on every side, too small for a chest but with aerated lung in it, the middle is the one
candidate.

Torch is not needed: the network is a few matrix products in numpy. `diagnosis train-candidates` makes it again.

Measured by `diagnosis candidates-benchmark` (30 synthetic patients of seed 2024 in eight kinds, one lesion of 5 to 65
mm each; a hit is a center within the lesion's radius, or 5 mm). The network was trained on other patients of the same
generator and on real nodules set into them; chest CT of real patients was used for this measurement only.

=====================  ==================  ===================  =================  ==================
first so many shown    network: found      false per study      rule: found        false per study
=====================  ==================  ===================  =================  ==================
1                      26 (70 to 95 %)     0.1                  22 (56 to 86 %)    0.3
2                      29 (83 to 99 %)     1.0                  24 (63 to 90 %)    1.2
4                      30 (89 to 100 %)    3.0                  25 (66 to 93 %)    3.2
10                     30 (89 to 100 %)    8.0                  25 (66 to 93 %)    9.2
=====================  ==================  ===================  =================  ==================

Found by the network (by the rule), of all: solid 5 to 8 mm 4 (4) of 4, 9 to 15 mm 4 (4) of 4, 16 to 30 mm 4 (4) of 4,
on the pleura 4 (2) of 4, spiculated 4 (4) of 4, part-solid 4 (4) of 4, ground glass 3 (2) of 3, masses 3 (1) of 3. The
one real chest CT with a known lesion (Lung-PET-CT-Dx, an adenocarcinoma of 7 cm grown together with the mediastinum,
5 mm slices): second of five, 9 mm from its middle, with 66 mm for its size; by the rule it is missed. Head, abdomen
and single slices: no lungs, nothing proposed.

What that does not say: synthetic chests are schematic and those of the test come from the generator that trained; one
real scan is no sensitivity. On a healthy patient all candidates are false. Diameters of ground glass come out about a
quarter too small.
"""

from diagnosis.candidates.finder import Candidate, CandidateSearch, find_candidates, search_candidates

__all__ = ["Candidate", "CandidateSearch", "find_candidates", "search_candidates"]
