import numpy as np
import pytest
from scipy.ndimage import convolve

from diagnosis.record import VolumeAttribution


def attribution(values):
    affine = np.diag([2.0, 1.0, 1.0, 1.0])[[2, 1, 0, 3]]
    return VolumeAttribution(values.astype(np.float32), affine, "test", "none")


def test_density_is_a_binomial_average():
    values = np.random.default_rng(0).normal(size=(4, 9, 8))
    line = np.array([1, 4, 6, 4, 1]) / 16
    kernel = line[:, None, None] * line[None, :, None] * line
    expected = convolve(np.abs(values.astype(np.float32)).astype(float), kernel, mode="nearest")
    np.testing.assert_allclose(attribution(values).density, expected, atol=1e-9)


def test_peak_is_where_marks_are_dense_and_not_the_loudest_voxel():
    values = np.zeros((3, 20, 20))
    values[1, 4, 4] = 3.0
    values[1, 12:15, 12:15] = -1.0
    assert attribution(values).peak_mm == pytest.approx((13, 13, 2))
