"""The surfaces of a chest: skin, chest wall, mediastinum, diaphragm, fissures, as tables in body millimeters.

Each axial slice is described by radius functions of the angle about the body's axis (skin, cavity) and by the half
widths of the mediastinum as functions of (slice,row). Angles run from 0 in front over +pi/2 at the patient's left to
pi at the back. Lengths are for a body of size 1; the canvas carries the scale.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from diagnosis.phantom.canvas import AxisArray, BoolArray, Canvas, HuArray, coverage, smooth_field
from diagnosis.phantom.spec import BodySpec, Lobe
from diagnosis.vocabulary import Sex

N_ANGLES = 1440
APEX_Z = 122.0
SPINE_Y = 55.0


@final
@dataclass(frozen=True, eq=False)
class Thorax:
    """Surfaces on the grid of a canvas.

    Attributes:
        canvas: the grid, in body mm.
        cavity_radius: (slice,angle), inner surface of the ribs.
        skin_radius: (slice,angle).
        fat_depth: (slice,angle), depth of the fat under the skin.
        left_edge: (slice,row), x of the mediastinum's left border.
        right_edge: (slice,row), x of its right border.
        diaphragm_z: (row,column), height of the diaphragm.
    """

    canvas: Canvas
    cavity_radius: HuArray
    skin_radius: HuArray
    fat_depth: HuArray
    left_edge: HuArray
    right_edge: HuArray
    diaphragm_z: HuArray

    @cached_property
    def radius(self) -> HuArray:
        """(row,column), mm from the body's axis."""
        return np.asarray(np.hypot(self.canvas.x[None, :], self.canvas.y[:, None]))

    @cached_property
    def angle(self) -> HuArray:
        """(row,column), 0 in front, positive to the patient's left."""
        return np.asarray(np.arctan2(self.canvas.x[None, :], -self.canvas.y[:, None]))

    @cached_property
    def angle_index(self) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
        """(row,column), column of the tables."""
        return np.asarray(np.rint((self.angle + np.pi) / (2 * np.pi) * N_ANGLES).astype(np.int64) % N_ANGLES)

    def beyond_cavity(self, k: int) -> HuArray:
        """(row,column), mm outward from the cavity's surface in slice `k`; negative inside."""
        return np.asarray(self.radius - self.cavity_radius[k][self.angle_index])

    def under_skin(self, k: int) -> HuArray:
        """(row,column), mm inward from the skin in slice `k`; negative outside."""
        return np.asarray(self.skin_radius[k][self.angle_index] - self.radius)

    def lung_coverage(self, k: int) -> HuArray:
        """(row,column), part of each voxel of slice `k` that is lung."""
        x, y, z = self.canvas.x[None, :], self.canvas.y[:, None], self.canvas.z[k]
        outside_cavity = self.beyond_cavity(k)
        beside = np.minimum(self.left_edge[k][:, None] - x, 400) * (x > 0)
        beside = beside + np.minimum(x - self.right_edge[k][:, None], 400) * (x <= 0)
        below = np.float32(0.6) * (self.diaphragm_z - z)
        dome = APEX_Z - np.float32(0.0120) * (np.abs(x) - 40) ** 2 - np.float32(0.0072) * (y - 30) ** 2
        above = np.float32(0.6) * (z - dome)
        distance = np.maximum(np.maximum(outside_cavity, beside), np.maximum(below, above))
        return coverage(distance.astype(np.float32), self.canvas.edge_mm)


def oblique_fissure(x: HuArray, y: HuArray, z: HuArray, *, is_right: bool) -> HuArray:
    """Signed mm from the oblique fissure: positive in the upper (and middle) lobe, which lies above and in front."""
    tilt = 0.80 if is_right else 0.88
    height = -5.0 + tilt * (y + 12.0) + 0.0012 * (y + 12.0) ** 2 - 0.0022 * (np.abs(x) - 72.0) ** 2
    return ((z - height) / np.float32(np.hypot(1, tilt))).astype(np.float32)


def horizontal_fissure(x: HuArray, y: HuArray, z: HuArray) -> HuArray:
    """Signed mm from the right horizontal fissure: positive in the upper lobe."""
    return np.asarray(z - (14.0 - 0.0030 * (x + 66.0) ** 2 + 0.10 * y - 0.0014 * (y + 20.0) ** 2), dtype=np.float32)


