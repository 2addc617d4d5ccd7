// What is laid over a plane: the attribution, crosshair, region, distances, letters and scale bar.
import { clamp, distance, scaleBarLength, toPixel, toVoxel, transform } from "./geometry.js";

const INK = "#ffd75e";
const CROSSHAIR = "#6eaaff";
const REGION = "#7fdbca";
const PROPOSED = "#ffb000";
const HALO = "#000000";
const STEP_PX = 2;
// A small margin keeps the outline off the edge that the reader wants to see.
const MARGIN_MM = 2;

// Trilinear sample of the map (int8 of -127..127 of the limit) at a fractional index; zero outside.
function sample(map, z, y, x) {
  const [nz, ny, nx] = map.shape;
  if (z <= -1 || y <= -1 || x <= -1 || z >= nz || y >= ny || x >= nx) return 0;
  const [z0, y0, x0] = [Math.floor(z), Math.floor(y), Math.floor(x)];
  let sum = 0;
  for (let corner = 0; corner < 8; corner++) {
    const [dz, dy, dx] = [corner >> 2, (corner >> 1) & 1, corner & 1];
    const [zi, yi, xi] = [z0 + dz, y0 + dy, x0 + dx];
    if (zi < 0 || yi < 0 || xi < 0 || zi >= nz || yi >= ny || xi >= nx) continue;
    const weight = (dz ? z - z0 : 1 - z + z0) * (dy ? y - y0 : 1 - y + y0) * (dx ? x - x0 : 1 - x + x0);
    sum += weight * map.values[(zi * ny + yi) * nx + xi];
  }
  return sum;
}

// Where on the canvas the map can be seen: the box around its eight corners, or null.
function boxOf(view, map) {
  const points = [];
  for (let corner = 0; corner < 8; corner++) {
    const index = [corner >> 2, (corner >> 1) & 1, corner & 1].map((side, axis) => side * map.shape[axis] - (side ? 0 : 1));
    points.push(toPixel(view, transform(map.to_scene, index)));
  }
  const [xs, ys] = [points.map((p) => p[0]), points.map((p) => p[1])];
  const box = [
    Math.floor(clamp(Math.min(...xs), 0, view.width)), Math.floor(clamp(Math.min(...ys), 0, view.height)),
    Math.ceil(clamp(Math.max(...xs), 0, view.width)), Math.ceil(clamp(Math.max(...ys), 0, view.height)),
  ];
  return box[2] - box[0] > 1 && box[3] - box[1] > 1 ? box : null;
}

export function drawMap(pen, view, map, at, look, scratch) {
  const box = boxOf(view, map);
  if (!box) return;
  const columns = Math.ceil((box[2] - box[0]) / STEP_PX);
  const rows = Math.ceil((box[3] - box[1]) / STEP_PX);
  const image = new ImageData(columns, rows);
  const { positive, negative } = look.scale;
  // The map's index is linear in the pixel: two steps say it all.
  const indexAt = (px, py) => transform(map.from_scene, toVoxel(view, [px, py], at));
  const start = indexAt(box[0] + STEP_PX / 2, box[1] + STEP_PX / 2);
  const right = indexAt(box[0] + 1.5 * STEP_PX, box[1] + STEP_PX / 2).map((v, i) => v - start[i]);
  const below = indexAt(box[0] + STEP_PX / 2, box[1] + 1.5 * STEP_PX).map((v, i) => v - start[i]);
  for (let row = 0, target = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, target += 4) {
      const value = sample(
        map,
        start[0] + column * right[0] + row * below[0],
        start[1] + column * right[1] + row * below[1],
        start[2] + column * right[2] + row * below[2],
      );
      const color = value >= 0 ? positive : negative;
      if (value === 0 || !color) continue;
      image.data[target] = color[0];
      image.data[target + 1] = color[1];
      image.data[target + 2] = color[2];
      image.data[target + 3] = 255 * look.opacity * Math.min(1, Math.abs(value) / 127);
    }
  }
  scratch.width = columns;
  scratch.height = rows;
  scratch.getContext("2d").putImageData(image, 0, 0);
  pen.drawImage(scratch, box[0], box[1], columns * STEP_PX, rows * STEP_PX);
}

