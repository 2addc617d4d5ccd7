"""The mediastinum: heart, great vessels, airway, gullet, painted between the lungs; and the trees within the lungs."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from diagnosis.phantom.canvas import BoolArray, Canvas, Point, paint_capsule, paint_ellipsoid, paint_tube
from diagnosis.phantom.spec import BodySpec

AIRWAY_HU = -985.0
LEAVES_PER_LUNG = 900


def paint_mediastinum(canvas: Canvas, body: BodySpec, rng: np.random.Generator) -> None:
    """Paint heart, great vessels, airway and gullet, in place (canvas in body mm)."""
    blood = 175.0 + 40 * rng.random() if body.is_contrast_enhanced else 41.0
    muscle = 105.0 if body.is_contrast_enhanced else 52.0
    _paint_heart(canvas, blood, muscle)
    _paint_vessels(canvas, blood, body, rng)
    _paint_airway(canvas)
    paint_tube(canvas, [(3, 31, 150), (4, 32, 60), (6, 30, 0), (10, 24, -70), (18, 18, -95)], 6.5, 36.0)
    paint_tube(canvas, [(3, 31, 150), (4, 32, 90), (4, 32, 62)], 1.8, -300.0)
    for _ in range(9):  # lymph nodes of ordinary size
        place = np.array([rng.uniform(-22, 22), rng.uniform(-20, 20), rng.uniform(15, 75)])
        paint_ellipsoid(canvas, place, np.array([3.6, 2.4, 4.0]) * rng.uniform(0.7, 1.2), 40.0)


def _paint_heart(canvas: Canvas, blood: float, muscle: float) -> None:
    for center, radii, value in (
        ((-14, -14, -22), (28, 28, 34), blood),  # right atrium
        ((8, 8, -12), (32, 19, 22), blood),  # left atrium
        ((14, -40, -32), (38, 24, 38), muscle),  # right ventricle
        ((14, -40, -32), (33, 19, 33), blood),
        ((38, -24, -34), (40, 32, 40), muscle),  # left ventricle
        ((34, -22, -32), (26, 19, 28), blood),
        ((4, -34, 0), (26, 20, 16), blood),  # outflow
    ):
        paint_ellipsoid(canvas, np.array(center, dtype=float), np.array(radii, dtype=float), value)


def _paint_vessels(canvas: Canvas, blood: float, body: BodySpec, rng: np.random.Generator) -> None:
    widen = 1 + 0.004 * (body.age_years - 50)
    tubes: tuple[tuple[list[tuple[float, float, float]], float], ...] = (
        ([(-6, -30, -2), (-14, -28, 20), (-12, -24, 42), (-2, -10, 56), (12, 12, 57), (21, 28, 48)], 14.5 * widen),
        ([(21, 28, 50), (24, 40, 30), (24, 42, -20), (18, 40, -80), (8, 38, -160)], 11.5 * widen),
        ([(-27, -18, 70), (-28, -17, 40), (-26, -14, 0)], 8.5),
        ([(-27, -18, 68), (-30, -22, 92), (-34, -20, 150)], 7.0),
        ([(-27, -20, 70), (-4, -32, 76), (22, -28, 92), (32, -18, 150)], 6.5),
        ([(-8, -16, 58), (-16, -10, 84), (-24, -2, 150)], 5.8),
        ([(2, -6, 58), (12, -2, 86), (22, 2, 150)], 4.2),
        ([(14, 12, 58), (22, 12, 86), (34, 16, 150)], 4.8),
        ([(12, -40, -4), (17, -32, 14), (20, -16, 27), (34, 0, 32), (46, 8, 24)], 12.0),
        ([(17, -20, 24), (-4, -11, 24), (-26, -6, 18), (-42, 0, 12)], 10.5),
        ([(-12, -14, -40), (-14, -15, -70), (-16, -12, -160)], 11.0),
        ([(-12, 40, 36), (-12, 42, -40), (-10, 42, -150)], 3.2),
    )
    for path, radius in tubes:
        paint_tube(canvas, path, radius, blood)
    for _ in range(max(0, (body.age_years - 52) // 5)):  # calcified plaques in the arch
        turn = rng.uniform(0, 2 * np.pi)
        place = np.array([12 + 13 * np.cos(turn), 12 + 6 * np.sin(turn), 57 + rng.uniform(-12, 12)])
        paint_ellipsoid(canvas, place, np.array([2.6, 1.3, 2.2]) * rng.uniform(0.5, 1.1), 620.0)


def _paint_airway(canvas: Canvas) -> None:
    tubes = (
        ([(0, 4, 150), (0, 12, 90), (-1, 15, 42)], 8.6),
        ([(-1, 15, 44), (-14, 15, 32), (-29, 14, 20)], 6.6),
        ([(-1, 15, 44), (18, 16, 28), (38, 16, 12)], 5.8),
        ([(-29, 14, 20), (-34, 14, 0), (-44, 22, -28)], 4.6),
        ([(-27, 14, 22), (-42, 10, 32), (-54, 8, 46)], 3.6),
        ([(38, 16, 12), (48, 22, -6), (56, 32, -30)], 4.2),
        ([(36, 16, 14), (50, 4, 26), (60, -4, 44)], 3.6),
    )
    for path, radius in tubes:
        paint_tube(canvas, path, radius + 1.5, 35.0)
    for path, radius in tubes:
        paint_tube(canvas, path, radius, AIRWAY_HU)


@final
@dataclass(frozen=True, eq=False)
class VesselTree:
    """A branching vessel: node 0 is the root; each other node has a parent nearer the root.

    Attributes:
        nodes: (node,3), x,y,z in body mm.
        parents: (node,), index of the parent; -1 for the root.
        radii: (node,), mm.
    """

    nodes: Point
    parents: npt.NDArray[np.int64]
    radii: npt.NDArray[np.float64]


def grow_tree(root: Point, targets: Point, root_radius: float) -> VesselTree:
    """Grow a tree from a root to all targets (n,3), each joined where the way to the root stays short.

    Radii follow Murray's law: the cubes of the children's radii add up to the cube of the parent's.
    """
    order = np.argsort(np.linalg.norm(targets - root, axis=1))
    nodes = [root]
    parents = [-1]
    way = [0.0]
    for target in targets[order]:
        known = np.array(nodes)
        distance = np.linalg.norm(known - target, axis=1)
        parent = int(np.argmin(distance + 0.35 * np.array(way)))
        middle = 0.5 * (known[parent] + target) + 0.08 * (target - root) * [0.3, 0.3, -0.3]
        for point, before in ((middle, parent), (target, len(nodes))):
            way.append(way[before] + float(np.linalg.norm(point - nodes[before])))
            nodes.append(point)
            parents.append(before)
    load = np.zeros(len(nodes))
    leaves = set(range(len(nodes))) - set(parents)
    for index in range(len(nodes) - 1, 0, -1):
        load[index] += index in leaves
        load[parents[index]] += load[index]
    radii = root_radius * (np.maximum(load, 1) / load[0]) ** (1 / 2.7)
    return VesselTree(np.array(nodes), np.array(parents), radii)


def paint_tree(canvas: Canvas, tree: VesselTree, value: float) -> None:
    """Paint every branch of a tree, in place."""
    for index in range(1, len(tree.nodes)):
        parent = int(tree.parents[index])
        radius = float(tree.radii[index])
        start = min(float(tree.radii[parent]), 1.25 * radius)
        paint_capsule(canvas, tree.nodes[parent], tree.nodes[index], (start, radius), value)


def paint_lung_vessels(canvas: Canvas, lung: BoolArray, body: BodySpec, rng: np.random.Generator) -> None:
    """Paint an arterial and a venous tree into each lung, in place.

    Args:
        canvas: in body mm.
        lung: (slice,row,column), well inside the lungs.
        body: whether blood is bright.
        rng: where the branches end.
    """
    blood = 170.0 if body.is_contrast_enhanced else 40.0
    inside = np.argwhere(lung)
    points = np.stack([canvas.x[inside[:, 2]], canvas.y[inside[:, 1]], canvas.z[inside[:, 0]]], axis=1)
    for side in (-1, 1):
        here = points[points[:, 0] * side > 0]
        for root, radius in (((side * 44.0, 2.0, 16.0), 7.6), ((side * 34.0, 8.0, -8.0), 6.6)):
            chosen = here[rng.choice(len(here), LEAVES_PER_LUNG, replace=False)].astype(np.float64)
            chosen += rng.uniform(-1, 1, chosen.shape)
            paint_tree(canvas, grow_tree(np.array(root), chosen, radius), blood)