def in_lobe(lobe: Lobe, x: HuArray, y: HuArray, z: HuArray) -> BoolArray:
    """Whether points of the lungs, in body mm, belong to a lobe."""
    is_above = oblique_fissure(x, y, z, is_right=lobe.is_right) > 0
    side = (x < 0) if lobe.is_right else (x >= 0)
    if lobe in {Lobe.RIGHT_LOWER, Lobe.LEFT_LOWER}:
        return np.asarray(side & ~is_above)
    if lobe is Lobe.LEFT_UPPER:
        return np.asarray(side & is_above)
    is_upper = horizontal_fissure(x, y, z) > 0
    return np.asarray(side & is_above & (is_upper if lobe is Lobe.RIGHT_UPPER else ~is_upper))


def build_thorax(canvas: Canvas, body: BodySpec, rng: np.random.Generator) -> Thorax:
    """Draw the surfaces of one patient.

    Args:
        canvas: grid in body mm.
        body: who.
        rng: bends every surface a little.
    """
    angles = (np.arange(N_ANGLES) / N_ANGLES * 2 * np.pi - np.pi).astype(np.float32)
    cavity = _cavity_radius(canvas.z, angles, rng)
    fat = _fat_depth(canvas.z, angles, body, rng)
    skin = np.maximum(_skin_radius(canvas.z, angles, body), cavity + 16 + 0.8 * fat)
    skin = skin * _wobble(rng, canvas.z.size, 0.008) + _breast(canvas.z, angles, body)
    left, right = _mediastinum_edges(canvas, rng)
    return Thorax(canvas, cavity, skin.astype(np.float32), fat, left, right, _diaphragm(canvas, rng))


def _wobble(rng: np.random.Generator, n_slices: int, amount: float) -> HuArray:
    """(slice,angle), about 1: smooth and periodic in the angle."""
    field = smooth_field(rng, (n_slices, N_ANGLES), (5, 9))
    ramp = np.linspace(0, 1, N_ANGLES, dtype=np.float32)
    field = field - ramp * (field[:, -1:] - field[:, :1])
    return np.asarray(1 + amount * field, dtype=np.float32)


def _superellipse(angles: AxisArray, a: HuArray, front: HuArray, back: HuArray, powers: tuple[float, float]) -> HuArray:
    """Radius of a half-and-half superellipse; (slice,1) semi-axes, (angle,) angles, powers in front and at the back."""
    cosine, sine = np.cos(angles), np.abs(np.sin(angles))
    power = np.where(cosine > 0, powers[0], powers[1])
    depth = np.where(cosine > 0, front, back)
    total = (sine / a) ** power + (np.abs(cosine) / depth) ** power
    return np.asarray(total ** (-1 / power), dtype=np.float32)


def _cavity_radius(z: AxisArray, angles: AxisArray, rng: np.random.Generator) -> HuArray:
    up = np.clip((z[:, None] + 20) / 150, 0, 1.05)
    low = np.clip((-z[:, None] - 40) / 120, 0, 1)
    side = 131 * (1 - 0.60 * up**2.2) - 6 * low
    front = 79 * (1 - 0.72 * up**1.8) + 6 * low
    back = 93 * (1 - 0.28 * up**2)
    return _superellipse(angles, side, front, back, (2.15, 2.6)) * _wobble(rng, z.size, 0.012)


def _skin_radius(z: AxisArray, angles: AxisArray, body: BodySpec) -> HuArray:
    up = np.clip((z[:, None] - 10) / 120, 0, 1.3)
    side = 158 + 34 * up + 0.5 * body.fat_mm
    front = 98 - 34 * up**1.5 + 0.4 * body.fat_mm
    back = 112 + 0 * up
    furrow = 6 * np.exp(-(((np.pi - np.abs(angles)) / 0.10) ** 2))
    return _superellipse(angles, side, front, back, (2.3, 2.9)) - furrow.astype(np.float32)


def _breast(z: AxisArray, angles: AxisArray, body: BodySpec) -> HuArray:
    if body.sex is not Sex.FEMALE:
        return np.zeros((z.size, angles.size), dtype=np.float32)
    around = np.exp(-(((np.abs(angles) - 0.85) / 0.36) ** 2))
    return np.asarray((14 + 1.2 * body.fat_mm) * around * np.exp(-(((z[:, None] + 12) / 38) ** 2)), dtype=np.float32)


