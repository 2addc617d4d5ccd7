"""CT viewer: three linked planes with windows, zoom, crosshair, region and the overlay of an attribution.

Keyboard: Tab reaches every control, arrow keys move a slider by one slice.
"""

from typing import final

import streamlit as st

from clinician_ui.components.planes import (
    AXIAL,
    COLOR_SCALES,
    CORONAL,
    OBLIQUE_DEGREES,
    PLANE_KINDS,
    SAGITTAL,
    Index,
    Look,
    Mm,
    PlaneKind,
    Scene,
    draw_plane,
)
from diagnosis.vocabulary import WINDOWS

CUSTOM = "custom"
OPACITY_PERCENT = 65
FIELDS_MM = {"Whole scan": 0.0, "120 mm": 120.0, "60 mm": 60.0}
LARGE_PX = (600, 520)
SMALL_PX = (480, 296)
_SCALE_NAMES = [scale.name for scale in COLOR_SCALES]
MOST_PICTURES = 300
"""Kept for each session; a picture takes about 100 kB."""


@st.cache_data(max_entries=MOST_PICTURES, show_spinner=False, scope="session")
def _picture(
    _scene: Scene,
    scene_key: str,  # noqa: ARG001 - names the scene for the cache
    plane: str,
    at: Index,
    look: tuple[float | int | bool, ...],
    size_px: tuple[int, int],
) -> bytes:
    kind = next(k for k in PLANE_KINDS if k.name == plane)
    center, width, field, opacity, scale, crosshair, region = look
    drawn = Look(center, width, field, opacity, int(scale), bool(crosshair), bool(region))
    return draw_plane(_scene, kind, at, drawn, size_px)


@final
class _Keys:
    """Names of the viewer's controls in the session, for one case."""

    def __init__(self, key: str) -> None:
        self.window = f"window-{key}"
        self.level = f"level-{key}"
        self.width = f"width-{key}"
        self.field = f"field-{key}"
        self.crosshair = f"crosshair-{key}"
        self.region = f"region-{key}"
        self.overlay = f"overlay-{key}"
        self.opacity = f"opacity-{key}"
        self.colors = f"colors-{key}"
        self._key = key

    def slice_of(self, kind: PlaneKind) -> str:
        return f"slice-{kind.name.lower()}-{self._key}"


@st.fragment
def render_viewer(scene: Scene, key: str, scene_key: str) -> None:
    """Draw the viewer; a change redraws it alone.

    Args:
        scene: CT, region, attribution.
        key: names the case, so that its slices are remembered.
        scene_key: changes whenever the scene does.
    """
    keys = _Keys(key)
    _start_at_region(scene, keys)
    look = _render_look(scene, keys)
    large, small = st.columns([1.62, 1], gap="small")
    with large:
        _render_plane(scene, scene_key, AXIAL, keys, look)
    with small:
        _render_plane(scene, scene_key, CORONAL, keys, look)
        _render_plane(scene, scene_key, SAGITTAL, keys, look)
    _render_place(scene, keys)
    _render_overlay_controls(scene, keys)


