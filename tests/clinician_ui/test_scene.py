"""A CT is turned to the patient's axes whatever the order of storage, without being copied."""

import numpy as np
import pytest
from dashboard_records import make_map, make_volume
from hypothesis import given, settings
from hypothesis import strategies as st

from clinician_ui.components.scene import make_scene
from diagnosis.record import Volume


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


def test_the_color_scale_ends_where_all_but_a_few_voxels_lie():
    volume = make_volume()
    attribution = make_map(volume, (4.0, 2.0, 5.0))
    strong = np.abs(attribution.values[attribution.values != 0])
    assert make_scene(volume, None, attribution).color_limit == pytest.approx(np.percentile(strong, 99.5))
    assert make_scene(volume).color_limit == 0.0