def _fat_depth(z: AxisArray, angles: AxisArray, body: BodySpec, rng: np.random.Generator) -> HuArray:
    around = 0.62 + 0.38 * np.abs(np.sin(angles)) ** 2 - 0.12 * (np.cos(angles) < -0.5)
    depth = body.fat_mm * around * (1.1 - 0.15 * np.clip(z[:, None] / 100, -1, 1))
    varied = depth * (1 + 0.22 * (_wobble(rng, z.size, 1.0) - 1))
    return np.asarray(np.maximum(varied, 2.5) + 0.92 * _breast(z, angles, body), dtype=np.float32)


def _diaphragm(canvas: Canvas, rng: np.random.Generator) -> HuArray:
    x, y = canvas.x[None, :], canvas.y[:, None]
    back = np.where(y > 0, 0.36, 0.20)
    right = -46 - 62 * (((x + 58) / 78) ** 2 + back * ((y + 8) / 42) ** 2) ** 1.25
    left = -58 - 62 * (((x - 64) / 76) ** 2 + back * ((y + 8) / 42) ** 2) ** 1.25
    waves = 3.5 * smooth_field(rng, (canvas.y.size, canvas.x.size), (5, 7))
    return np.asarray(np.maximum(right, left) + waves, dtype=np.float32)


_LEFT_BULGES: tuple[tuple[float, float, float, float, float, float], ...] = (
    # x, y, z of the center and semi-axes of what pushes the left lung aside
    (28.0, -24.0, -28.0, 53.0, 45.0, 50.0),  # left ventricle
    (20.0, -32.0, 8.0, 28.0, 24.0, 26.0),  # pulmonary trunk
    (22.0, 12.0, 50.0, 18.0, 34.0, 17.0),  # aortic arch
    (24.0, 40.0, -20.0, 16.0, 16.0, 400.0),  # descending aorta
    (24.0, 6.0, 22.0, 24.0, 16.0, 18.0),  # hilum
    (8.0, 5.0, 90.0, 20.0, 30.0, 400.0),  # upper vessels
    (10.0, -42.0, -10.0, 6.0, 60.0, 150.0),  # fat in front
)
_RIGHT_BULGES: tuple[tuple[float, float, float, float, float, float], ...] = (
    (-6.0, -18.0, -28.0, 40.0, 40.0, 45.0),  # right atrium
    (-20.0, -16.0, 45.0, 22.0, 22.0, 42.0),  # superior vena cava
    (-20.0, 4.0, 14.0, 24.0, 18.0, 22.0),  # hilum
    (-8.0, 5.0, 90.0, 20.0, 30.0, 400.0),  # upper vessels
    (-14.0, -16.0, -70.0, 17.0, 17.0, 26.0),  # inferior vena cava
    (-8.0, -42.0, -10.0, 6.0, 60.0, 150.0),  # fat in front
)


def _mediastinum_edges(canvas: Canvas, rng: np.random.Generator) -> tuple[HuArray, HuArray]:
    """(slice,row) x of the left and right border: the outermost of all that lies between the lungs."""
    from scipy import ndimage

    y, z = canvas.y[None, :], canvas.z[:, None]
    spine = 20 + 1.3 * np.maximum(0, y - SPINE_Y - 12)
    behind = np.where(y > SPINE_Y - 16, spine * np.sqrt(np.clip((y - SPINE_Y + 16) / 14, 0, 1)), 4)
    edges = []
    for bulges, side in ((_LEFT_BULGES, 1), (_RIGHT_BULGES, -1)):
        reach = np.maximum(behind, 5) + 0 * z
        for cx, cy, cz, rx, ry, rz in bulges:
            inside = 1 - ((y - cy) / ry) ** 2 - ((z - cz) / rz) ** 2
            reach = np.maximum(reach, np.where(inside > 0, side * cx + rx * np.sqrt(np.clip(inside, 0, 1)), 0))
        waves = 1.2 * smooth_field(rng, reach.shape, (10, 10))
        sigma = (2.5 / canvas.spacing_mm[0], 2.5 / canvas.spacing_mm[1])
        edges.append((side * (ndimage.gaussian_filter(reach, sigma) + waves)).astype(np.float32))
    return edges[0], edges[1]
