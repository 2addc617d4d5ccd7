"""CT and attribution to pictures. Pure: arrays and numbers in, PNG out.

Planes are anatomical: the CT's axes are turned so that they run toward the patient's left, back and head (LPS),
whatever the order in which the series was stored. Pictures follow the radiological convention: the patient's right is
at the left, the front or the head is up. A pixel is equally long in both directions, in mm.
"""

import io
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import Any, final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from diagnosis.record import RegionOfInterest, Volume, VolumeAttribution
from diagnosis.reporting.colors import AGAINST_RGB, FOR_RGB, strength
from diagnosis.vocabulary import Window

Mm = tuple[float, float, float]
Index = tuple[int, int, int]
INK = (255, 215, 94)
REGION_RGB = (127, 219, 202)
CROSSHAIR_RGB = (110, 170, 255)
OBLIQUE_DEGREES = 10.0
"""Above this angle between the scanner's axes and the body's, the reader is told."""
SCALE_PERCENTILE = 99.5
"""The color scale ends at this percentile of |attribution|: a single voxel does not wash out the rest."""


@final
@dataclass(frozen=True)
class PlaneKind:
    """An anatomical plane. Axes count z (head), y (back), x (left) of the turned volume.

    Attributes:
        name: as shown.
        fixed: axis along which one scrolls.
        down: axis that runs down the picture.
        across: axis that runs to the right.
        is_upside_down: whether the down axis is drawn against its direction, so that the head is up.
        letters: at the left, right, top and bottom edge.
    """

    name: str
    fixed: int
    down: int
    across: int
    is_upside_down: bool
    letters: tuple[str, str, str, str]


AXIAL = PlaneKind("Axial", 0, 1, 2, is_upside_down=False, letters=("R", "L", "A", "P"))
CORONAL = PlaneKind("Coronal", 1, 0, 2, is_upside_down=True, letters=("R", "L", "S", "I"))
SAGITTAL = PlaneKind("Sagittal", 2, 0, 1, is_upside_down=True, letters=("A", "P", "S", "I"))
PLANE_KINDS = (AXIAL, CORONAL, SAGITTAL)


@final
@dataclass(frozen=True)
class ColorScale:
    """Colors of what speaks for and against the finding; None hides that side."""

    name: str
    positive_rgb: tuple[int, int, int]
    negative_rgb: tuple[int, int, int] | None


COLOR_SCALES = (
    ColorScale("Orange / blue", FOR_RGB, AGAINST_RGB),
    ColorScale("Yellow / purple", (253, 224, 37), (146, 72, 200)),
    ColorScale("Orange, only for", FOR_RGB, None),
)


@final
@dataclass(frozen=True, eq=False)
class Scene:
    """A CT turned to anatomical axes, with what lies on it.

    Attributes:
        hu: (z,y,x), rising toward head, back and left; a view of the volume's own array.
        affine_lps: (4,4), index (z,y,x) to LPS mm.
        region: marked region, or None.
        attribution: map to lay over it, or None.
    """

    hu: npt.NDArray[np.float32]
    affine_lps: npt.NDArray[np.float64]
    region: RegionOfInterest | None = None
    attribution: VolumeAttribution | None = None

    @cached_property
    def spacing_mm(self) -> Mm:
        """Along (z,y,x)."""
        z, y, x = np.linalg.norm(self.affine_lps[:3, :3], axis=0)
        return float(z), float(y), float(x)

    @cached_property
    def oblique_degrees(self) -> float:
        """Largest angle between an axis of the array and the body's axis that it stands for."""
        units = self.affine_lps[:3, :3] / np.array(self.spacing_mm)
        cosines = np.abs(np.diag(units[::-1]))
        return float(np.degrees(np.arccos(np.clip(cosines.min(), 0, 1))))

    @cached_property
    def color_limit(self) -> float:
        """|logit| drawn at full strength: the same on every slice."""
        if self.attribution is None:
            return 0.0
        strong = np.abs(self.attribution.values[self.attribution.values != 0])
        return float(np.percentile(strong, SCALE_PERCENTILE)) if strong.size else 0.0

    def index_of(self, point_mm: Mm) -> Index:
        """Nearest voxel (z,y,x) within the array."""
        raw = np.linalg.solve(self.affine_lps[:3, :3], np.array(point_mm) - self.affine_lps[:3, 3])
        z, y, x = (int(np.clip(round(float(v)), 0, n - 1)) for v, n in zip(raw, self.hu.shape, strict=True))
        return z, y, x

    def position_of(self, index: Index) -> Mm:
        """LPS mm of a voxel."""
        x, y, z = self.affine_lps[:3, :3] @ np.array(index, dtype=np.float64) + self.affine_lps[:3, 3]
        return float(x), float(y), float(z)

    def extent_mm(self, axis: int) -> float:
        """Length of the array along an axis."""
        return float(self.hu.shape[axis] * self.spacing_mm[axis])


