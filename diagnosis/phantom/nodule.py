"""A pulmonary nodule with the shape, density and edge that its eight descriptors say.

The body is star-shaped about its center: an ellipsoid (sphericity) with round bumps (lobulation). Around it stand
spicules (spiculation); its edge is as soft as the margin says; inside lie core and ground glass (texture), calcium,
fat, fluid or air. It is painted on a grid several times finer than the CT and averaged down, so that partial volume
is that of a scanner.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from diagnosis.phantom.canvas import Canvas, HuArray, Point, blend, coverage, paint_capsule, smooth_field
from diagnosis.phantom.spec import NoduleSpec

FINE_MM = 0.5
SOLID_HU = 38.0
GROUND_GLASS_HU = -590.0

_AXIS_RATIO = (0.36, 0.54, 0.70, 0.84, 0.96)
_BUMP = (0.0, 0.07, 0.16, 0.27, 0.40)
_EDGE_MM = (7.5, 4.8, 2.7, 1.3, 0.4)
_SPICULES = (0, 8, 20, 40, 72)
_CORE = (0.0, 0.34, 0.60, 0.84, 1.0)
"""Radius of the solid core as part of the whole, for textures 1 to 5."""


@final
@dataclass(frozen=True, eq=False)
class NoduleShape:
    """The surface of a nodule about its centroid.

    Attributes:
        axes: (3,3), rows are unit vectors (x,y,z) of the ellipsoid's axes.
        semi_axes_mm: (3,), before the bumps.
        bumps: (bump,3), unit directions of the lobules.
        bump_height: of a lobule, as part of the radius.
        shift_mm: (3,), from the centroid to the point that the surface is a star about.
    """

    axes: Point
    semi_axes_mm: Point
    bumps: Point
    bump_height: float
    shift_mm: Point

    def radius(self, directions: Point) -> HuArray:
        """Radius in mm along unit directions (…,3)."""
        turned = directions @ self.axes.T / self.semi_axes_mm
        ellipsoid = 1 / np.sqrt((turned**2).sum(-1))
        lobules = np.zeros(directions.shape[:-1])
        for bump in self.bumps:
            lobules = np.maximum(lobules, np.exp(7.0 * (directions @ bump - 1)))
        return np.asarray(ellipsoid * (1 + self.bump_height * (lobules - 0.5)), dtype=np.float32)


def draw_shape(nodule: NoduleSpec, rng: np.random.Generator) -> NoduleShape:
    """Draw a surface whose largest in-plane diameter is the one asked for and whose centroid is the center."""
    ratio = _AXIS_RATIO[nodule.sphericity - 1] * rng.uniform(0.96, 1.04)
    turn = rng.uniform(0, 2 * np.pi)
    tilt = rng.uniform(-0.4, 0.4)
    long_axis = np.array([np.cos(turn) * np.cos(tilt), np.sin(turn) * np.cos(tilt), np.sin(tilt)])
    second = np.cross(long_axis, [0.0, 0.0, 1.0])
    second /= np.linalg.norm(second)
    axes = np.stack([long_axis, second, np.cross(long_axis, second)])
    semi_axes = np.array([1.0, ratio, min(1.0, ratio * rng.uniform(0.92, 1.08))])
    bumps = rng.standard_normal((int(rng.integers(6, 10)), 3))
    bumps /= np.linalg.norm(bumps, axis=1, keepdims=True)
    height = _BUMP[nodule.lobulation - 1] + 0.03
    shape = NoduleShape(axes, semi_axes, bumps, height, np.zeros(3))
    directions = _sphere(6000)
    radius = shape.radius(directions)[:, None].astype(np.float64)
    scale = nodule.diameter_mm / largest_in_plane_diameter(directions * radius)
    centroid = 0.75 * (radius**4 * directions).sum(0) / (radius**3).sum()
    return NoduleShape(axes, semi_axes * scale, bumps, height, -centroid * scale)


def _sphere(n: int) -> Point:
    """`n` nearly even unit directions, (n,3): Fibonacci's spiral."""
    index = np.arange(n) + 0.5
    z = 1 - 2 * index / n
    turn = np.pi * (1 + 5**0.5) * index
    across = np.sqrt(1 - z * z)
    return np.stack([across * np.cos(turn), across * np.sin(turn), z], axis=1)


