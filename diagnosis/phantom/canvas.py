"""A CT in the making: HU on a grid in millimeters, and the strokes that structures are painted with.

Coverage is the part of a voxel that a structure fills, so that edges are anti-aliased and thin vessels are dimmed by
partial volume as in a scanner.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
import numpy.typing as npt

HuArray = npt.NDArray[np.floating[Any]]
"""HU, mm or coverage on a grid; float32 wherever the grid is large."""
AxisArray = npt.NDArray[np.float32]
Point = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@final
@dataclass(frozen=True, eq=False)
class Canvas:
    """HU values to paint on.

    Attributes:
        hu: (slice,row,column); painted in place.
        z: mm toward the head of each slice, (slice,), growing.
        y: mm toward the back of each row, (row,).
        x: mm toward the patient's left of each column, (column,).
    """

    hu: HuArray
    z: AxisArray
    y: AxisArray
    x: AxisArray

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel spacing (slice,row,column)."""
        return float(self.z[1] - self.z[0]), float(self.y[1] - self.y[0]), float(self.x[1] - self.x[0])

    @property
    def edge_mm(self) -> float:
        """Width of an anti-aliased edge: about one pixel."""
        return self.spacing_mm[1]

    def box(self, low: Point, high: Point) -> tuple[slice, slice, slice]:
        """Index ranges (slice,row,column) of the voxels between two (x,y,z) corners; possibly empty."""
        ranges = []
        for axis, i in ((self.z, 2), (self.y, 1), (self.x, 0)):
            start, stop = np.searchsorted(axis, (low[i], high[i]))
            ranges.append(slice(int(start), int(stop)))
        return ranges[0], ranges[1], ranges[2]

    def offsets(self, box: tuple[slice, slice, slice], origin: Point) -> tuple[HuArray, HuArray, HuArray]:
        """Open grids (x, y, z) of the mm from `origin` to the voxels of a box, broadcasting to its shape."""
        x = (self.x[box[2]] - np.float32(origin[0]))[None, None, :]
        y = (self.y[box[1]] - np.float32(origin[1]))[None, :, None]
        z = (self.z[box[0]] - np.float32(origin[2]))[:, None, None]
        return x, y, z


def blend(hu: HuArray, coverage: HuArray, value: HuArray | float) -> None:
    """Replace a part `coverage` of each voxel by a material of `value` HU, in place."""
    hu += coverage * (value - hu)


def coverage(distance_mm: HuArray, edge_mm: float) -> HuArray:
    """Coverage of voxels at a signed distance from a surface (negative inside), edge blurred over `edge_mm`."""
    return np.asarray(np.clip(0.5 - distance_mm / np.float32(edge_mm), 0, 1), dtype=np.float32)


def paint_ellipsoid(canvas: Canvas, center: Point, radii: Point, value: float) -> None:
    """Paint an ellipsoid with semi-axes (x,y,z) along the axes of the patient."""
    margin = radii + 2 * np.array(canvas.spacing_mm[::-1])
    box = canvas.box(center - margin, center + margin)
    x, y, z = canvas.offsets(box, center)
    norm = np.sqrt((x / radii[0]) ** 2 + (y / radii[1]) ** 2 + (z / radii[2]) ** 2).astype(np.float32)
    distance = (norm - 1) * np.float32(radii.min())
    blend(canvas.hu[box], coverage(distance, canvas.edge_mm), value)


def paint_capsule(canvas: Canvas, start: Point, end: Point, radii: tuple[float, float], value: float) -> None:
    """Paint a cone with round ends from `start` to `end` (x,y,z), `radii` mm at its ends."""
    reach = max(radii) + max(canvas.spacing_mm)
    box = canvas.box(np.minimum(start, end) - reach, np.maximum(start, end) + reach)
    if any(r.stop <= r.start for r in box):
        return
    x, y, z = canvas.offsets(box, start)
    axis = (end - start).astype(np.float32)
    length_squared = max(float(axis @ axis), 1e-6)
    along = np.clip((x * axis[0] + y * axis[1] + z * axis[2]) / length_squared, 0, 1)
    distance = np.sqrt((x - along * axis[0]) ** 2 + (y - along * axis[1]) ** 2 + (z - along * axis[2]) ** 2)
    radius = radii[0] + along * (radii[1] - radii[0])
    edge = canvas.edge_mm
    filled = coverage(distance - radius, edge)
    if min(radii) < edge / 2:  # a vessel thinner than a pixel fills only a part of any voxel
        filled *= np.minimum(1, (2 * radius / edge) ** 1.3)
    blend(canvas.hu[box], filled, value)


def paint_tube(canvas: Canvas, points: npt.ArrayLike, radius: float, value: float) -> None:
    """Paint a tube of constant radius through (n,3) points (x,y,z), rounded by a Catmull-Rom spline."""
    path = smooth_path(np.asarray(points, dtype=np.float64), 4)
    for start, end in pairwise(path):
        paint_capsule(canvas, start, end, (radius, radius), value)


def smooth_path(points: Point, steps: int) -> Point:
    """Catmull-Rom spline through (n,3) points with `steps` pieces between neighbors."""
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    t = np.arange(steps)[:, None] / steps
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], strict=True)
    ]
    return np.vstack([*pieces, points[-1:]])


def smooth_field(rng: np.random.Generator, shape: tuple[int, ...], cells: tuple[int, ...]) -> HuArray:
    """Smooth random field of about unit standard deviation: `cells` random values along each axis, interpolated."""
    from scipy import ndimage

    coarse = rng.standard_normal(tuple(c + 3 for c in cells))
    coarse = ndimage.gaussian_filter(coarse, 0.6, mode="reflect")
    coarse /= coarse.std()
    for axis, size in enumerate(shape):
        position = np.linspace(1, coarse.shape[axis] - 2, size)
        low = np.minimum(position.astype(int), coarse.shape[axis] - 2)
        t = (position - low).reshape([-1 if i == axis else 1 for i in range(len(shape))])
        t = t * t * (3 - 2 * t)
        coarse = np.take(coarse, low, axis) * (1 - t) + np.take(coarse, low + 1, axis) * t
        coarse = coarse.astype(np.float32)
    return np.asarray(coarse, dtype=np.float32)
