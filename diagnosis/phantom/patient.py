"""The CT of a synthetic patient: the chest painted organ by organ, the nodule planted, the scan taken."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from diagnosis.phantom.canvas import BoolArray, Canvas, HuArray, Point, coverage
from diagnosis.phantom.nodule import paint_nodule
from diagnosis.phantom.organs import paint_lung_vessels, paint_mediastinum
from diagnosis.phantom.scanner import scan
from diagnosis.phantom.spec import Lobe, NoduleSpec, PhantomSpec, ScanSpec
from diagnosis.phantom.thorax import Thorax, build_thorax, horizontal_fissure, in_lobe, oblique_fissure
from diagnosis.phantom.wall import make_textures, paint_clavicles, paint_slice
from diagnosis.record.geometry import affine_from_positions

AIR_OUTSIDE_HU = -1034.0
"""Scanners read open air a little low and clip it, which leaves it even."""
CHEST_MM = (-150.0, 134.0)
"""From below the costal angles to above the lungs' tops, in body mm."""


@final
@dataclass(frozen=True, eq=False)
class PlantedCt:
    """A CT and the truth about it.

    Attributes:
        hu: (slice,row,column) int16, slices from feet to head.
        affine_lps: index to LPS mm.
        mask: (slice,row,column), voxels more than half filled by the body of the nodule; all False without one.
        center_mm: LPS centroid of the nodule, or of the region where there is none.
    """

    hu: npt.NDArray[np.int16]
    affine_lps: npt.NDArray[np.float64]
    mask: BoolArray
    center_mm: tuple[float, float, float]


def make_ct(spec: PhantomSpec) -> PlantedCt:
    """Paint, plant and scan; a pure function of the spec."""
    canvas = _empty_canvas(spec.scan, spec.body.size)
    lung = _paint_chest(canvas, spec)
    center = _choose_place(canvas, lung, spec)
    filled = np.zeros_like(canvas.hu)
    if spec.tells("ct"):
        filled = paint_nodule(canvas, spec.nodule, center, spec.stream("nodule"))
    hu = scan(canvas, spec.scan, spec.stream("noise"))
    offset = np.array(spec.scan.origin_mm)
    first = np.array([canvas.x[0], canvas.y[0], canvas.z[0]], dtype=np.float64) + offset
    pixel = (spec.scan.pixel_mm, spec.scan.pixel_mm)
    affine = affine_from_positions(first, [0, 0, spec.scan.slice_mm], [1, 0, 0], [0, 1, 0], pixel)
    x, y, z = (round(float(v), 2) for v in center + offset)
    return PlantedCt(hu, affine, filled >= 0.5, (x, y, z))


def _empty_canvas(scan_spec: ScanSpec, size: float) -> Canvas:
    """Air, in true mm, about the middle of the chest."""
    low, high = CHEST_MM[0] * size, CHEST_MM[1] * size
    n_slices = int((high - low) / scan_spec.slice_mm) + 1
    z = low + np.arange(n_slices) * scan_spec.slice_mm
    across = (np.arange(scan_spec.size) - (scan_spec.size - 1) / 2) * scan_spec.pixel_mm
    y = across + 8.0
    hu = np.full((n_slices, across.size, across.size), AIR_OUTSIDE_HU, dtype=np.float32)
    return Canvas(hu, z.astype(np.float32), y.astype(np.float32), across.astype(np.float32))


def _paint_chest(canvas: Canvas, spec: PhantomSpec) -> HuArray:
    """Paint everything but the nodule, in place; returns the lungs' coverage (slice,row,column)."""
    size = np.float32(spec.body.size)
    body = Canvas(canvas.hu, canvas.z / size, canvas.y / size, canvas.x / size)
    rng = spec.stream("anatomy")
    thorax = build_thorax(body, spec.body, rng)
    textures = make_textures(thorax, spec.body, rng)
    lung = np.stack([paint_slice(thorax, spec.body, textures, k) for k in range(body.z.size)])
    paint_mediastinum(body, spec.body, rng)
    paint_clavicles(body)
    _paint_fissures(thorax, lung)
    deep = (lung > 0.99) & (body.hu < -700)
    paint_lung_vessels(body, deep, spec.body, rng)
    return lung


