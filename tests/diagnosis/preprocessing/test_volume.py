import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.errors import RegionError
from diagnosis.preprocessing.volume import FieldOfView, prepare_region, restore_to_volume
from diagnosis.record import RegionOfInterest, Volume, VolumeAttribution

VIEW = FieldOfView((3, 16, 16), (1.25, 0.7, 0.7), (-1000.0, 1000.0))


def linear_volume(spacing=(2.0, 0.8, 0.8), rotation=None, shape=(40, 64, 64)) -> Volume:
    """HU equals x + 2y + 3z mm, so that any right linear resampling can be checked by hand."""
    axes = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], dtype=float) if rotation is None else rotation
    affine = np.eye(4)
    affine[:3, :3] = axes * np.array(spacing)
    affine[:3, 3] = -(affine[:3, :3] @ (np.array(shape) - 1) / 2)
    points = np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    return Volume((points @ [1.0, 2.0, 3.0]).astype(np.float32), affine)


def expected(view: FieldOfView, center) -> np.ndarray:
    affine = view.affine_at(center)
    points = np.moveaxis(np.indices(view.shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    return points @ [1.0, 2.0, 3.0]


@given(
    center=st.tuples(*[st.floats(-6, 6)] * 3),
    flips=st.tuples(*[st.sampled_from([1.0, -1.0])] * 3),
    angle=st.floats(-0.5, 0.5),
)
@settings(max_examples=30, deadline=None)
def test_the_grid_is_the_patient_s_whatever_the_scanner_s(center, flips, angle):
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    axes = turn @ np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], dtype=float) * np.array(flips)
    prepared = prepare_region(linear_volume(rotation=axes), RegionOfInterest(center), VIEW)
    hu = prepared.values * 2000 - 1000
    np.testing.assert_allclose(hu, expected(VIEW, center), atol=0.05)
    assert prepared.inside == 1.0


def test_in_plane_spacings_are_not_swapped():
    volume = linear_volume(spacing=(2.0, 1.2, 0.8))
    prepared = prepare_region(volume, RegionOfInterest((0.0, 0.0, 0.0)), VIEW)
    np.testing.assert_allclose(prepared.values * 2000 - 1000, expected(VIEW, (0, 0, 0)), atol=0.05)


def test_beyond_the_scan_the_border_is_repeated_and_counted():
    volume = linear_volume(shape=(4, 64, 64))
    center = volume.position_of([3, 32, 32])
    prepared = prepare_region(
        volume, RegionOfInterest(tuple(center)), FieldOfView((9, 16, 16), (2, 0.8, 0.8), (-1e3, 1e3))
    )
    assert prepared.inside < 0.7
    np.testing.assert_allclose(prepared.values[-1], prepared.values[-2], atol=1e-6)


def test_a_region_outside_the_scan_is_refused_with_the_scan_s_extent():
    with pytest.raises(RegionError, match="outside the CT, which spans x -25 to 25"):
        prepare_region(linear_volume(), RegionOfInterest((500.0, 0.0, 0.0)), VIEW)


def test_coordinates_of_another_convention_are_recognized():
    volume = Volume(
        np.zeros((4, 40, 40), np.float32), np.diag([1.0, 1, 1, 1]) + np.outer([30.0, 50, 0, 0], [0, 0, 0, 1])
    )
    inside = tuple(map(float, volume.position_of([2, 20, 20])))
    RegionOfInterest(inside).require_inside(volume)
    with pytest.raises(RegionError, match=r"\(LPS\); with x and y of the other sign it lies inside"):
        RegionOfInterest((-inside[0], -inside[1], inside[2])).require_inside(volume)
    with pytest.raises(RegionError, match="check the coordinates"):
        RegionOfInterest((inside[0], inside[1], 900.0)).require_inside(volume)


def test_an_attribution_returns_to_where_it_came_from():
    volume = linear_volume()
    center = (3.2, -4.0, 5.0)
    values = np.zeros(VIEW.shape, np.float32)
    values[1, 8, 8] = 1.0
    attribution = VolumeAttribution(values, VIEW.affine_at(center), "test", "none")
    restored = restore_to_volume(attribution, volume)
    assert restored.shape == volume.hu.shape
    peak = volume.position_of(np.unravel_index(restored.argmax(), restored.shape))
    assert np.abs(peak - np.array(attribution.peak_mm)).max() <= max(volume.spacing_mm)


def test_a_thin_map_between_two_thick_slices_is_seen_in_both():
    ct = np.diag([1.0, 1.0, 5.0, 1.0])[:, [2, 1, 0, 3]]
    volume = Volume(np.full((6, 20, 20), -800, dtype=np.float32), ct)
    affine = np.diag([1.0, 1.0, 1.25, 1.0])[:, [2, 1, 0, 3]]
    # Three slices around z = 12.5, in the middle between the slices at 10 and 15.
    affine[:3, 3] = (5, 5, 11.25)
    attribution = VolumeAttribution(np.ones((3, 8, 8), dtype=np.float32), affine, "method", "air")
    restored = restore_to_volume(attribution, volume)
    assert [bool(plane.any()) for plane in restored] == [False, False, True, True, False, False]
    assert restored[2, 8, 8] == pytest.approx(restored[3, 8, 8])
    assert 0.2 <= restored[2, 8, 8] <= 0.5