def largest_in_plane_diameter(points: Point) -> float:
    """Largest extent of (n,3) surface points (x,y,z) within thin axial slabs."""
    low, high = points[:, 2].min(), points[:, 2].max()
    slab = np.clip(((points[:, 2] - low) / (high - low + 1e-9) * 16).astype(int), 0, 15)
    turns = np.linspace(0, np.pi, 60, endpoint=False)
    extents = points[:, :2] @ np.stack([np.cos(turns), np.sin(turns)])
    return max(float(np.ptp(extents[slab == s], axis=0).max()) for s in range(16) if (slab == s).any())


def paint_nodule(canvas: Canvas, nodule: NoduleSpec, center: Point, rng: np.random.Generator) -> HuArray:
    """Paint a nodule, in place.

    Args:
        canvas: in true mm.
        nodule: what to paint.
        center: (x,y,z) in the canvas's mm.
        rng: draws what the descriptors leave open.

    Returns:
        (slice,row,column), the part of each voxel that the body of the nodule fills; spicules are left out.
    """
    shape = draw_shape(nodule, rng)
    reach = np.full(3, 0.6 * nodule.diameter_mm + 13.0)
    box = canvas.box(center - reach, center + reach)
    fine, factors = _refined(canvas, box)
    x, y, z = fine.offsets((slice(None), slice(None), slice(None)), center + shape.shift_mm)
    length = np.sqrt(x * x + y * y + z * z) + np.float32(1e-6)
    directions = np.stack(np.broadcast_arrays(x / length, y / length, z / length), axis=-1).astype(np.float64)
    radius = shape.radius(directions)
    depth = length / radius  # 0 at the center, 1 on the surface
    field = _mottle(rng, fine.hu.shape)
    distance = length - radius
    _paint_spicules(fine, nodule, shape, (center + shape.shift_mm, rng))
    _paint_body(fine.hu, nodule, (distance, depth, field))
    _paint_contents(fine, nodule, (distance, depth, field), (center, rng))
    filled = np.zeros_like(canvas.hu)
    filled[box] = _pooled((distance < 0).astype(np.float32), factors)
    canvas.hu[box] = _pooled(fine.hu, factors)
    return filled


