// Mouse, wheel and keys on one plane.
import { PLANES, distance, toVoxel } from "./geometry.js";

const KEYS = { ArrowLeft: ["across", -1], ArrowRight: ["across", 1], ArrowUp: ["down", -1], ArrowDown: ["down", 1] };
const HU_PER_PX = 4;
const FINE_MM = 2;

export function watchPointer(viewer, canvas, index) {
  const plane = PLANES[index];
  let drag = null;
  let turned = 0;
  const voxelAt = (event) => {
    const box = canvas.getBoundingClientRect();
    return toVoxel(viewer.views[index], [event.clientX - box.left, event.clientY - box.top], viewer.state.at);
  };

  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("pointerdown", (event) => {
    if (!viewer.views[index]) return;
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    const kind = event.button === 2 ? "Window" : event.button === 1 || event.shiftKey ? "Pan" : viewer.state.tool;
    drag = { kind, from: voxelAt(event), x: event.clientX, y: event.clientY, window: viewer.state.window, center: [...viewer.state.center] };
    follow(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag) follow(event);
  });
  canvas.addEventListener("pointerup", () => {
    if (drag?.kind === "Measure" && viewer.measuring) {
      const long = viewer.measuring;
      viewer.measuring = null;
      if (lengthOf(long) > 0.5) viewer.set({ distances: [...viewer.state.distances, long] });
      else viewer.redraw();
    }
    drag = null;
  });

  const lengthOf = (measured) => distance(viewer.mmOf(measured.from), viewer.mmOf(measured.to));

  function follow(event) {
    const voxel = voxelAt(event);
    const actions = {
      Crosshair: () => viewer.setPosition(voxel),
      Measure: () => {
        viewer.measuring = { plane: plane.name, from: drag.from, to: voxel };
        viewer.redraw();
      },
      Region: () => {
        const radius = distance(viewer.mmOf(drag.from), viewer.mmOf(voxel));
        viewer.setPosition(drag.from);
        viewer.proposeAt(drag.from, radius > FINE_MM ? 2 * radius : null);
      },
      Window: () => {
        const { center_hu, width_hu } = drag.window;
        viewer.setWindow({
          name: "Custom",
          center_hu: Math.round(center_hu + HU_PER_PX * (event.clientY - drag.y)),
          width_hu: Math.max(1, Math.round(width_hu + HU_PER_PX * (event.clientX - drag.x))),
        });
      },
      Pan: () => {
        const view = viewer.views[index];
        const center = [...drag.center];
        center[plane.across] -= (event.clientX - drag.x) / view.sx;
        center[plane.down] -= ((plane.upsideDown ? -1 : 1) * (event.clientY - drag.y)) / view.sy;
        viewer.set({ center });
      },
    };
    actions[drag.kind]();
  }

  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      if (event.ctrlKey) {
        const whole = viewer.state.field_mm || viewer.data.scene.largest_mm;
        const field = Math.min(Math.max(whole * Math.exp(event.deltaY / 400), 15), viewer.data.scene.largest_mm);
        viewer.set({ field_mm: field >= viewer.data.scene.largest_mm ? 0 : field });
        return;
      }
      // A wheel gives steps of 100, a touch pad many small ones.
      turned += event.deltaMode === 0 ? event.deltaY / 60 : event.deltaY;
      const steps = Math.trunc(turned);
      turned -= steps;
      if (steps) viewer.moveTo(plane.fixed, viewer.state.at[plane.fixed] - Math.sign(steps));
    },
    { passive: false },
  );

  canvas.addEventListener("keydown", (event) => {
    const { at } = viewer.state;
    if (event.key === "PageUp" || event.key === "PageDown") {
      viewer.moveTo(plane.fixed, at[plane.fixed] + (event.key === "PageUp" ? 1 : -1));
    } else if (event.key in KEYS) {
      const [which, step] = KEYS[event.key];
      const axis = plane[which];
      viewer.moveTo(axis, at[axis] + (which === "down" && plane.upsideDown ? -step : step));
    } else if (event.key.toLowerCase() === "r" && viewer.state.tool === "Region") {
      viewer.proposeAt(at);
    } else if (event.key.toLowerCase() === "g") {
      viewer.goToRegion();
    } else if (event.key.toLowerCase() === "p" && viewer.map) {
      viewer.goTo(viewer.map.peak_mm);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
}
