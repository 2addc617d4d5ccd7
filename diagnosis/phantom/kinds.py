"""Patients with a lesion of a named kind, to measure what a search finds of each."""

from dataclasses import replace

import numpy as np

from diagnosis.phantom.draw import draw_spec
from diagnosis.phantom.spec import NoduleSpec, PhantomSpec

KINDS = (
    "solid, 5 to 8 mm",
    "solid, 9 to 15 mm",
    "solid, 16 to 30 mm",
    "solid, on the pleura",
    "spiculated",
    "part-solid",
    "ground glass",
    "mass, 35 to 65 mm",
)
SLICE_MM = 2.5
"""Of every patient of a kind: thinner slices cost time and change little on the search's own grid."""


def draw_kind_spec(kind: str, rng: np.random.Generator, case_id: str, *, has_lesion: bool = True) -> PhantomSpec:
    """A patient drawn at random whose lesion is of one of `KINDS`; body and scan vary as in `draw_spec`.

    Args:
        kind: one of `KINDS`.
        rng: all randomness.
        case_id: pseudonym.
        has_lesion: without, the CT is that of a patient who has none.
    """
    spec = draw_spec(rng, case_id, "all" if has_lesion else "note")
    return replace(spec, scan=replace(spec.scan, slice_mm=SLICE_MM), nodule=_nodule(kind, spec.nodule, rng))


def _nodule(kind: str, drawn: NoduleSpec, rng: np.random.Generator) -> NoduleSpec:
    def of_size(low: float, high: float) -> NoduleSpec:
        return replace(
            drawn, diameter_mm=round(float(rng.uniform(low, high)), 1), texture=5, internal_structure=1,
            sphericity=max(drawn.sphericity, 3), touches_pleura=False,
        )  # fmt: skip

    match KINDS.index(kind):
        case 0:
            nodule = of_size(5, 8)
        case 1:
            nodule = of_size(9, 15)
        case 2:
            nodule = of_size(16, 30)
        case 3:
            nodule = replace(of_size(8, 25), touches_pleura=True, calcification=6)
        case 4:
            nodule = replace(of_size(10, 28), spiculation=5, margin=2, calcification=6)
        case 5:
            nodule = replace(of_size(9, 28), texture=int(rng.choice([2, 3, 4])), margin=3, calcification=6)
        case 6:
            nodule = replace(of_size(8, 28), texture=1, margin=2, calcification=6)
        case _:
            on_wall = bool(rng.random() < 0.6)
            mass = of_size(35, 65)
            nodule = replace(mass, touches_pleura=on_wall, calcification=6, spiculation=4, lobulation=4)
    return nodule
