"""CT viewer: three linked planes with windows, zoom, crosshair, distances, region and the overlay of an attribution.

The voxels go to the browser once, as they are (int16 HU); slices, windows and the overlay are then drawn there, so that
nothing waits for the server. The pictures are made by the browser's processor, or by NiiVue where there is a graphics
card (see `static/niivue_slices.js`); everything laid over them is drawn by `static/overlay.js` in both cases, from one
piece of geometry. What the reader sets up stays in the browser; only a region that was confirmed comes back.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
import streamlit as st
from pydantic import BaseModel, ConfigDict, ValidationError

from clinician_ui import scripts
from clinician_ui.components.scene import COLOR_SCALES, OBLIQUE_DEGREES, Scene
from clinician_ui.delivery import COUNTER, ROUTE, Offer, nifti_offer
from diagnosis.errors import RegionError
from diagnosis.record import RegionOfInterest, VolumeAttribution
from diagnosis.record.volume import RegionSource
from diagnosis.vocabulary import WINDOWS

WINDOW_TITLES = {"lung": "Lung", "soft tissue": "Mediastinum", "bone": "Bone"}
_CSS = Path(__file__).parent.parent / "static" / "viewer.css"
_LOADER = """
export default function (component) {
  const { data, parentElement } = component;
  let leave = null;
  let hasLeft = false;
  import(new URL(data.script_url, document.baseURI)).then((viewer) => {
    if (!hasLeft) leave = viewer.default(component);
  }).catch(() => {
    parentElement.querySelector(".ct-viewer").textContent =
      "The viewer's scripts are not served here. Start the dashboard with: diagnosis ui";
  });
  return () => { hasLeft = true; leave?.(); };
}
"""


class MarkedRegion(BaseModel):
    """A region as the browser sends it; everything from a browser is checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    center_mm: tuple[float, float, float]
    diameter_mm: float | None = None


@final
@dataclass(frozen=True)
class Seat:
    """What the viewer shows, and what it may do.

    Attributes:
        scene: CT, region, attribution.
        key: names the case, so that what was set up for it is remembered; nothing of a patient.
        version: changes whenever the CT does.
        load: gives the scene again when the browser asks for the voxels.
        on_region: told the region that the reader confirmed; None where this reader may not mark one.
        on_trial: told a region that the reader only wants to ask about; None where nothing can be asked.
        look: a region that the viewer goes to, once for each number; a reader who may mark can take it over there.
    """

    scene: Scene
    key: str
    version: str
    load: Callable[[], Scene]
    on_region: Callable[[RegionOfInterest], None] | None = None
    on_trial: Callable[[RegionOfInterest], None] | None = None
    look: tuple[int, RegionOfInterest] | None = None


def render_viewer(seat: Seat) -> None:
    """Draw the viewer."""
    component = st.components.v2.component(
        "ct_viewer",
        html='<div class="ct-viewer" role="region" aria-label="CT"></div>',
        css=_CSS.read_text(encoding="utf-8"),
        js=_LOADER,
    )
    result = component(
        key=f"viewer-{seat.key}",
        data=viewer_data(seat),
        on_region_change=lambda: None,
        on_trial_change=lambda: None,
    )
    if seat.scene.oblique_degrees > OBLIQUE_DEGREES:
        st.caption(
            f"The series lies {seat.scene.oblique_degrees:.0f}° off the body's axes: planes follow the scanner's axes."
        )
    _hand_on(result.region, seat.on_region)
    _hand_on(result.trial, seat.on_trial)


def _hand_on(sent: object, receive: Callable[[RegionOfInterest], None] | None) -> None:
    """What the browser sent, checked, to whom it is meant for."""
    if sent is None or receive is None:
        return
    try:
        region = marked_region(sent)
    except RegionError as error:
        st.error(str(error))
    else:
        receive(region)


