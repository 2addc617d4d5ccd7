"""Everything around the lungs that is painted slice by slice: couch, skin, fat, muscle, ribs, spine, belly, lung."""

from dataclasses import dataclass
from typing import final

import numpy as np

from diagnosis.phantom.canvas import Canvas, HuArray, blend, coverage, paint_tube, smooth_field
from diagnosis.phantom.spec import BodySpec
from diagnosis.phantom.thorax import SPINE_Y, Thorax

AIR_HU = -1000.0
FAT_HU = -102.0
MUSCLE_HU = 52.0
CORTEX_HU = 720.0
RIB_PITCH_MM = 24.0
RIB_DROP_MM = 38.0
"""How far a rib descends for each radian of its way around the chest."""
FIRST_RIB_Z = 116.0
VERTEBRA_MM = 24.0


@final
@dataclass(frozen=True, eq=False)
class Textures:
    """Smooth random fields that keep tissues from looking like paint.

    Attributes:
        tissue: (slice,row,column), unit deviation, a few mm fine.
        planes: (slice,angle,depth), where fat lies between muscles.
        lobules: (slice,row,column), unit deviation, 2 to 3 mm fine: vessels and septa too small to be drawn.
        marrow_hu: mean of cancellous bone.
    """

    tissue: HuArray
    planes: HuArray
    lobules: HuArray
    marrow_hu: float