def make_scene(
    volume: Volume, region: RegionOfInterest | None = None, attribution: VolumeAttribution | None = None
) -> Scene:
    """Turn a volume to anatomical axes, without copying it."""
    columns = volume.affine_lps[:3, :3] / np.array(volume.spacing_mm)
    # Which array axis stands for z, y, x: the assignment with the largest sum of |cosines|.
    order = max(permutations(range(3)), key=lambda p: sum(abs(columns[2 - i, axis]) for i, axis in enumerate(p)))
    hu: npt.NDArray[np.float32] = volume.hu.transpose(order)
    affine = volume.affine_lps.copy()
    affine[:3, :3] = volume.affine_lps[:3, list(order)]
    for axis in range(3):
        if affine[2 - axis, axis] < 0:
            affine[:3, 3] += affine[:3, axis] * (hu.shape[axis] - 1)
            affine[:3, axis] *= -1
            hu = np.flip(hu, axis)
    return Scene(hu, affine, region, attribution)


@final
@dataclass(frozen=True)
class Look:
    """How planes are drawn.

    Attributes:
        center_hu: of the window.
        width_hu: of the window.
        field_mm: length shown along the shorter side of the canvas; 0 for all of the scan.
        opacity: of the overlay at full strength; 0 hides it.
        color_scale: place in `COLOR_SCALES`.
        has_crosshair: whether the linked planes' position is drawn.
        has_region: whether the marked region is drawn.
    """

    center_hu: float
    width_hu: float
    field_mm: float = 0.0
    opacity: float = 0.0
    color_scale: int = 0
    has_crosshair: bool = True
    has_region: bool = True


def draw_plane(scene: Scene, kind: PlaneKind, at: Index, look: Look, size_px: tuple[int, int]) -> bytes:
    """PNG of one plane through a voxel, on a black canvas of (width, height) pixels."""
    view = _view(scene, kind, at, look, size_px)
    canvas = Image.new("RGB", size_px)
    canvas.paste(Image.fromarray(_picture(scene, view, look)), view.corner_px)
    _annotate(ImageDraw.Draw(canvas), scene, view, look)
    stream = io.BytesIO()
    canvas.save(stream, format="PNG", compress_level=1)
    return stream.getvalue()


@final
@dataclass(frozen=True)
class _View:
    """Which part of a plane is shown, and where on the canvas: all the arithmetic between pixels and voxels.

    Attributes:
        kind: the plane.
        at: voxel (z,y,x) of the crosshair.
        box: (left, top, right, bottom) of the shown part in voxel edges of the picture, before it is turned upright.
        shape_px: (width, height) of the picture.
        corner_px: its place on the canvas.
        canvas_px: (width, height).
        px_per_mm: scale.
    """

    kind: PlaneKind
    at: Index
    box: tuple[float, float, float, float]
    shape_px: tuple[int, int]
    corner_px: tuple[int, int]
    canvas_px: tuple[int, int]
    px_per_mm: float

    def to_canvas(self, scene: Scene, index: npt.NDArray[np.floating[Any]]) -> tuple[float, float]:
        """Canvas position of a fractional (z,y,x) index."""
        left, top, right, bottom = self.box
        down, across = float(index[self.kind.down]), float(index[self.kind.across])
        if self.kind.is_upside_down:
            down = scene.hu.shape[self.kind.down] - 1 - down
        width, height = self.shape_px
        return (
            self.corner_px[0] + (across + 0.5 - left) / (right - left) * width,
            self.corner_px[1] + (down + 0.5 - top) / (bottom - top) * height,
        )


