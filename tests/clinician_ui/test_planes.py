"""Pictures are anatomically right whatever the order of storage, true to scale, and carry the map where it belongs."""

import io
from dataclasses import replace

import numpy as np
import pytest
from dashboard_records import make_map, make_volume
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from clinician_ui.components.planes import AXIAL, CORONAL, PLANE_KINDS, SAGITTAL, Look, draw_plane, make_scene
from diagnosis.record import RegionOfInterest, Volume

PLAIN = Look(center_hu=-200, width_hu=800, has_crosshair=False, has_region=False)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def stored_otherwise(volume: Volume, order, flips) -> Volume:
    """The same patient, stored with other axes in other directions."""
    affine = volume.affine_lps.copy()
    affine[:3, :3] = volume.affine_lps[:3, list(order)]
    hu = volume.hu.transpose(order)
    for axis, is_flipped in enumerate(flips):
        if is_flipped:
            affine[:3, 3] += affine[:3, axis] * (hu.shape[axis] - 1)
            affine[:3, axis] *= -1
            hu = np.flip(hu, axis)
    return Volume(np.ascontiguousarray(hu), affine)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(3)), st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_the_order_of_storage_changes_no_picture(order, flips):
    volume = make_volume(shape=(6, 8, 10))
    usual, other = make_scene(volume), make_scene(stored_otherwise(volume, order, flips))
    assert np.array_equal(usual.hu, other.hu)
    assert np.allclose(usual.affine_lps, other.affine_lps)


def test_a_scene_is_a_view_and_knows_its_places():
    volume = make_volume()
    scene = make_scene(volume)
    assert np.shares_memory(scene.hu, volume.hu)
    assert scene.spacing_mm == pytest.approx((2.5, 0.8, 0.8))
    assert scene.oblique_degrees == pytest.approx(0.0, abs=1e-3)
    assert scene.index_of(scene.position_of((3, 7, 11))) == (3, 7, 11)
    assert scene.index_of((1e6, 1e6, -1e6)) == (0, 39, 49)


def test_an_oblique_series_says_so():
    volume = make_volume()
    angle = np.radians(20)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    assert make_scene(Volume(volume.hu, turn @ volume.affine_lps)).oblique_degrees == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("kind", "bright"),
    [
        (AXIAL, ("left", "back")),
        (CORONAL, ("left", "head")),
        (SAGITTAL, ("back", "head")),
    ],
)
def test_left_is_right_of_the_picture_back_is_down_and_head_is_up(kind, bright):
    """A volume that grows brighter toward left, back and head shows where each of them is drawn."""
    grid = np.indices((20, 20, 20))
    for axis, name in enumerate(("head", "back", "left")):
        if axis == kind.fixed:
            continue
        hu = np.where(grid[axis] >= 10, 100.0, -900.0).astype(np.float32)
        affine = np.array([[0, 0, 1.0, 0], [0, 1.0, 0, 0], [1.0, 0, 0, 0], [0, 0, 0, 1]])
        picture = pixels(draw_plane(make_scene(Volume(hu, affine)), kind, (10, 10, 10), PLAIN, (200, 200)))[..., 2]
        inner = picture[40:160, 40:160]
        means = {"left": inner[:, 60:].mean() - inner[:, :60].mean(), "down": inner[60:].mean() - inner[:60].mean()}
        assert name in bright
        expected = {"left": "left", "back": "down" if kind is AXIAL else "left", "head": "down"}[name]
        sign = -1 if name == "head" else 1
        assert sign * means[expected] > 100


def test_a_millimeter_is_equally_long_in_both_directions():
    """A cube of 20 mm in voxels of 2.5 x 0.8 x 0.8 mm is drawn as a square."""
    volume = make_volume(shape=(40, 100, 100))
    position = volume.position_of([20, 50, 50])
    index = np.moveaxis(np.indices(volume.hu.shape), 0, -1)
    inside = (np.abs(volume.position_of(index) - position) <= 10).all(axis=-1)
    scene = make_scene(Volume(np.where(inside, 100, -900).astype(np.float32), volume.affine_lps))
    for kind in PLANE_KINDS:
        bright = pixels(draw_plane(scene, kind, (20, 50, 50), PLAIN, (400, 400)))[40:360, 40:360, 2] > 128
        height, width = bright.any(axis=1).sum(), bright.any(axis=0).sum()
        assert height == pytest.approx(width, rel=0.16)