def _start_at_region(scene: Scene, keys: _Keys) -> None:
    """On first sight the planes pass through the region, or the middle of the scan."""
    if keys.slice_of(AXIAL) in st.session_state:
        return
    z, y, x = (n // 2 for n in scene.hu.shape)
    at = scene.index_of(scene.region.center_mm) if scene.region is not None else (z, y, x)
    _go_to_index(keys, at)


def _go_to_index(keys: _Keys, at: Index) -> None:
    for kind in PLANE_KINDS:
        st.session_state[keys.slice_of(kind)] = at[kind.fixed] + 1


def _go_to(scene: Scene, keys: _Keys, point_mm: Mm) -> None:
    _go_to_index(keys, scene.index_of(point_mm))


def _position(keys: _Keys) -> Index:
    z, y, x = (int(st.session_state[keys.slice_of(kind)]) - 1 for kind in PLANE_KINDS)
    return z, y, x


def _render_look(scene: Scene, keys: _Keys) -> Look:
    """Controls above the pictures."""
    first, second = st.columns([1.2, 1], gap="small", vertical_alignment="bottom")
    names = [window.name for window in WINDOWS]
    with first:
        chosen = st.segmented_control(
            "Window",
            [*names, CUSTOM],
            default=names[0],
            format_func=str.capitalize,
            key=keys.window,
            required=True,
        )
    with second:
        field = st.segmented_control(
            "Field of view", list(FIELDS_MM), default="Whole scan", key=keys.field, required=True
        )
    center, width = _window(chosen or names[0], keys)
    # Controls below the pictures were drawn in the last run: their state is known, the pictures keep their place.
    remembered = st.session_state.get
    is_shown = scene.attribution is not None and remembered(keys.overlay, True)
    return Look(
        center_hu=center,
        width_hu=width,
        field_mm=FIELDS_MM[field or "Whole scan"],
        opacity=remembered(keys.opacity, OPACITY_PERCENT) / 100 if is_shown else 0.0,
        color_scale=_SCALE_NAMES.index(remembered(keys.colors, _SCALE_NAMES[0])),
        has_crosshair=bool(remembered(keys.crosshair, True)),
        has_region=bool(remembered(keys.region, True)),
    )


def _window(chosen: str, keys: _Keys) -> tuple[float, float]:
    if chosen != CUSTOM:
        window = next(w for w in WINDOWS if w.name == chosen)
        return window.center_hu, window.width_hu
    left, right = st.columns(2)
    center = left.slider("Window center (HU)", -1000, 1000, -200, 10, key=keys.level)
    width = right.slider("Window width (HU)", 50, 3000, 1200, 50, key=keys.width)
    return float(center), float(width)


def _render_overlay_controls(scene: Scene, keys: _Keys) -> None:
    """Opacity, color scale and legend, as far as there is something to lay over."""
    if scene.attribution is None:
        return
    shown, opacity, colors = st.columns([0.9, 1, 1], vertical_alignment="center")
    is_shown = shown.toggle("Explanation overlay", value=True, key=keys.overlay)
    opacity.slider("Overlay opacity (%)", 10, 100, OPACITY_PERCENT, 5, key=keys.opacity, disabled=not is_shown)
    name = colors.selectbox("Color scale", _SCALE_NAMES, key=keys.colors, disabled=not is_shown)
    if is_shown:
        st.html(_legend(scene.color_limit, _SCALE_NAMES.index(name)))


def _legend(limit: float, scale_index: int) -> str:
    scale = COLOR_SCALES[scale_index]
    positive = f"rgb{scale.positive_rgb}"
    if scale.negative_rgb is None:
        ramp, low = f"linear-gradient(90deg, transparent, {positive})", "0"
    else:
        ramp, low = f"linear-gradient(90deg, rgb{scale.negative_rgb}, transparent, {positive})", f"−{limit:.2g}"
    against = "" if scale.negative_rgb is None else "<span>speaks against</span>"
    return (
        f'<div class="dx-legend">{against}<span>{low}</span><i style="background:{ramp}"></i>'
        f"<span>+{limit:.2g} logits a voxel</span><span>speaks for</span></div>"
    )


def _render_plane(scene: Scene, scene_key: str, kind: PlaneKind, keys: _Keys, look: Look) -> None:
    n = scene.hu.shape[kind.fixed]
    at = _position(keys)
    size = LARGE_PX if kind is AXIAL else SMALL_PX
    shown = (
        look.center_hu,
        look.width_hu,
        look.field_mm,
        look.opacity,
        look.color_scale,
        look.has_crosshair,
        look.has_region,
    )
    number = at[kind.fixed] + 1
    st.image(
        _picture(scene, scene_key, kind.name, at, shown, size),
        width="stretch",
        alt=f"{kind.name} plane of the CT, slice {number} of {n}",
    )
    if n > 1:
        st.slider(f"{kind.name} slice, {n} in all", 1, n, key=keys.slice_of(kind))


def _render_place(scene: Scene, keys: _Keys) -> None:
    """What lies under the crosshair, and shortcuts to what matters."""
    at = _position(keys)
    x, y, z = scene.position_of(at)
    place, region, peak, crosshair, outline = st.columns([1.7, 1.1, 1.05, 0.9, 0.8], vertical_alignment="center")
    hu = float(scene.hu[at])
    place.html(
        f'<div class="dx-quiet">At the crosshair <b>{hu:.0f} HU</b><br>x {x:.0f}, y {y:.0f}, z {z:.0f} mm (LPS)</div>'
    )
    if scene.region is not None:
        region.button("Go to region", on_click=_go_to, args=(scene, keys, scene.region.center_mm), shortcut="G")
    if scene.attribution is not None:
        peak.button("Go to peak", on_click=_go_to, args=(scene, keys, scene.attribution.peak_mm), shortcut="P")
    crosshair.toggle("Crosshair", value=True, key=keys.crosshair)
    if scene.region is not None:
        outline.toggle("Region", value=True, key=keys.region)
    if scene.oblique_degrees > OBLIQUE_DEGREES:
        st.caption(
            f"The series lies {scene.oblique_degrees:.0f}° off the body's axes: planes follow the scanner's axes."
        )