def _view(scene: Scene, kind: PlaneKind, at: Index, look: Look, canvas_px: tuple[int, int]) -> _View:
    spans = []
    for axis, turned, side_px in ((kind.across, False, canvas_px[0]), (kind.down, kind.is_upside_down, canvas_px[1])):
        n, spacing = scene.hu.shape[axis], scene.spacing_mm[axis]
        field_mm = look.field_mm * side_px / min(canvas_px)
        shown = min(float(n), field_mm / spacing) if look.field_mm else float(n)
        middle = at[axis] if not turned else n - 1 - at[axis]
        start = float(np.clip(middle + 0.5 - shown / 2, 0, n - shown))
        spans.append((start, start + shown, shown * spacing))
    (left, right, width_mm), (top, bottom, height_mm) = spans
    scale = min(canvas_px[0] / width_mm, canvas_px[1] / height_mm)
    shape = max(1, round(width_mm * scale)), max(1, round(height_mm * scale))
    corner = (canvas_px[0] - shape[0]) // 2, (canvas_px[1] - shape[1]) // 2
    return _View(kind, at, (left, top, right, bottom), shape, corner, canvas_px, scale)


def _picture(scene: Scene, view: _View, look: Look) -> npt.NDArray[np.uint8]:
    """(height,width,3) gray picture in the window, with the overlay."""
    kind = view.kind
    plane: npt.NDArray[np.float32] = np.take(scene.hu, view.at[kind.fixed], axis=kind.fixed)
    if kind.down > kind.across:
        plane = plane.T
    if kind.is_upside_down:
        plane = plane[::-1]
    window = Window("shown", look.center_hu, look.width_hu)
    gray = np.clip((plane - window.low_hu) * (255.0 / look.width_hu), 0, 255).astype(np.uint8)
    resized = Image.fromarray(gray).resize(view.shape_px, Image.Resampling.BICUBIC, box=view.box)
    rgb = np.repeat(np.asarray(resized)[:, :, None], 3, axis=2)
    if scene.attribution is not None and look.opacity > 0:
        _lay_over(rgb, scene, scene.attribution, view, look)
    return rgb


def _lay_over(
    rgb: npt.NDArray[np.uint8], scene: Scene, attribution: VolumeAttribution, view: _View, look: Look
) -> None:
    """Blend the map into the picture, in place: each pixel asks the map at its own position in mm."""
    width, height = view.shape_px
    left, top, right, bottom = view.box
    across = left + (np.arange(width) + 0.5) / width * (right - left) - 0.5
    down = top + (np.arange(height) + 0.5) / height * (bottom - top) - 0.5
    if view.kind.is_upside_down:
        down = scene.hu.shape[view.kind.down] - 1 - down
    to_map = np.linalg.inv(attribution.affine_lps) @ scene.affine_lps
    base = to_map[:3, 3] + to_map[:3, view.kind.fixed] * view.at[view.kind.fixed]
    index = (
        base[:, None, None]
        + to_map[:3, view.kind.down][:, None, None] * down[None, :, None]
        + to_map[:3, view.kind.across][:, None, None] * across[None, None, :]
    )
    # Only pixels near the map are asked: it is a few centimeters wide.
    limits = np.array(attribution.values.shape)[:, None, None]
    is_near = ((index > -1) & (index < limits)).all(axis=0)
    if not is_near.any():
        return
    values = ndimage.map_coordinates(attribution.values, index[:, is_near], order=1, mode="constant", cval=0.0)
    rgb[is_near] = _blend(rgb[is_near], values, scene.color_limit, look)


