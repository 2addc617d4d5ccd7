// Gray pictures of whole planes, one pixel a voxel, drawn by the processor: needs no graphics card.
import { PLANES } from "./geometry.js";

// int16 HU to a gray level: one table for all 65,536 values, made once for each window.
function tableOf(window) {
  const table = new Uint8Array(65536);
  const low = window.center_hu - window.width_hu / 2;
  for (let hu = -32768; hu < 32768; hu++) {
    const gray = ((hu - low) / window.width_hu) * 255;
    table[hu + 32768] = gray < 0 ? 0 : gray > 255 ? 255 : gray;
  }
  return table;
}

export class Slices {
  constructor(scene, voxels) {
    this.name = "processor";
    this.scene = scene;
    this.voxels = voxels;
    this.kept = PLANES.map(() => ({ mark: "", canvas: document.createElement("canvas") }));
  }

  // A canvas that holds the whole plane: {source, x, y, width, height} within it.
  picture(index, at, window) {
    const plane = PLANES[index];
    const kept = this.kept[index];
    const n = this.scene.shape;
    const [columns, rows] = [n[plane.across], n[plane.down]];
    const mark = `${at[plane.fixed]} ${window.center_hu} ${window.width_hu}`;
    if (kept.mark !== mark) {
      this.fill(kept, plane, at[plane.fixed], window, columns, rows);
      kept.mark = mark;
    }
    return { source: kept.canvas, x: 0, y: 0, width: columns, height: rows };
  }

  fill(kept, plane, number, window, columns, rows) {
    if (!kept.image) {
      kept.canvas.width = columns;
      kept.canvas.height = rows;
      kept.image = new ImageData(columns, rows);
      kept.pixels = new Uint32Array(kept.image.data.buffer);
    }
    const table = this.table(window);
    const strides = [this.scene.shape[1] * this.scene.shape[2], this.scene.shape[2], 1];
    const across = strides[plane.across];
    for (let row = 0, target = 0; row < rows; row++) {
      const down = plane.upsideDown ? rows - 1 - row : row;
      let source = number * strides[plane.fixed] + down * strides[plane.down];
      for (let column = 0; column < columns; column++, source += across) {
        kept.pixels[target++] = 0xff000000 | (table[this.voxels[source] + 32768] * 0x010101);
      }
    }
    kept.canvas.getContext("2d").putImageData(kept.image, 0, 0);
  }

  table(window) {
    const mark = `${window.center_hu} ${window.width_hu}`;
    if (this.tableMark !== mark) {
      this.tableMark = mark;
      this.lastTable = tableOf(window);
    }
    return this.lastTable;
  }

  close() {}
}