def marked_region(sent: object) -> RegionOfInterest:
    """A region from the browser.

    Raises:
        RegionError: it is malformed, or not possible.
    """
    try:
        region = MarkedRegion.model_validate(sent)
    except ValidationError as error:
        msg = "region: the browser sent something that is no region; mark it again"
        raise RegionError(msg) from error
    return RegionOfInterest(region.center_mm, region.diameter_mm, RegionSource.CLICK)


def viewer_data(seat: Seat) -> dict[str, Any]:
    """What the viewer in the browser is told: where the voxels lie, how they stand in the patient, what is on them."""
    scene = seat.scene
    region = scene.region
    return {
        "key": seat.key,
        "script_url": f"{ROUTE}/script/{scripts.version()}/viewer.js",
        "niivue_url": f"../../niivue/{scripts.NIIVUE_SHA256[:12]}.js",
        "volume_url": _address(f"ct {seat.key} {seat.version}", lambda: nifti_offer(_voxels(seat.load))),
        "scene": {
            "shape": list(scene.hu.shape),
            "spacing_mm": list(scene.spacing_mm),
            "largest_mm": max(scene.extent_mm(axis) for axis in range(3)),
            "to_mm": _rows(scene.affine_lps),
            "from_mm": _rows(np.linalg.inv(scene.affine_lps)),
        },
        "region": None if region is None else _place(region),
        "look_at": None if seat.look is None else {"number": seat.look[0], **_place(seat.look[1])},
        "can_mark": seat.on_region is not None,
        "can_try": seat.on_trial is not None,
        "windows": [{"name": WINDOW_TITLES[w.name], "center_hu": w.center_hu, "width_hu": w.width_hu} for w in WINDOWS],
        "scales": [{"name": s.name, "positive": s.positive_rgb, "negative": s.negative_rgb} for s in COLOR_SCALES],
        "map": _map_data(seat, scene.attribution) if scene.attribution is not None else None,
    }


def _place(region: RegionOfInterest) -> dict[str, Any]:
    return {"center_mm": region.center_mm, "diameter_mm": region.diameter_mm}


def _map_data(seat: Seat, attribution: VolumeAttribution) -> dict[str, Any]:
    limit = seat.scene.color_limit
    from_scene = np.linalg.inv(attribution.affine_lps) @ seat.scene.affine_lps
    content = hashlib.blake2b(attribution.values.tobytes(), digest_size=16).hexdigest()
    return {
        "url": _address(f"map {seat.key} {content}", lambda: _map_offer(attribution, limit)),
        "shape": list(attribution.values.shape),
        "limit": limit,
        "from_scene": _rows(from_scene),
        "to_scene": _rows(np.linalg.inv(from_scene)),
        "peak_mm": attribution.peak_mm,
    }


def _map_offer(attribution: VolumeAttribution, limit: float) -> Offer:
    """The map as int8, 127 for the limit of the color scale: finer than the eye tells colors apart."""
    scaled = np.clip(attribution.values * (127.0 / limit if limit > 0 else 0.0), -127, 127)
    data = np.rint(scaled).astype(np.int8).tobytes()
    return Offer(len(data), lambda: iter((data,)))


def _voxels(load: Callable[[], Scene]) -> Callable[[], tuple[Any, Any]]:
    def voxels() -> tuple[Any, Any]:
        scene = load()
        return scene.hu, scene.affine_lps

    return voxels


def _address(name: str, make: Callable[[], Offer]) -> str:
    """The address under which this session gets something, the same for each redraw of the page."""
    addresses: dict[str, str] = st.session_state.setdefault("_offers", {})
    token = addresses.get(name)
    if token is None or not COUNTER.renew(token):
        token = addresses[name] = COUNTER.offer(make())
    return f"{ROUTE}/offer/{token}"


def _rows(matrix: npt.NDArray[np.floating[Any]]) -> list[float]:
    """(4,4) as 16 numbers, row by row."""
    return [float(v) for v in matrix.ravel()]
