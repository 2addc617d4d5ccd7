"""Properties of the geometry gate on bare positions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.ingest.geometry_gate import Stack, check_orientation, distance_tolerance_mm, judge_stack
from diagnosis.vocabulary import GeometryCode as Code

angles = st.floats(-180, 180)
spacings = st.floats(0.3, 10)


def rotation(degrees: tuple[float, float, float]) -> np.ndarray:
    a, b, c = np.radians(degrees)
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(c), -np.sin(c)], [0, np.sin(c), np.cos(c)]])
    return about_z @ about_y @ about_x


def judge(turned: np.ndarray, heights: np.ndarray, tilt_degrees: float = 0.0) -> Stack:
    orientation = np.concatenate([turned[:, 0], turned[:, 1]])
    sideways = np.outer(heights, turned[:, 1]) * np.tan(np.radians(tilt_degrees))
    return judge_stack(np.outer(heights, turned[:, 2]) + sideways + [5, -7, 11], orientation, (0.7, 0.9))


@given(degrees=st.tuples(angles, angles, angles), spacing=spacings, count=st.integers(3, 60), seed=st.integers(0, 9))
def test_any_orientation_and_any_order_is_regular_and_in_place(
    degrees: tuple[float, float, float], spacing: float, count: int, seed: int
) -> None:
    heights = np.random.default_rng(seed).permutation(count) * spacing
    turned = rotation(degrees)
    stack = judge(turned, heights)
    assert stack.reasons == ()
    assert stack.affine_lps is not None
    assert np.array_equal(heights[list(stack.order)], np.arange(count) * spacing)
    for place, index in enumerate(stack.order):
        expected = heights[index] * turned[:, 2] + [5, -7, 11]
        assert stack.affine_lps @ [place, 0, 0, 1] == pytest.approx([*expected, 1], abs=1e-6)
    assert np.linalg.det(stack.affine_lps[:3, :3]) < 0  # (slice,row,column) is (z,y,x)


@given(spacing=spacings, count=st.integers(5, 60), data=st.data())
def test_a_missing_slice_is_a_gap_named_by_its_neighbors(spacing: float, count: int, data: st.DataObject) -> None:
    missing = data.draw(st.integers(1, count - 2))
    stack = judge(np.eye(3), np.delete(np.arange(count), missing) * spacing)
    (reason,) = stack.reasons
    assert reason.code is Code.GAP
    assert reason.message.startswith(f"slices {missing} and {missing + 1} are {2 * spacing:.2f} mm apart")


@given(spacing=spacings, count=st.integers(4, 60), data=st.data())
def test_a_displaced_slice_is_never_accepted(spacing: float, count: int, data: st.DataObject) -> None:
    heights = np.arange(count) * spacing
    shift = data.draw(st.floats(1.3, 4)) * distance_tolerance_mm(spacing)
    heights[data.draw(st.integers(0, count - 1))] += shift
    assert judge(np.eye(3), heights).reasons != ()


@given(tilt=st.floats(0.6, 40), sign=st.sampled_from([-1, 1]), spacing=spacings)
def test_tilt_is_measured_from_positions(tilt: float, sign: int, spacing: float) -> None:
    stack = judge(rotation((10, 20, 30)), np.arange(9) * spacing, sign * tilt)
    assert [reason.code for reason in stack.reasons] == [Code.GANTRY_TILT]
    assert stack.tilt_degrees == pytest.approx(tilt)
    assert stack.is_repairable


def test_a_jump_sideways_is_a_mixed_series() -> None:
    positions = np.array([[0.0, 0.0, k] for k in range(8)])
    positions[4:, 0] += 3.0
    codes = {reason.code for reason in judge_stack(positions, np.array([1.0, 0, 0, 0, 1, 0]), (1, 1)).reasons}
    assert Code.MIXED_SERIES in codes


def test_many_distances_of_double_length_are_no_gaps_but_varying_spacing() -> None:
    stack = judge(np.eye(3), np.array([0, 1, 2, 3, 4, 5, 7, 9, 11, 13.0]))
    assert [reason.code for reason in stack.reasons] == [Code.VARIABLE_SPACING]


@pytest.mark.parametrize(
    ("orientation", "is_good"),
    [
        ([1, 0, 0, 0, 1, 0], True),
        ([0.9999, 0.001, 0, -0.001, 1.0001, 0], True),
        ([0, 0, 0, 0, 0, 0], False),
        ([1, 0, 0, 1, 0, 0], False),
        ([2, 0, 0, 0, 1, 0], False),
    ],
)
def test_orientation_has_to_be_two_perpendicular_unit_vectors(orientation: list[float], is_good: bool) -> None:
    assert check_orientation(np.array(orientation, dtype=float)) is is_good
