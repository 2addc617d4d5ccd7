// The same pictures by NiiVue, on the graphics card: one hidden canvas holds the three whole planes side by side.
// NiiVue colors a whole volume at once when the window changes. A graphics card takes milliseconds for that; without
// one a chest CT takes 20 s and more, so `isFast` says whether to choose it.
import { PLANES } from "./geometry.js";

const SLICE_TYPE = { Axial: 0, Coronal: 1, Sagittal: 2 };
const MOST_PX = 1024;
const SOFTWARE = /swiftshader|llvmpipe|software|basic render|softpipe/i;

export function isFast() {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return false;
  const about = gl.getExtension("WEBGL_debug_renderer_info");
  const name = String(gl.getParameter(about ? about.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return !SOFTWARE.test(name);
}

export class NiivueSlices {
  static async open(scene, nifti, address) {
    const { Niivue } = await import(address);
    const engine = new NiivueSlices(scene);
    await engine.load(Niivue, nifti);
    return engine;
  }

  constructor(scene) {
    this.name = "NiiVue";
    this.scene = scene;
    this.mark = "";
    this.host = document.createElement("div");
    this.canvas = document.createElement("canvas");
    this.host.append(this.canvas);
    this.layout();
  }

  // One tile a plane, as large as its longer side has voxels at the finest spacing, in a row.
  layout() {
    const { shape, spacing_mm: mm } = this.scene;
    const finest = Math.min(...mm);
    let left = 0;
    this.tiles = PLANES.map((plane) => {
      const width = Math.round(Math.min(MOST_PX, (shape[plane.across] * mm[plane.across]) / finest));
      const height = Math.round(width * ((shape[plane.down] * mm[plane.down]) / (shape[plane.across] * mm[plane.across])));
      const tile = { x: left, y: 0, width, height };
      left += width;
      return tile;
    });
    this.canvas.width = left;
    this.canvas.height = Math.max(...this.tiles.map((tile) => tile.height));
  }

  async load(Niivue, nifti) {
    this.host.style.cssText = `position:fixed;left:-20000px;top:0;width:${this.canvas.width}px;height:${this.canvas.height}px`;
    document.body.append(this.host);
    this.nv = new Niivue({
      isRadiologicalConvention: true, crosshairWidth: 0, isOrientationTextVisible: false, isResizeCanvas: false,
      dragAndDropEnabled: false, multiplanarShowRender: 0, forceDevicePixelRatio: -1, backColor: [0, 0, 0, 1],
      isAntiAlias: false, interactive: false, logLevel: "error", loadingText: "",
    });
    await this.nv.attachToCanvas(this.canvas, false);
    const [width, height] = [this.canvas.width, this.canvas.height];
    this.nv.setCustomLayout(
      PLANES.map((plane, i) => {
        const tile = this.tiles[i];
        return {
          sliceType: SLICE_TYPE[plane.name],
          position: [tile.x / width, 0, tile.width / width, tile.height / height],
        };
      }),
    );
    await this.nv.loadFromArrayBuffer(nifti.slice(0), "ct.nii");
  }

  picture(index, at, window) {
    const mark = `${at} ${window.center_hu} ${window.width_hu}`;
    if (mark !== this.mark) this.draw(at, window);
    this.mark = mark;
    const tile = this.nv.screenSlices.find((t) => t.axCorSag === SLICE_TYPE[PLANES[index].name]);
    const [x, y, width, height] = tile.leftTopWidthHeight;
    return { source: this.canvas, x: Math.min(x, x + width), y, width: Math.abs(width), height };
  }

  draw(at, window) {
    const volume = this.nv.volumes[0];
    const [low, high] = [window.center_hu - window.width_hu / 2, window.center_hu + window.width_hu / 2];
    // NiiVue's fractions run toward right, front and head.
    const [nz, ny, nx] = this.scene.shape;
    this.nv.scene.crosshairPos = [1 - (at[2] + 0.5) / nx, 1 - (at[1] + 0.5) / ny, (at[0] + 0.5) / nz];
    if (volume.cal_min !== low || volume.cal_max !== high) {
      volume.cal_min = low;
      volume.cal_max = high;
      this.nv.updateGLVolume();
    }
    this.nv.drawScene();
  }

  close() {
    this.nv?.gl?.getExtension("WEBGL_lose_context")?.loseContext();
    this.nv?.cleanup();
    this.host.remove();
  }
}
