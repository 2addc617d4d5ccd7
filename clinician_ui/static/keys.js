// Keys of the viewer that work wherever the reader is on the page, but not while they type.
const TYPED_IN = new Set(["TEXTAREA", "SELECT"]);
const NOT_TYPED = new Set(["checkbox", "range", "radio", "button"]);

function isTyping(element) {
  if (!element) return false;
  if (element.tagName === "INPUT") return !NOT_TYPED.has(element.type);
  return TYPED_IN.has(element.tagName) || element.isContentEditable;
}

function actionOf(viewer, key) {
  const window = viewer.data.windows[Number(key) - 1];
  if (window) return () => viewer.setWindow({ ...window });
  return {
    o: viewer.map && (() => viewer.flip("isMapShown")),
    x: () => viewer.flip("isCrosshairShown"),
    g: viewer.data.region && (() => viewer.goToRegion()),
    p: viewer.map && (() => viewer.goTo(viewer.map.peak_mm)),
  }[key];
}

// Gives the function that ends the listening.
export function listenToKeys(viewer) {
  const onKey = (event) => {
    const isOurs = !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!isOurs || isTyping(event.composedPath()[0]) || document.querySelector("[role=dialog]")) return;
    const action = actionOf(viewer, event.key.toLowerCase());
    if (!action) return;
    action();
    event.preventDefault();
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}