def _mottle(rng: np.random.Generator, shape: tuple[int, ...]) -> HuArray:
    """Random field of about unit deviation with features of 4 and of 1.5 mm."""
    coarse = smooth_field(rng, shape, tuple(max(4, n // 8) for n in shape))
    fine = smooth_field(rng, shape, tuple(max(5, n // 3) for n in shape))
    return np.asarray(0.75 * coarse + 0.65 * fine, dtype=np.float32)


def _refined(canvas: Canvas, box: tuple[slice, slice, slice]) -> tuple[Canvas, tuple[int, int, int]]:
    """The same voxels cut into small ones, and into how many along each axis."""
    factors = tuple(max(1, round(spacing / FINE_MM)) for spacing in canvas.spacing_mm)
    axes = []
    for axis, part, factor in zip((canvas.z, canvas.y, canvas.x), box, factors, strict=True):
        step = float(axis[1] - axis[0])
        inner = (np.arange(factor) - (factor - 1) / 2) * step / factor
        axes.append((axis[part][:, None] + inner[None, :]).reshape(-1).astype(np.float32))
    hu = canvas.hu[box]
    for i, factor in enumerate(factors):
        hu = hu.repeat(factor, axis=i)
    return Canvas(hu, *axes), (factors[0], factors[1], factors[2])


def _pooled(fine: HuArray, factors: tuple[int, int, int]) -> HuArray:
    """Mean of the small voxels of each voxel."""
    a, b, c = factors
    d, e, f = fine.shape
    return np.asarray(fine.reshape(d // a, a, e // b, b, f // c, c).mean(axis=(1, 3, 5)), dtype=np.float32)


def _paint_spicules(
    fine: Canvas, nodule: NoduleSpec, shape: NoduleShape, where: tuple[Point, np.random.Generator]
) -> None:
    """Radiating strands, thick at the surface and fading outward, bent a little."""
    origin, rng = where
    count = round(_SPICULES[nodule.spiculation - 1] * (0.5 + nodule.diameter_mm / 26))
    value = -60.0 if nodule.texture >= 4 else -330.0
    for _ in range(count):
        direction = rng.standard_normal(3) * [1.0, 1.0, 0.8]
        direction /= np.linalg.norm(direction)
        radius = float(shape.radius(direction))
        length = (1.6 + 0.22 * nodule.diameter_mm) * (0.4 + 0.17 * nodule.spiculation) * rng.gamma(4.0, 0.25)
        bend = rng.standard_normal(3) * 0.16 * length
        base = origin + direction * radius * 0.86
        middle = origin + direction * (radius + 0.5 * length) + bend
        tip = origin + direction * (radius + length) + 1.6 * bend
        thick = rng.uniform(0.40, 0.85) * (0.65 + 0.02 * nodule.diameter_mm)
        paint_capsule(fine, base, middle, (thick * 2.3, thick), value)
        paint_capsule(fine, middle, tip, (thick, 0.2), value)


def _paint_body(hu: HuArray, nodule: NoduleSpec, place: tuple[HuArray, HuArray, HuArray]) -> None:
    """Ground glass, then the solid core; never darker than the vessels that run through."""
    distance, depth, field = place
    softness = min(_EDGE_MM[nodule.margin - 1], 0.42 * nodule.diameter_mm)
    rough = 0.16 * softness + 0.03 * (nodule.spiculation - 1) * min(6.0, 0.3 * nodule.diameter_mm)
    ragged = distance + rough * field
    core = _CORE[nodule.texture - 1]
    if core < 1:
        glass = (GROUND_GLASS_HU + 75 * field).astype(np.float32)
        blend(hu, _smooth(coverage(ragged, softness + 0.4)), np.maximum(hu, glass))
    if core > 0:
        half = 0.5 * nodule.diameter_mm
        inner = ragged if core == 1 else (depth - core) * half + min(1.8, 0.22 * half) * field
        solid = SOLID_HU if nodule.texture >= 3 else -180.0
        value = (solid + 6 * field).astype(np.float32)
        width = softness if core == 1 else max(1.2, 0.7 * softness)
        blend(hu, _smooth(coverage(inner, width)), np.maximum(hu, value))


def _smooth(t: HuArray) -> HuArray:
    return t * t * (3 - 2 * t)


def _paint_contents(
    fine: Canvas, nodule: NoduleSpec, place: tuple[HuArray, HuArray, HuArray], where: tuple[Point, np.random.Generator]
) -> None:
    """Fluid, fat or air (internal structure), then calcium, each within the body."""
    distance, depth, field = place
    center, rng = where
    half = 0.5 * nodule.diameter_mm
    inside = coverage(distance + 0.1 * half, 0.8)
    if nodule.internal_structure == 2:
        blend(fine.hu, inside, 9.0)
    elif nodule.internal_structure == 3:
        blend(fine.hu, inside * _blobs(fine, center, half, (7, 0.34, rng)), -82.0)
    elif nodule.internal_structure == 4:
        blend(fine.hu, coverage((depth - 0.45) * half + min(1.2, 0.16 * half) * field, 1.2), -930.0)
    calcium = _calcium(fine, nodule, depth, where)
    if calcium is not None:
        blend(fine.hu, inside * calcium, 480.0 + 240.0 * min(1.0, half / 8))


def _calcium(
    fine: Canvas, nodule: NoduleSpec, depth: HuArray, where: tuple[Point, np.random.Generator]
) -> HuArray | None:
    """(slice,row,column), where the calcium lies: popcorn, laminated, solid, non-central, central; None if absent."""
    center, rng = where
    half = 0.5 * nodule.diameter_mm
    match nodule.calcification:
        case 1:
            return _blobs(fine, center, half, (8, 0.20, rng))
        case 2:
            rings = np.clip(1.6 * np.cos(2 * np.pi * depth * max(1.5, half / 4)), 0, 1)
            return np.asarray(rings * (depth < 0.9), dtype=np.float32)
        case 3:
            return coverage((depth - 0.9) * half, 0.8)
        case 4:
            away = rng.standard_normal(3)
            away *= 0.52 * half / np.linalg.norm(away)
            return _blobs(fine, center + away, 0.01, (1, 0.24 * half / 0.01, rng))
        case 5:
            return coverage((depth - 0.42) * half, 0.8)
    return None


def _blobs(fine: Canvas, center: Point, spread: float, kind: tuple[int, float, np.random.Generator]) -> HuArray:
    """Union of `n` balls of radius `size * spread` scattered within 0.65 `spread` of the center."""
    n, size, rng = kind
    best = np.full(fine.hu.shape, 99.0, dtype=np.float32)
    for _ in range(n):
        at = rng.standard_normal(3)
        at *= 0.65 * spread * rng.uniform(0, 1) ** 0.5 / np.linalg.norm(at)
        x, y, z = fine.offsets((slice(None), slice(None), slice(None)), center + at)
        best = np.minimum(best, np.sqrt(x * x + y * y + z * z) - size * spread * rng.uniform(0.7, 1.2))
    return coverage(best, 0.8)