function line(pen, from, to, color, width = 1) {
  pen.strokeStyle = color;
  pen.lineWidth = width;
  pen.beginPath();
  pen.moveTo(...from);
  pen.lineTo(...to);
  pen.stroke();
}

// Thin lines with a gap in the middle, so that they do not cover what they point at.
export function drawCrosshair(pen, view, at) {
  const [x, y] = toPixel(view, at);
  const gap = 14;
  line(pen, [0, y], [x - gap, y], CROSSHAIR);
  line(pen, [x + gap, y], [view.width, y], CROSSHAIR);
  line(pen, [x, 0], [x, y - gap], CROSSHAIR);
  line(pen, [x, y + gap], [x, view.height], CROSSHAIR);
}

// Where the region's sphere meets this plane; a cross at the center where no diameter is known.
export function drawRegion(pen, view, scene, region, at, isProposed) {
  const voxel = transform(scene.from_mm, region.center_mm);
  const axis = view.plane.fixed;
  const off = Math.abs(at[axis] - voxel[axis]) * scene.spacing_mm[axis];
  const [x, y] = toPixel(view, voxel);
  // Dark below bright: an outline that is seen on lung and on bone alike.
  for (const [color, width] of [[HALO, 4], [isProposed ? PROPOSED : REGION, 2]]) {
    if (isProposed && color !== HALO) pen.setLineDash([8, 4]);
    if (!region.diameter_mm) {
      if (off <= scene.spacing_mm[axis]) {
        line(pen, [x - 10, y], [x + 10, y], color, width);
        line(pen, [x, y - 10], [x, y + 10], color, width);
      }
    } else if (off < region.diameter_mm / 2 + MARGIN_MM) {
      const radius = Math.sqrt((region.diameter_mm / 2 + MARGIN_MM) ** 2 - off ** 2) * view.pxPerMm;
      pen.strokeStyle = color;
      pen.lineWidth = width;
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.stroke();
    }
  }
  pen.setLineDash([]);
}

function write(pen, text, x, y, align, baseline, size) {
  pen.font = `600 ${size}px system-ui, sans-serif`;
  pen.textAlign = align;
  pen.textBaseline = baseline;
  pen.lineWidth = 3;
  pen.strokeStyle = "#000000";
  pen.fillStyle = INK;
  pen.strokeText(text, x, y);
  pen.fillText(text, x, y);
}

export function drawDistances(pen, view, scene, distances, at) {
  const axis = view.plane.fixed;
  for (const measured of distances) {
    if (measured.plane !== view.plane.name || Math.abs(measured.from[axis] - at[axis]) > 0.5) continue;
    const [from, to] = [toPixel(view, measured.from), toPixel(view, measured.to)];
    line(pen, from, to, "#000000", 4);
    line(pen, from, to, INK, 2);
    for (const end of [from, to]) {
      pen.fillStyle = INK;
      pen.fillRect(end[0] - 3, end[1] - 3, 6, 6);
    }
    const length = distance(transform(scene.to_mm, measured.from), transform(scene.to_mm, measured.to));
    write(pen, `${length.toFixed(1)} mm`, to[0] + 8, to[1] - 8, "left", "bottom", 14);
  }
}

export function drawLetters(pen, view, window) {
  const { width, height, plane } = view;
  const [left, right, top, bottom] = plane.letters;
  write(pen, left, 6, height / 2, "left", "middle", 15);
  write(pen, right, width - 6, height / 2, "right", "middle", 15);
  write(pen, top, width / 2, 5, "center", "top", 15);
  write(pen, bottom, width / 2, height - 5, "center", "bottom", 15);
  const length = scaleBarLength(view);
  const start = width - 12 - length * view.pxPerMm;
  line(pen, [start, height - 12], [width - 12, height - 12], "#000000", 5);
  line(pen, [start, height - 12], [width - 12, height - 12], INK, 3);
  write(pen, `${length} mm`, (start + width - 12) / 2, height - 18, "center", "bottom", 12);
  if (plane.name === "Axial") write(pen, `C ${window.center_hu}  W ${window.width_hu} HU`, 6, height - 6, "left", "bottom", 12);
}