def _paint_fissures(thorax: Thorax, lung: HuArray) -> None:
    """Thin sheets between the lobes, in place."""
    canvas = thorax.canvas
    x, y = canvas.x[None, :], canvas.y[:, None]
    edge = canvas.edge_mm
    for k, level in enumerate(canvas.z):
        z = np.full((1, 1), level, dtype=np.float32)
        for is_right in (True, False):
            oblique = oblique_fissure(x, y, z, is_right=is_right)
            side = (x < 0) if is_right else (x >= 0)
            canvas.hu[k] += 130 * lung[k] * side * coverage(np.abs(oblique) - 0.1, edge)
            if is_right:
                flat = horizontal_fissure(x, y, z)
                canvas.hu[k] += 90 * lung[k] * side * (oblique > 0) * coverage(np.abs(flat) - 0.1, edge)


def _choose_place(canvas: Canvas, lung: HuArray, spec: PhantomSpec) -> Point:
    """Center (x,y,z) for the nodule: in its lobe, as near the pleura as asked, away from large vessels."""
    from scipy import ndimage

    rng = spec.stream("place")
    step = tuple(max(1, round(2.6 / s)) for s in canvas.spacing_mm)
    coarse = (slice(None, None, step[0]), slice(None, None, step[1]), slice(None, None, step[2]))
    z, y, x = canvas.z[coarse[0]], canvas.y[coarse[1]], canvas.x[coarse[2]]
    spacing = tuple(s * n for s, n in zip(canvas.spacing_mm, step, strict=True))
    depth = ndimage.distance_transform_edt(lung[coarse] > 0.5, sampling=spacing)
    size = np.float32(spec.body.size)
    z3, y3, x3 = np.broadcast_arrays((z / size)[:, None, None], (y / size)[None, :, None], (x / size)[None, None, :])
    lobes = in_lobe(spec.nodule.lobe, x3, y3, z3) & (_from_fissures(spec.nodule.lobe, (x3, y3, z3)) > 3)
    nearest, farthest = _pleural_range(spec.nodule)
    allowed = lobes & (depth >= nearest) & (depth <= farthest)
    if not allowed.any():
        allowed = lobes & (depth >= min(nearest, float(depth[lobes].max()) - 1.0))
    candidates = np.argwhere(allowed)
    candidates = candidates[rng.permutation(len(candidates))[:60]]
    half = 0.5 * spec.nodule.diameter_mm + 1
    points = np.stack([x[candidates[:, 2]], y[candidates[:, 1]], z[candidates[:, 0]]], axis=1).astype(np.float64)
    crowding = [float((canvas.hu[canvas.box(p - half, p + half)] > -500).mean()) for p in points]
    chosen = points[int(np.argmin(np.round(crowding, 2)))]
    return np.asarray(chosen + rng.uniform(-0.5, 0.5, 3))


def _pleural_range(nodule: NoduleSpec) -> tuple[float, float]:
    """Least and greatest distance of the center from the lung's edge, mm."""
    half = 0.5 * nodule.diameter_mm
    return (0.75 * half, 0.9 * half + 1.0) if nodule.touches_pleura else (half + 4.0, half + 45.0)


def _from_fissures(lobe: Lobe, place: tuple[HuArray, HuArray, HuArray]) -> HuArray:
    """Distance from the lobe's own fissures, mm."""
    x, y, z = place
    oblique = np.abs(oblique_fissure(x, y, z, is_right=lobe.is_right))
    if lobe in {Lobe.RIGHT_UPPER, Lobe.RIGHT_MIDDLE}:
        return np.minimum(oblique, np.abs(horizontal_fissure(x, y, z)))
    return oblique