def _blend(
    gray: npt.NDArray[np.uint8], values: npt.NDArray[np.float32], limit: float, look: Look
) -> npt.NDArray[np.uint8]:
    """Colors over gray, (pixel,3); opacity grows with |value|, zero is transparent."""
    scale = COLOR_SCALES[look.color_scale]
    negative = np.array(scale.negative_rgb or (0, 0, 0), dtype=np.float64)
    colors = np.where(values[:, None] >= 0, np.array(scale.positive_rgb, dtype=np.float64), negative)
    alpha = look.opacity * strength(values, limit)
    if scale.negative_rgb is None:
        alpha[values < 0] = 0.0
    return np.asarray(gray * (1 - alpha[:, None]) + colors * alpha[:, None]).astype(np.uint8)


def _annotate(draw: ImageDraw.ImageDraw, scene: Scene, view: _View, look: Look) -> None:
    if look.has_crosshair:
        _draw_crosshair(draw, scene, view)
    if look.has_region and scene.region is not None:
        _draw_region(draw, scene, view, scene.region)
    width, height = view.canvas_px
    font = ImageFont.load_default(size=15)
    style: dict[str, Any] = {"fill": INK, "font": font, "stroke_width": 2, "stroke_fill": (0, 0, 0)}
    left, right, top, bottom = view.kind.letters
    draw.text((6, height / 2), left, anchor="lm", **style)
    draw.text((width - 6, height / 2), right, anchor="rm", **style)
    draw.text((width / 2, 5), top, anchor="mt", **style)
    draw.text((width / 2, height - 5), bottom, anchor="mb", **style)
    _draw_scale_bar(draw, view, style)
    if view.kind is AXIAL:
        small = style | {"font": ImageFont.load_default(size=13)}
        draw.text((6, height - 6), f"C {look.center_hu:.0f}  W {look.width_hu:.0f} HU", anchor="lb", **small)


def _draw_scale_bar(draw: ImageDraw.ImageDraw, view: _View, style: dict[str, Any]) -> None:
    """The longest round length that takes at most a quarter of the picture."""
    width, height = view.canvas_px
    fits = [mm for mm in (5, 10, 20, 50, 100) if mm * view.px_per_mm <= width / 4]
    length_mm = fits[-1] if fits else 5
    start, y = width - 12 - length_mm * view.px_per_mm, height - 12
    draw.line([(start, y), (width - 12, y)], fill=(0, 0, 0), width=5)
    draw.line([(start, y), (width - 12, y)], fill=INK, width=3)
    small = style | {"font": ImageFont.load_default(size=13)}
    draw.text(((start + width - 12) / 2, y - 6), f"{length_mm} mm", anchor="mb", **small)


def _draw_crosshair(draw: ImageDraw.ImageDraw, scene: Scene, view: _View) -> None:
    """Thin lines with a gap in the middle, so that they do not cover what they point at."""
    x, y = view.to_canvas(scene, np.array(view.at, dtype=np.float64))
    gap, (width, height) = 14, view.canvas_px
    for ends in (
        [(0, y), (x - gap, y)],
        [(x + gap, y), (width, y)],
        [(x, 0), (x, y - gap)],
        [(x, y + gap), (x, height)],
    ):
        draw.line(ends, fill=CROSSHAIR_RGB, width=1)


def _draw_region(draw: ImageDraw.ImageDraw, scene: Scene, view: _View, region: RegionOfInterest) -> None:
    """Where the region's sphere meets this plane; a cross at the center where no diameter is known."""
    center = np.linalg.solve(scene.affine_lps[:3, :3], np.array(region.center_mm) - scene.affine_lps[:3, 3])
    x, y = view.to_canvas(scene, center)
    off_mm = abs(view.at[view.kind.fixed] - float(center[view.kind.fixed])) * scene.spacing_mm[view.kind.fixed]
    if region.diameter_mm is None:
        if off_mm <= scene.spacing_mm[view.kind.fixed]:
            draw.line([(x - 8, y), (x + 8, y)], fill=REGION_RGB, width=2)
            draw.line([(x, y - 8), (x, y + 8)], fill=REGION_RGB, width=2)
        return
    # A small margin keeps the outline off the edge that the reader wants to see.
    radius_mm = region.diameter_mm / 2 + 2.0
    if off_mm < radius_mm:
        radius = float(np.sqrt(radius_mm**2 - off_mm**2)) * view.px_per_mm
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], outline=REGION_RGB, width=2)