@pytest.mark.parametrize("kind", PLANE_KINDS)
@pytest.mark.parametrize("field_mm", [0.0, 20.0])
def test_the_map_is_brightest_at_its_own_place(kind, field_mm):
    volume = make_volume()
    peak = (4.0, 2.0, 5.0)
    scene = make_scene(volume, None, make_map(volume, peak))
    at = scene.index_of(peak)
    look = replace(PLAIN, field_mm=field_mm)
    without = pixels(draw_plane(scene, kind, at, look, (300, 300)))
    laid = pixels(draw_plane(scene, kind, at, replace(look, opacity=0.9), (300, 300)))
    warmth = (laid - without)[..., 0] - (laid - without)[..., 2]
    row, column = np.unravel_index(warmth.argmax(), warmth.shape)
    marked = make_scene(volume, RegionOfInterest(peak, None))
    cross = pixels(draw_plane(marked, kind, at, replace(look, has_region=True), (300, 300)))
    rows, columns = np.nonzero((cross - without)[..., 1] - (cross - without)[..., 0] > 30)
    assert row == pytest.approx(rows.mean(), abs=12)
    assert column == pytest.approx(columns.mean(), abs=12)


def test_zero_opacity_and_far_slices_leave_the_picture_alone():
    volume = make_volume()
    scene = make_scene(volume, None, make_map(volume, (4.0, 2.0, 5.0)))
    plain = make_scene(volume)
    near = scene.index_of((4.0, 2.0, 5.0))
    assert draw_plane(scene, AXIAL, near, PLAIN, (200, 200)) == draw_plane(plain, AXIAL, near, PLAIN, (200, 200))
    shown, far = replace(PLAIN, opacity=1.0), (0, near[1], near[2])
    assert draw_plane(scene, AXIAL, far, shown, (200, 200)) == draw_plane(plain, AXIAL, far, shown, (200, 200))


def test_one_sided_color_scale_hides_what_speaks_against():
    volume = make_volume()
    attribution = make_map(volume, (4.0, 2.0, 5.0))
    negative = replace(attribution, values=-np.abs(attribution.values))
    at = make_scene(volume).index_of((4.0, 2.0, 5.0))
    scene = make_scene(volume, None, negative)
    one_sided = replace(PLAIN, opacity=1.0, color_scale=2)
    assert draw_plane(scene, AXIAL, at, one_sided, (200, 200)) == draw_plane(scene, AXIAL, at, PLAIN, (200, 200))


def test_the_region_is_drawn_only_where_it_is():
    volume = make_volume()
    scene = make_scene(volume, RegionOfInterest((4.0, 2.0, 5.0), 8.0))
    z, y, x = scene.index_of((4.0, 2.0, 5.0))
    look = replace(PLAIN, has_region=True)
    assert draw_plane(scene, AXIAL, (z, y, x), look, (200, 200)) != draw_plane(
        scene, AXIAL, (z, y, x), PLAIN, (200, 200)
    )
    assert draw_plane(scene, AXIAL, (0, y, x), look, (200, 200)) == draw_plane(
        scene, AXIAL, (0, y, x), PLAIN, (200, 200)
    )


def test_a_full_size_slice_is_drawn_quickly():
    """Processor time of three planes of a 512 x 512 CT with overlay, well below a tenth of a second each."""
    import time

    hu = np.random.default_rng(0).normal(-300, 200, (60, 512, 512)).astype(np.float32)
    affine = np.array([[0, 0, 0.7, -180], [0, 0.7, 0, -180], [1.0, 0, 0, -30], [0, 0, 0, 1]])
    volume = Volume(hu, affine)
    scene = make_scene(volume, RegionOfInterest((4.0, 2.0, 5.0), 8.0), make_map(volume, (4.0, 2.0, 5.0)))
    at = scene.index_of((4.0, 2.0, 5.0))
    look = Look(-600, 1500, opacity=0.6)
    for kind in PLANE_KINDS:
        seconds = []
        for _ in range(5):
            start = time.process_time()
            draw_plane(scene, kind, at, look, (600, 520))
            seconds.append(time.process_time() - start)
        assert min(seconds) < 0.1
