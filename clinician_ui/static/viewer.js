// CT viewer: three linked planes. Voxels come to the browser once; every picture is then made here, without the server.
import { button, choice, legend, make, number, select, slider, toggle } from "./controls.js";
import { PLANES, clamp, insideVolume, toPixel, transform, viewOf } from "./geometry.js";
import { listenToKeys } from "./keys.js";
import { isFast, NiivueSlices } from "./niivue_slices.js";
import { drawCrosshair, drawDistances, drawLetters, drawMap, drawRegion } from "./overlay.js";
import { watchPointer } from "./pointer.js";
import { Slices } from "./slices.js";
import { mapOf, niftiOf, voxelsOf } from "./volume.js";

const FIELDS = { Whole: 0, "120 mm": 120, "60 mm": 60 };
const TOOLS = ["Crosshair", "Measure", "Region"];
const ENGINES = ["Automatic", "Processor", "NiiVue"];
const HINTS = {
  Crosshair: "Click sets the crosshair; wheel changes the slice; Ctrl and wheel zooms; right button sets the window.",
  Measure: "Drag from one point to another.",
  Region: "Click the center of the region, or drag from its center to its edge; then press Assess this region.",
};
// What a reader had set up for a case outlives a redraw of the page.
const remembered = new Map();

class Viewer {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.state = remembered.get(data.key) ?? this.firstState();
    remembered.set(data.key, this.state);
    this.scratch = document.createElement("canvas");
    this.views = [];
    this.draws = 0;
    this.build();
    this.resized = new ResizeObserver(() => this.redraw());
    this.canvases.forEach((canvas) => this.resized.observe(canvas));
    this.stopListening = listenToKeys(this);
    this.load();
  }

  firstState() {
    const { scene, region, windows } = this.data;
    const middle = scene.shape.map((n) => Math.floor(n / 2));
    const at = region ? this.voxelOf(region.center_mm) : middle;
    return {
      at, center: [...at], field_mm: 0, window: { ...windows[0] }, tool: "Crosshair", isMapShown: true, opacity: 0.65,
      scale: 0, isCrosshairShown: true, isRegionShown: true, distances: [], proposed: null, engine: 0,
    };
  }

  voxelOf(mm) {
    return insideVolume(transform(this.data.scene.from_mm, mm), this.data.scene.shape).map(Math.round);
  }

  mmOf(voxel) {
    return transform(this.data.scene.to_mm, voxel);
  }

  async load() {
    try {
      const bytes = await niftiOf(this.data.volume_url, (share) => this.say(`Loading the CT: ${Math.round(100 * share)} %`));
      this.nifti = bytes;
      await this.chooseEngine();
    } catch (error) {
      this.say("The CT could not be loaded. Open the case again.");
      this.root.dataset.error = String(error);
    }
  }

  async chooseEngine() {
    const wanted = ENGINES[this.state.engine];
    this.engine?.close();
    this.engine = null;
    if (wanted === "NiiVue" || (wanted === "Automatic" && isFast())) {
      this.say("NiiVue prepares the CT");
      try {
        this.engine = await NiivueSlices.open(this.data.scene, this.nifti, this.data.niivue_url);
      } catch (error) {
        this.root.dataset.error = String(error);
      }
    }
    this.engine ??= new Slices(this.data.scene, voxelsOf(this.nifti));
    this.root.dataset.engine = this.engine.name;
    this.say("");
    this.redraw();
  }

  // New data from the page: the same CT with another region or map.
  update(data, report) {
    this.report = report;
    const isNewMap = data.map?.url !== this.data.map?.url || !this.hasUpdated;
    const region = JSON.stringify(data.region);
    if (this.hasUpdated && region !== JSON.stringify(this.data.region)) this.state.proposed = null;
    this.data = data;
    this.hasUpdated = true;
    this.root.dataset.region = data.region ? data.region.center_mm.join(" ") : "";
    if (isNewMap) this.loadMap();
    this.lookAt(data.look_at);
    this.showControls();
    this.redraw();
  }

  // A region that the page wants to be looked at; once, so that the reader can turn away from it.
  lookAt(look) {
    if (!look || look.number === this.state.looked) return;
    this.state.looked = look.number;
    if (this.data.can_mark) this.state.proposed = { center_mm: look.center_mm, diameter_mm: look.diameter_mm };
    this.goTo(look.center_mm);
    this.root.dataset.looked = look.center_mm.join(" ");
  }

  async loadMap() {
    this.map = null;
    if (this.data.map) this.map = await mapOf(this.data.map).catch(() => null);
    this.showControls();
    this.redraw();
  }

  say(words) {
    this.status.textContent = words;
    this.status.hidden = !words;
  }

  build() {
    const bar = make("div", "bar");
    const { windows } = this.data;
    this.windows = choice("Window", [...windows.map((w) => w.name), "Custom"], this.state.window.name, (name) => {
      this.setWindow({ ...(windows.find((w) => w.name === name) ?? this.state.window), name });
    });
    const custom = (part, short, label, low, high, step) =>
      number(label, "HU", low, high, step, short, (value) => this.setWindow({ ...this.state.window, name: "Custom", [part]: value ?? this.state.window[part] }));
    this.center = custom("center_hu", "C", "Center", -1000, 3000, 10);
    this.width = custom("width_hu", "W", "Width", 1, 4000, 10);
    this.fields = choice("Field of view", Object.keys(FIELDS), "Whole", (name) => this.setField(FIELDS[name]));
    this.tools = choice("Tool", TOOLS, this.state.tool, (name) => this.set({ tool: name }));
    bar.append(this.tools.box, this.windows.box, this.center.box, this.width.box, this.fields.box);
    this.status = make("div", "status");
    this.status.setAttribute("role", "status");
    this.below = make("div", "below");
    this.root.replaceChildren(bar, this.status, this.buildPlanes(), this.below);
    this.buildBelow();
    this.showControls();
  }

  buildPlanes() {
    const grid = make("div", "planes");
    this.canvases = [];
    this.sliders = [];
    PLANES.forEach((plane, i) => {
      const n = this.data.scene.shape[plane.fixed];
      const box = make("div", `plane ${plane.name.toLowerCase()}`);
      const canvas = make("canvas");
      canvas.tabIndex = 0;
      canvas.setAttribute("role", "application");
      watchPointer(this, canvas, i);
      const row = make("div", "slice");
      const input = slider(`${plane.name} slice`, 1, n, (value) => this.moveTo(plane.fixed, value - 1));
      const label = make("output");
      row.append(make("span", "", plane.name), input, label);
      box.append(canvas, row);
      grid.append(box);
      this.canvases.push(canvas);
      this.sliders.push({ input, label, n, plane });
    });
    return grid;
  }

  buildBelow() {
    this.place = make("div", "place");
    const steps = make("div", "row");
    this.toRegion = button("Go to region", "Show the region in all planes (G)", () => this.goToRegion());
    this.toPeak = button("Go to peak", "Show where the attribution is densest (P)", () => this.goTo(this.map.peak_mm));
    this.forget = button("Clear distances", "Remove all measured distances", () => this.set({ distances: [] }));
    this.crosshair = toggle("Crosshair", this.state.isCrosshairShown, (on) => this.set({ isCrosshairShown: on }));
    this.outline = toggle("Region", this.state.isRegionShown, (on) => this.set({ isRegionShown: on }));
    this.engines = select("Drawn by", ENGINES, this.state.engine, (i) => {
      this.state.engine = i;
      this.chooseEngine();
    });
    steps.append(this.place, this.toRegion, this.toPeak, this.forget, this.crosshair.box, this.outline.box, this.engines.box);
    this.region = make("div", "row region");
    this.hint = make("span", "hint");
    this.propose = button("Propose here", "Propose a region at the crosshair (R)", () => this.proposeAt(this.state.at));
    this.diameter = number("Diameter", "mm", 0.5, 300, 0.5, "Diameter", (value) => this.setDiameter(value));
    this.confirm = button("Assess this region", "Set or move the region and assess the case again", () => this.confirmRegion());
    this.confirm.className = "primary";
    this.trial = button("What if here?", "Ask for the probability of this region; nothing is kept", () => this.report("trial", this.state.proposed));
    this.cancel = button("Cancel", "Forget the proposed region", () => this.set({ proposed: null }));
    this.region.append(this.hint, this.propose, this.diameter.box, this.confirm, this.trial, this.cancel);
    this.overlay = make("div", "row overlay");
    this.below.append(this.region, steps, this.overlay);
  }

  // The overlay's controls, as far as there is a map.
  showOverlay() {
    if (!this.map) {
      this.overlay.replaceChildren();
      this.overlayOf = null;
      return;
    }
    const scale = this.data.scales[this.state.scale];
    if (this.overlayOf !== this.map) {
      this.overlayOf = this.map;
      const shown = (this.mapToggle = toggle("Explanation overlay", this.state.isMapShown, (on) => this.set({ isMapShown: on })));
      const opacity = slider("Overlay opacity (%)", 10, 100, (value) => this.set({ opacity: value / 100 }));
      opacity.value = 100 * this.state.opacity;
      const field = make("label", "field", "Opacity");
      field.append(opacity);
      const names = this.data.scales.map((s) => s.name);
      const colors = select("Color scale", names, this.state.scale, (i) => this.set({ scale: i }));
      this.legendBox = make("div");
      this.overlay.replaceChildren(shown.box, field, colors.box, this.legendBox);
    }
    this.mapToggle.input.checked = this.state.isMapShown;
    this.legendBox.replaceChildren(legend(scale, this.map.limit));
  }

  showControls() {
    const { state, data } = this;
    this.windows.show(state.window.name);
    this.center.show(state.window.center_hu);
    this.width.show(state.window.width_hu);
    this.fields.show(Object.keys(FIELDS).find((name) => FIELDS[name] === state.field_mm));
    this.tools.show(state.tool);
    this.hint.textContent = HINTS[state.tool];
    this.toRegion.hidden = !data.region;
    this.toPeak.hidden = !this.map;
    this.forget.hidden = !state.distances.length;
    this.outline.box.hidden = !data.region;
    this.crosshair.input.checked = state.isCrosshairShown;
    const canPropose = data.can_mark && state.tool === "Region";
    this.propose.hidden = !canPropose;
    for (const element of [this.diameter.box, this.confirm, this.cancel]) element.hidden = !state.proposed;
    this.trial.hidden = !state.proposed || !data.can_try;
    if (state.proposed) this.diameter.show(state.proposed.diameter_mm);
    this.tools.box.lastChild.hidden = !data.can_mark;
    this.showOverlay();
  }

  set(change) {
    Object.assign(this.state, change);
    this.showControls();
    this.redraw();
  }

  // Switch something that is shown on or off, by its key.
  flip(name) {
    this.set({ [name]: !this.state[name] });
  }

  setWindow(window) {
    this.set({ window });
  }

  setField(field_mm) {
    this.set({ field_mm, center: [...this.state.at] });
  }

  moveTo(axis, index) {
    const at = [...this.state.at];
    at[axis] = clamp(Math.round(index), 0, this.data.scene.shape[axis] - 1);
    this.setPosition(at);
  }

  setPosition(at) {
    this.state.at = insideVolume(at, this.data.scene.shape).map(Math.round);
    // A magnified view follows the crosshair only where it would be lost.
    const isLost = this.views.some((view) => {
      const [x, y] = toPixel(view, this.state.at);
      return x < 0 || y < 0 || x > view.width || y > view.height;
    });
    if (isLost) this.state.center = [...this.state.at];
    this.redraw();
  }

  goTo(mm) {
    this.state.center = this.voxelOf(mm);
    this.setPosition(this.voxelOf(mm));
  }

  goToRegion() {
    if (this.data.region) this.goTo(this.data.region.center_mm);
  }

  proposeAt(voxel, diameter_mm) {
    if (!this.data.can_mark) return;
    const kept = this.state.proposed?.diameter_mm ?? this.data.region?.diameter_mm ?? null;
    const rounded = diameter_mm ? Math.round(diameter_mm * 10) / 10 : kept;
    const center_mm = this.mmOf(insideVolume(voxel, this.data.scene.shape)).map((v) => Math.round(v * 100) / 100);
    this.set({ proposed: { center_mm, diameter_mm: rounded } });
  }

  setDiameter(diameter_mm) {
    this.set({ proposed: { ...this.state.proposed, diameter_mm } });
  }

  confirmRegion() {
    const region = this.state.proposed;
    this.set({ proposed: null, tool: "Crosshair" });
    if (region) this.report("region", region);
  }

  // Several changes within one frame cost one drawing.
  redraw() {
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      if (this.engine && !this.isClosed) this.draw();
    });
  }

  draw() {
    const start = performance.now();
    this.canvases.forEach((canvas, i) => this.drawPlane(canvas, i));
    this.showPlace();
    this.draws += 1;
    this.root.dataset.draws = this.draws;
    this.root.dataset.drawMs = (performance.now() - start).toFixed(1);
  }

  drawPlane(canvas, i) {
    const { state, data } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width || !height) return;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const view = viewOf(PLANES[i], data.scene, state, width, height);
    this.views[i] = view;
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = "#000000";
    pen.fillRect(0, 0, width, height);
    this.drawGray(pen, view, i);
    if (this.map && state.isMapShown) {
      const look = { opacity: state.opacity, scale: data.scales[state.scale] };
      drawMap(pen, view, this.map, state.at, look, this.scratch);
    }
    if (state.isCrosshairShown) drawCrosshair(pen, view, state.at);
    if (data.region && state.isRegionShown) drawRegion(pen, view, data.scene, data.region, state.at, false);
    if (state.proposed) drawRegion(pen, view, data.scene, state.proposed, state.at, true);
    const drawn = this.measuring ? [...state.distances, this.measuring] : state.distances;
    drawDistances(pen, view, data.scene, drawn, state.at);
    drawLetters(pen, view, state.window);
  }

  drawGray(pen, view, i) {
    const picture = this.engine.picture(i, this.state.at, this.state.window);
    const { plane, n } = view;
    const [x, y] = [-view.left * view.sx, -view.top * view.sy];
    pen.imageSmoothingEnabled = true;
    pen.imageSmoothingQuality = view.sx < 1 || view.sy < 1 ? "medium" : "low";
    const target = [x, y, n[plane.across] * view.sx, n[plane.down] * view.sy];
    pen.drawImage(picture.source, picture.x, picture.y, picture.width, picture.height, ...target);
  }

  showPlace() {
    const { at } = this.state;
    const [, ny, nx] = this.data.scene.shape;
    const hu = voxelsOf(this.nifti)[(at[0] * ny + at[1]) * nx + at[2]];
    const [x, y, z] = this.mmOf(at).map((v) => v.toFixed(0));
    this.place.textContent = `${hu} HU at x ${x}, y ${y}, z ${z} mm (LPS)`;
    this.sliders.forEach(({ input, label, n, plane }, i) => {
      input.value = at[plane.fixed] + 1;
      label.textContent = `${at[plane.fixed] + 1} / ${n}`;
      this.canvases[i].setAttribute(
        "aria-label",
        `${plane.name} plane, slice ${at[plane.fixed] + 1} of ${n}. Arrow keys move the crosshair, Page Up and Page Down the slice.`,
      );
    });
  }

  close() {
    this.isClosed = true;
    this.resized.disconnect();
    this.stopListening();
    this.engine?.close();
  }
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".ct-viewer");
  if (root.viewer && root.viewer.data.volume_url !== data.volume_url) {
    root.viewer.close();
    root.viewer = null;
  }
  root.viewer ??= new Viewer(root, data);
  root.viewer.update(data, setTriggerValue);
  return () => {
    root.viewer?.close();
    root.viewer = null;
  };
}
