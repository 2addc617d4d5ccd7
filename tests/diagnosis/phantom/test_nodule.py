import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.phantom.canvas import Canvas
from diagnosis.phantom.nodule import draw_shape, paint_nodule
from diagnosis.phantom.spec import NoduleSpec

nodules = st.builds(
    NoduleSpec,
    diameter_mm=st.floats(4, 30),
    internal_structure=st.integers(1, 4),
    calcification=st.integers(1, 6),
    sphericity=st.integers(1, 5),
    margin=st.integers(1, 5),
    lobulation=st.integers(1, 5),
    spiculation=st.integers(1, 5),
    texture=st.integers(1, 5),
)
CENTER = np.array([0.7, -0.4, 0.3])
SPACING = (1.5, 0.8, 0.8)


def plant(nodule: NoduleSpec, seed: int = 0) -> tuple[Canvas, np.ndarray]:
    """A nodule alone in even lung."""
    reach = 0.6 * nodule.diameter_mm + 26
    z, y, x = (np.arange(-reach, reach, step, dtype=np.float32) for step in SPACING)
    canvas = Canvas(np.full((z.size, y.size, x.size), -860, dtype=np.float32), z, y, x)
    return canvas, paint_nodule(canvas, nodule, CENTER, np.random.default_rng(seed))


@settings(max_examples=12, deadline=None)
@given(nodule=nodules, seed=st.integers(0, 1000))
def test_center_and_diameter_are_those_asked_for(nodule: NoduleSpec, seed: int) -> None:
    canvas, filled = plant(nodule, seed)
    total = filled.sum()
    for axis, values, wanted in ((2, canvas.x, CENTER[0]), (1, canvas.y, CENTER[1]), (0, canvas.z, CENTER[2])):
        others = tuple(a for a in range(3) if a != axis)
        assert (filled.sum(axis=others) * values).sum() / total == pytest.approx(wanted, abs=0.5)
    turns = np.linspace(0, np.pi, 36, endpoint=False)
    extents = []
    for section in filled:
        rows, columns = np.nonzero(section >= 0.5)
        if rows.size:
            along = np.outer(canvas.x[columns], np.cos(turns)) + np.outer(canvas.y[rows], np.sin(turns))
            extents.append(np.ptp(along, axis=0).max() + 0.8)
    assert max(extents) == pytest.approx(nodule.diameter_mm, abs=2.0)


@settings(max_examples=10, deadline=None)
@given(nodule=nodules)
def test_hounsfield_units_stay_plausible(nodule: NoduleSpec) -> None:
    canvas, filled = plant(nodule)
    assert canvas.hu.min() >= -1000
    assert canvas.hu.max() <= 1000
    assert 0 <= filled.min() <= filled.max() <= 1


def core_hu(nodule: NoduleSpec) -> float:
    canvas, filled = plant(nodule)
    return float(np.median(canvas.hu[filled > 0.99]))


def test_denser_texture_is_denser() -> None:
    values = [core_hu(NoduleSpec(diameter_mm=18, texture=t)) for t in (1, 3, 5)]
    assert values[0] < -450 < values[2] - 300
    assert values[0] < values[1] <= values[2]
    assert 0 < values[2] < 80


@pytest.mark.parametrize("pattern", [1, 2, 3, 4, 5])
def test_calcium_is_bright_and_absent_calcium_is_not(pattern: int) -> None:
    with_calcium, _ = plant(NoduleSpec(diameter_mm=14, calcification=pattern))
    without, _ = plant(NoduleSpec(diameter_mm=14, calcification=6))
    assert with_calcium.hu.max() > 350
    assert without.hu.max() < 120


def test_central_calcium_is_central_and_noncentral_is_not() -> None:
    def distance_mm(pattern: int) -> float:
        canvas, _ = plant(NoduleSpec(diameter_mm=16, calcification=pattern))
        k, j, i = np.argwhere(canvas.hu > 350).mean(axis=0)
        at = np.array([np.interp(v, range(a.size), a) for v, a in ((i, canvas.x), (j, canvas.y), (k, canvas.z))])
        return float(np.linalg.norm(at - CENTER))

    assert distance_mm(5) < 1.0
    assert distance_mm(4) > 2.5


def test_cavity_fat_and_fluid_have_their_densities() -> None:
    cavity, _ = plant(NoduleSpec(diameter_mm=20, internal_structure=4))
    middle = tuple(s // 2 for s in cavity.hu.shape)
    assert cavity.hu[middle] < -750
    fat, filled = plant(NoduleSpec(diameter_mm=20, internal_structure=3))
    assert np.percentile(fat.hu[filled > 0.99], 10) < -60
    assert core_hu(NoduleSpec(diameter_mm=20, internal_structure=2)) == pytest.approx(9, abs=3)


def test_spicules_reach_beyond_the_body() -> None:
    def strands(spiculation: int) -> int:
        canvas, filled = plant(NoduleSpec(diameter_mm=16, margin=5, spiculation=spiculation))
        return int(((canvas.hu > -700) & (filled == 0)).sum())

    counts = [strands(s) for s in (1, 3, 5)]
    assert counts[0] < counts[1] < counts[2]
    assert counts[2] > 5 * max(counts[0], 20)


def test_a_poorly_defined_margin_is_softer() -> None:
    def half_bright(margin: int) -> int:
        canvas, _ = plant(NoduleSpec(diameter_mm=16, margin=margin, spiculation=1))
        return int(((canvas.hu > -700) & (canvas.hu < -200)).sum())

    assert half_bright(1) > 2 * half_bright(5)


def test_roundness_and_lobules_show_in_the_surface() -> None:
    directions = np.random.default_rng(0).standard_normal((4000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)

    def spread(**ratings: int) -> float:
        radius = draw_shape(NoduleSpec(diameter_mm=16, **ratings), np.random.default_rng(3)).radius(directions)
        return float(radius.std() / radius.mean())

    assert spread(sphericity=5, lobulation=1) < 0.05 < spread(sphericity=2, lobulation=1)
    assert spread(sphericity=5, lobulation=5) > 2 * spread(sphericity=5, lobulation=1)
