"""The viewer's side of the server: what the browser is told, what it may fetch, and what it may send back."""

import nibabel
import numpy as np
import pytest
from dashboard_records import html_of, make_map, make_volume, run
from starlette.testclient import TestClient

from clinician_ui import scripts
from clinician_ui.components.scene import make_scene
from clinician_ui.components.viewer import marked_region
from clinician_ui.delivery import COUNTER, LIFETIME_S, Counter, Offer, nifti_offer
from clinician_ui.server import give_niivue, give_offer, give_script
from diagnosis.errors import MissingDependencyError, RegionError
from diagnosis.record import RegionOfInterest, Volume
from diagnosis.record.volume import RegionSource

REGION = RegionOfInterest((4.0, 2.0, 5.0), 8.0)


@pytest.fixture(scope="module")
def client():
    from starlette.applications import Starlette
    from starlette.routing import Route

    routes = [
        Route("/dx/script/{version}/{name}", give_script),
        Route("/dx/niivue/{version}.js", give_niivue),
        Route("/dx/offer/{token}", give_offer),
    ]
    return TestClient(Starlette(routes=routes))


def page(volume, region, attribution):
    from clinician_ui.components.scene import make_scene
    from clinician_ui.components.viewer import Seat, render_viewer, viewer_data

    scene = make_scene(volume, region, attribution)
    seat = Seat(scene, "case", "1", lambda: scene)
    render_viewer(seat)
    # What a second drawing of the page would say: the same addresses.
    import streamlit as st

    st.session_state["told"] = [viewer_data(seat), viewer_data(seat)]


def told(volume, region=None, attribution=None):
    app = run(page, volume=volume, region=region, attribution=attribution)
    assert not app.exception
    first, second = app.session_state["told"]
    assert first == second
    return first


def test_the_browser_gets_the_voxels_and_where_they_lie(client, tmp_path):
    volume = make_volume()
    data = told(volume, REGION)
    answer = client.get(f"/{data['volume_url']}")
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["content-length"]) == len(answer.content)
    path = tmp_path / "ct.nii"
    path.write_bytes(answer.content)
    image = nibabel.load(path)
    scene = make_scene(volume)
    assert np.array_equal(np.asarray(image.dataobj), np.rint(scene.hu).transpose(2, 1, 0))
    # The same voxel lies at the same place of the patient: nibabel says RAS, the scene LPS.
    x, y, z = scene.position_of((3, 7, 11))
    assert np.allclose(image.affine @ [11, 7, 3, 1], [-x, -y, z, 1], atol=1e-4)
    assert data["scene"]["shape"] == list(scene.hu.shape)
    assert np.allclose(np.reshape(data["scene"]["to_mm"], (4, 4)) @ [3, 7, 11, 1], [x, y, z, 1])
    assert data["region"] == {"center_mm": REGION.center_mm, "diameter_mm": 8.0}
    assert not data["can_mark"]
    assert data["look_at"] is None


def test_extreme_values_are_cut_not_wrapped():
    volume = Volume(np.array([[[-40000 + 7300, 40000.4]]], dtype=np.float32), np.eye(4)[[2, 1, 0, 3]])
    offer = nifti_offer(lambda: (volume.hu, volume.affine_lps))
    content = b"".join(offer.chunks())
    assert len(content) == offer.size
    assert np.frombuffer(content[352:], "<i2").tolist() == [-32700, 32767]


def test_the_map_comes_with_its_own_place(client):
    volume = make_volume()
    attribution = make_map(volume, (4.0, 2.0, 5.0))
    data = told(volume, REGION, attribution)["map"]
    values = np.frombuffer(client.get(f"/{data['url']}").content, np.int8).reshape(data["shape"])
    peak = np.unravel_index(np.abs(attribution.values).argmax(), attribution.values.shape)
    assert abs(int(values[peak])) == 127
    scaled = attribution.values[attribution.values != 0] / data["limit"] * 127
    assert np.abs(np.clip(scaled, -127, 127) - values[attribution.values != 0]).max() <= 0.51
    in_scene = np.reshape(data["to_scene"], (4, 4)) @ [*peak, 1]
    expected = attribution.affine_lps @ [*peak, 1]
    assert np.allclose(make_scene(volume).position_of(tuple(in_scene[:3])), expected[:3], atol=1e-6)


def test_an_address_is_found_until_it_expires_or_gives_way():
    now = [0.0]
    counter = Counter(most=2, clock=lambda: now[0])
    offer = Offer(1, lambda: iter((b"a",)))
    first = counter.offer(offer)
    assert counter.find(first) is offer
    now[0] = LIFETIME_S - 1
    assert counter.renew(first)
    now[0] = 2 * LIFETIME_S - 2
    assert counter.find(first) is offer
    now[0] = 2 * LIFETIME_S
    assert counter.find(first) is None
    assert not counter.renew(first)
    second, third, fourth = (counter.offer(offer) for _ in range(3))
    assert counter.find(second) is None
    assert counter.find(third) is counter.find(fourth) is offer


def test_what_was_not_laid_out_is_not_found(client):
    assert client.get("/dx/offer/0123").status_code == 404
    assert client.get("/dx/script/1/../server.py").status_code == 404
    assert client.get("/dx/script/1/server.py").status_code == 404
    assert COUNTER.find("") is None


def test_scripts_are_served_and_niivue_is_a_module(client):
    answer = client.get(f"/dx/script/{scripts.version()}/viewer.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    niivue = client.get("/dx/niivue/1.js").text
    assert niivue.rstrip().endswith("export{pv as Niivue};")
    assert 'getElementById("root")' not in niivue[-2000:]


def test_another_niivue_is_refused(monkeypatch, client):
    monkeypatch.setattr(scripts, "NIIVUE_SHA256", "0" * 64)
    scripts.niivue_script.cache_clear()
    with pytest.raises(MissingDependencyError, match=r"not the one of niivue-streamlit 0\.3\.0; install that version"):
        scripts.niivue_script()
    assert client.get("/dx/niivue/1.js").status_code == 503
    monkeypatch.setattr(scripts, "NIIVUE_PACKAGE", "no_such_package")
    with pytest.raises(MissingDependencyError, match=r"niivue-streamlit==0\.3\.0"):
        scripts.niivue_script()


def test_a_region_from_the_browser_is_checked():
    assert marked_region({"center_mm": [1, 2.5, -3], "diameter_mm": None}) == RegionOfInterest(
        (1.0, 2.5, -3.0), None, RegionSource.CLICK
    )
    for sent in (None, {"center_mm": [1, 2]}, {"center_mm": [1, 2, "x"]}, {"center_mm": [1, 2, 3], "note": "x"}):
        with pytest.raises(RegionError, match="no region; mark it again"):
            marked_region(sent)
    with pytest.raises(RegionError, match=r"give 0\.5 to 300 mm"):
        marked_region({"center_mm": [1, 2, 3], "diameter_mm": 0.1})
    with pytest.raises(RegionError, match="not three finite"):
        marked_region({"center_mm": [1, 2, float("nan")]})


def test_an_oblique_series_is_named_on_the_page():
    volume = make_volume()
    angle = np.radians(20)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    app = run(page, volume=Volume(volume.hu, turn @ volume.affine_lps), region=None, attribution=None)
    assert "20° off the body's axes" in app.caption[0].value
    assert "dx-" not in html_of(app)
