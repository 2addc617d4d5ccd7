// Between voxels (z,y,x), millimeters (LPS) and pixels of a plane. Pure: no page, no drawing.
// The volume's axes run toward head, back and left, whatever the order in which the series was stored.

// fixed: axis one scrolls along; down, across: axes of the picture; an upside-down plane has the head at its top.
export const PLANES = [
  { name: "Axial", fixed: 0, down: 1, across: 2, upsideDown: false, letters: ["R", "L", "A", "P"] },
  { name: "Coronal", fixed: 1, down: 0, across: 2, upsideDown: true, letters: ["R", "L", "S", "I"] },
  { name: "Sagittal", fixed: 2, down: 0, across: 1, upsideDown: true, letters: ["A", "P", "S", "I"] },
];

// Row-major 4x4 times a point.
export function transform(m, p) {
  return [0, 1, 2].map((r) => m[4 * r] * p[0] + m[4 * r + 1] * p[1] + m[4 * r + 2] * p[2] + m[4 * r + 3]);
}

export function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// What a canvas shows of a plane: `left` and `top` in voxel edges of the upright picture, `pxPerMm` the same both ways.
export function viewOf(plane, scene, state, width, height) {
  const n = scene.shape;
  const mm = scene.spacing_mm;
  const whole = Math.min(width / (n[plane.across] * mm[plane.across]), height / (n[plane.down] * mm[plane.down]));
  const pxPerMm = state.field_mm ? Math.max(whole, Math.min(width, height) / state.field_mm) : whole;
  const sx = pxPerMm * mm[plane.across];
  const sy = pxPerMm * mm[plane.down];
  const upright = (axis, value) => (axis === plane.down && plane.upsideDown ? n[axis] - 1 - value : value);
  const start = (axis, length, scale) => {
    const shown = length / scale;
    if (shown >= n[axis]) return (n[axis] - shown) / 2;
    return clamp(upright(axis, state.center[axis]) + 0.5 - shown / 2, 0, n[axis] - shown);
  };
  return { plane, width, height, pxPerMm, sx, sy, left: start(plane.across, width, sx), top: start(plane.down, height, sy), n };
}

// Fractional voxel (z,y,x) to a point on the canvas.
export function toPixel(view, voxel) {
  const { plane, n } = view;
  const down = plane.upsideDown ? n[plane.down] - 1 - voxel[plane.down] : voxel[plane.down];
  return [(voxel[plane.across] + 0.5 - view.left) * view.sx, (down + 0.5 - view.top) * view.sy];
}

// A point on the canvas to a fractional voxel (z,y,x) in the plane through `at`.
export function toVoxel(view, point, at) {
  const { plane, n } = view;
  const voxel = [...at];
  voxel[plane.across] = point[0] / view.sx + view.left - 0.5;
  const down = point[1] / view.sy + view.top - 0.5;
  voxel[plane.down] = plane.upsideDown ? n[plane.down] - 1 - down : down;
  return voxel;
}

export function insideVolume(voxel, shape) {
  return voxel.map((v, axis) => clamp(v, 0, shape[axis] - 1));
}

// The longest round length in mm that takes at most a quarter of the picture.
export function scaleBarLength(view) {
  const fits = [2, 5, 10, 20, 50, 100].filter((mm) => mm * view.pxPerMm <= view.width / 4);
  return fits.length ? fits[fits.length - 1] : 1;
}