def make_textures(thorax: Thorax, body: BodySpec, rng: np.random.Generator) -> Textures:
    """Draw the textures of one patient."""
    canvas = thorax.canvas
    n = canvas.z.size
    planes = smooth_field(rng, (n, 360, 80), (max(4, n // 6), 26, 9))
    tissue = smooth_field(rng, canvas.hu.shape, (max(6, n // 4), 40, 40))
    lobules = smooth_field(rng, canvas.hu.shape, (int(n * canvas.spacing_mm[0] / 3), 120, 120))
    return Textures(tissue, planes, lobules, 230.0 - 1.6 * (body.age_years - 40))


def paint_slice(thorax: Thorax, body: BodySpec, textures: Textures, k: int) -> HuArray:
    """Paint slice `k` up to the lungs, in place, and return the lungs' coverage (row,column)."""
    hu = thorax.canvas.hu[k]
    outward, depth = thorax.beyond_cavity(k), thorax.under_skin(k)
    _paint_couch(hu, thorax.canvas)
    _paint_soft_wall(hu, thorax, textures, k)
    edge = thorax.canvas.edge_mm
    inside = coverage(outward + 1.0, edge)
    blend(hu, inside * coverage(-depth + 12, edge), FAT_HU + 9 * textures.tissue[k])
    behind = np.broadcast_to(SPINE_Y + 6 - thorax.canvas.y[:, None], hu.shape)
    blend(hu, inside * coverage(behind, 4.0), MUSCLE_HU - 6 + 12 * textures.tissue[k])
    _paint_belly(hu, thorax, textures, k)
    lung = thorax.lung_coverage(k)
    blend(hu, lung, _lung_hu(thorax, body, textures, k))
    _paint_ribs(hu, thorax, textures, k)
    _paint_spine(hu, thorax.canvas, textures, k)
    _paint_plates(hu, thorax, textures, k)
    return lung


def _paint_couch(hu: HuArray, canvas: Canvas) -> None:
    x, y = canvas.x[None, :], canvas.y[:, None]
    top = y - (124 - 0.0011 * x**2)
    bottom = y - (152 - 0.0032 * x**2)
    for surface in (top, bottom):
        blend(hu, coverage(np.abs(surface) - np.float32(1.2), canvas.edge_mm), -330.0)
    blend(hu, coverage(np.maximum(-top, bottom) + 2, canvas.edge_mm), -1028.0)


def _paint_soft_wall(hu: HuArray, thorax: Thorax, textures: Textures, k: int) -> None:
    edge = thorax.canvas.edge_mm
    depth, outward = thorax.under_skin(k), thorax.beyond_cavity(k)
    fat_depth = thorax.fat_depth[k][thorax.angle_index]
    column = np.clip(outward * 1.1, 0, 79).astype(np.int64)
    planes = textures.planes[k][thorax.angle_index // 4, column]
    strands = np.clip(textures.tissue[k] - 2.2, 0, 1)
    blend(hu, coverage(-depth, edge), 25.0)
    blend(hu, coverage(2.0 - depth, edge), FAT_HU + 7 * textures.tissue[k] + 60 * strands)
    muscle = MUSCLE_HU + 5 * textures.tissue[k]
    cleft = np.clip(2.2 - 5.0 * np.abs(planes), 0, 1) * (outward > 12)
    behind = coverage(np.abs(outward - 13.0 - 1.5 * planes) - np.clip(0.9 + 0.9 * planes, 0.3, 2.5), edge)
    between = 0.75 * coverage(np.abs(outward - 7.0) - np.clip(1.5 + 2.2 * planes, 0, 4), edge)
    fatty = np.maximum(cleft * 0.85, np.maximum(0.8 * behind, between)).astype(np.float32)
    blend(hu, coverage(fat_depth - depth, 2 * edge), muscle + fatty * (FAT_HU - muscle))


def _paint_belly(hu: HuArray, thorax: Thorax, textures: Textures, k: int) -> None:
    """Liver, spleen and stomach under the diaphragm."""
    canvas = thorax.canvas
    x, y, z = canvas.x[None, :], canvas.y[:, None], canvas.z[k]
    below = np.maximum(np.float32(0.6) * (z - thorax.diaphragm_z) + 3, thorax.beyond_cavity(k) + 5)
    texture = textures.tissue[k]
    liver = np.maximum(below, np.maximum(0.8 * (x - 30 + 0.5 * (y + 30)), -60 - x - 200))
    blend(hu, coverage((liver + 2 * texture).astype(np.float32), 3.0), 58 + 3 * texture)
    spleen = 30 * (np.sqrt(((x - 92) / 26) ** 2 + ((y - 42) / 40) ** 2 + ((z + 112) / 42) ** 2) - 1)
    blend(hu, coverage(np.maximum(spleen, below).astype(np.float32), 2.5), 50 + 3 * texture)
    stomach = 40 * (np.sqrt(((x - 62) / 44) ** 2 + ((y + 8) / 42) ** 2 + ((z + 108) / 44) ** 2) - 1)
    stomach = np.maximum(stomach, below).astype(np.float32)
    blend(hu, coverage(stomach, 2.5), 38 + 4 * texture)
    gas = np.maximum(stomach + 4, y + 18).astype(np.float32)
    blend(hu, coverage(gas, 2.5), AIR_HU + 40)
    muscle = np.maximum(np.abs(below) - 2.0, thorax.beyond_cavity(k) + 2)
    blend(hu, coverage(muscle.astype(np.float32), canvas.edge_mm), 48.0)


def _lung_hu(thorax: Thorax, body: BodySpec, textures: Textures, k: int) -> HuArray:
    """Parenchyma: denser toward the back where the patient lies on it, darker and moth-eaten with emphysema."""
    y = thorax.canvas.y[:, None]
    z = float(thorax.canvas.z[k])
    texture = textures.tissue[k]
    fine = textures.lobules[k]
    base = -868 + 0.35 * (y - 10) + 10 * texture + 13 * fine + 9 * np.maximum(fine, 0) ** 2
    hollow = np.clip(1.6 * (np.roll(texture, 41, axis=0) - 0.9), 0, 1) * np.clip((z + 60) / 120, 0.1, 1)
    return np.asarray(base - body.emphysema * (18 + 110 * hollow), dtype=np.float32)


def _paint_ribs(hu: HuArray, thorax: Thorax, textures: Textures, k: int) -> None:
    """All ribs at once: one rib is the band where the descending phase is near a whole number."""
    outward = thorax.beyond_cavity(k)
    around = np.pi - np.abs(thorax.angle)
    sag = 4.0 * textures.planes[k][thorax.angle_index // 4, 20] + 2.5 * np.sign(thorax.angle)
    phase = (FIRST_RIB_Z + sag - RIB_DROP_MM * around - thorax.canvas.z[k]) / RIB_PITCH_MM
    number = np.rint(phase)
    last = 2.35 - 0.22 * np.clip(number - 6, 0, 5)
    height = (phase - number) * RIB_PITCH_MM
    radial = (outward - 5.8) / 4.6
    size = np.sqrt((height / 6.4) ** 2 + radial**2)
    distance = (size - 1) * 4.6
    distance = np.where((number >= 0) & (number <= 11) & (around > 0.24), distance, 99.0)
    edge = thorax.canvas.edge_mm
    bone = np.maximum(distance, (around - last) * 90).astype(np.float32)
    blend(hu, coverage(bone, edge), CORTEX_HU + 60 * textures.tissue[k])
    blend(hu, coverage(bone + 1.7, edge), textures.marrow_hu + 30 + 40 * textures.tissue[k])
    gristle = np.maximum(distance, np.maximum((last - around) * 90, (number > 9) * 99.0)).astype(np.float32)
    gristle = np.maximum(gristle, (around - 2.98) * 90).astype(np.float32)
    blend(hu, coverage(gristle, edge), 105 + 14 * textures.tissue[k])


def _segment(x: HuArray, y: HuArray, start: tuple[float, float], end: tuple[float, float]) -> HuArray:
    """(row,column), mm from a segment in the plane of the slice."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy), 0, 1)
    return np.asarray(np.hypot(x - start[0] - along * dx, y - start[1] - along * dy), dtype=np.float32)


def _paint_spine(hu: HuArray, canvas: Canvas, textures: Textures, k: int) -> None:
    rows, columns = canvas.box(np.array([-48.0, 25.0, 0]), np.array([48.0, 118.0, 1]))[1:]
    part, texture = hu[rows, columns], textures.tissue[k][rows, columns]
    x, y = np.abs(canvas.x[columns])[None, :], canvas.y[rows][:, None]
    z = float(canvas.z[k])
    center = SPINE_Y + 0.0004 * z * z
    phase = (z / VERTEBRA_MM + 0.5) % 1 - 0.5  # -0.5 to 0.5 through one vertebra and its disc
    y = y - center
    edge = canvas.edge_mm
    waist = 1 - 0.08 * np.cos(2 * np.pi * phase)
    size = ((x / (18 * waist)) ** 2.3 + (np.abs(y) / np.where(y > 0, 12, 15 * waist)) ** 2.3) ** (1 / 2.3)
    body = ((size - 1) * 14).astype(np.float32)
    if abs(phase) > 0.41:
        blend(part, coverage(body, edge), 82 + 8 * texture)
    else:
        plate = 260.0 * np.clip((abs(phase) - 0.33) / 0.08, 0, 1)
        blend(part, coverage(body, edge), 480.0)
        blend(part, coverage(body + 1.8, edge), textures.marrow_hu + plate + 38 * texture)
    blend(part, coverage((8 * (np.hypot(x / 11, (y - 21) / 8.5) - 1)).astype(np.float32), edge), -40.0)
    blend(part, coverage((6 * (np.hypot(x / 7, (y - 21) / 6) - 1)).astype(np.float32), edge), 34.0)
    _paint_arch(part, (x, y), textures.marrow_hu + 30 * texture, (phase, edge))


def _paint_arch(part: HuArray, place: tuple[HuArray, HuArray], marrow: HuArray, level: tuple[float, float]) -> None:
    """Pedicles, laminae, spinous and transverse processes, `phase` through the vertebra, `edge` mm wide."""
    (x, y), (phase, edge) = place, level
    strokes = (
        ((12.0, 8.0), (13.5, 24.0), 4.6, -0.1, 0.40),  # pedicle
        ((13.5, 25.0), (1.0, 34.0), 3.2, -0.45, 0.25),  # lamina
        ((0.0, 33.0), (0.0, 49.0), 3.4, -0.5, 0.1),  # spinous process
        ((14.0, 24.0), (33.0, 33.0), 4.8, -0.05, 0.36),  # transverse process
        ((19.0, 8.0), (34.0, 26.0), 4.4, 0.12, 0.46),  # neck of the rib
    )
    for start, end, thickness, low, high in strokes:
        taper = np.clip(min(phase - low, high - phase) / 0.08, 0, 1)
        if taper <= 0:
            continue
        distance = _segment(x, y, start, end) - np.float32(thickness * (0.5 + 0.5 * taper))
        blend(part, coverage(distance, edge), 560.0)
        blend(part, coverage(distance + 1.5, edge), marrow)


def _paint_plates(hu: HuArray, thorax: Thorax, textures: Textures, k: int) -> None:
    """Breastbone and shoulder blades."""
    z = float(thorax.canvas.z[k])
    edge = thorax.canvas.edge_mm
    outward = thorax.beyond_cavity(k)
    x = np.abs(thorax.canvas.x[None, :])
    if -62 < z < 82:
        half_width = 14 + 14 * np.clip((z - 45) / 25, 0, 1)
        flat = (np.abs((outward - 8.5) / 5.6) ** 3 + (x / half_width) ** 3) ** (1 / 3)
        front = 5.0 * (flat - 1) + 200 * (thorax.canvas.y[:, None] > 0)
        blend(hu, coverage(front.astype(np.float32), edge), 380.0)
        blend(hu, coverage((front + 1.6).astype(np.float32), edge), 130 + 30 * textures.tissue[k])
    if -25 < z < 112:
        around = np.pi - np.abs(thorax.angle)
        outer = 0.62 + 0.85 * np.clip((z + 25) / 95, 0, 1)
        middle, half = (outer + 0.52) / 2, (outer - 0.52) / 2
        bend = 22 + 9 * np.clip((around - 0.9) / 0.6, 0, 1)
        thickness = 1.6 + 3.2 * np.clip((around - outer + 0.18) / 0.18, 0, 1)
        blade = np.maximum(np.abs(outward - bend) - thickness, (np.abs(around - middle) - half) * 120)
        blend(hu, coverage(blade.astype(np.float32), edge), 560.0)
        blend(hu, coverage((blade + 1.5).astype(np.float32), edge), textures.marrow_hu + 40)


def paint_clavicles(canvas: Canvas) -> None:
    """Paint both collarbones, in place."""
    for side in (-1, 1):
        path = [(side * 24, -52, 84), (side * 60, -52, 96), (side * 100, -34, 112), (side * 140, -6, 122)]
        paint_tube(canvas, path, 6.2, CORTEX_HU)
        paint_tube(canvas, path, 3.8, 260.0)
