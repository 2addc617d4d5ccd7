"""Measurements of balls, stars and noise whose answer is known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.networks.measurements import (
    LARGEST_READING,
    N_MEASURED,
    N_MEASURED_READINGS,
    OUTLINE_RINGS,
    RINGS,
    WAVES,
    MeasuredReading,
    Measurements,
)
from diagnosis.networks.volume_encoder import VolumeEncoder, VolumeEncoderConfig

HU_RANGE = (-1000.0, 400.0)
MEASURE = Measurements(0.7, HU_RANGE)
CORE_MEAN = 0
FIRST_WAVE = N_MEASURED - 3 - len(OUTLINE_RINGS) * (1 + len(WAVES)) + 1


def lesion(radius_mm, hu=30.0, n_spikes=0, depth=0.0):
    """A disk in each of three slices, its radius waving `n_spikes` times; (1,1,3,40,40) in [0,1]."""
    axis = (torch.arange(40) - 19.5) * 0.7
    y, x = axis[:, None], axis[None]
    edge = radius_mm * (1 + depth * torch.cos(n_spikes * torch.atan2(y, x)))
    inside = torch.sigmoid((edge - torch.hypot(y, x)) / 0.35)
    plane = (-850 + inside * (hu + 850) + 1000) / 1400
    return plane.expand(1, 1, 3, 40, 40)


def measured(volume, diameter_mm=12.0):
    return MEASURE(volume, torch.tensor([diameter_mm]))[0]


def test_density_of_the_core_is_measured_in_the_lesion_alone():
    assert measured(lesion(6.0, hu=100))[CORE_MEAN] == pytest.approx((100 + 1000) / 1400, abs=0.02)
    assert measured(lesion(6.0, hu=-500))[CORE_MEAN] == pytest.approx(500 / 1400, abs=0.02)


def test_a_star_has_its_waves_in_the_band_of_its_spikes():
    plain = measured(lesion(6.0))
    for band, n_spikes in ((1, 2), (2, 4), (3, 9)):
        star = measured(lesion(6.0, n_spikes=n_spikes, depth=0.2))
        gains = [float(star[FIRST_WAVE + k] - plain[FIRST_WAVE + k]) for k in range(len(WAVES))]
        assert int(np.argmax(gains)) == band
        assert gains[band] > 0.02


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 3), st.booleans(), st.floats(4.0, 25.0))
def test_turning_and_mirroring_change_nothing(quarter_turns, is_mirrored, diameter_mm):
    volume = lesion(5.0, n_spikes=3, depth=0.3) + 0.02 * torch.randn(1, 1, 3, 40, 40, generator=torch.manual_seed(0))
    turned = torch.rot90(volume, quarter_turns, (3, 4))
    turned = turned.flip(3) if is_mirrored else turned
    torch.testing.assert_close(measured(turned, diameter_mm), measured(volume, diameter_mm), atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("diameter_mm", [0.5, 3.0, 12.0, 80.0])
def test_an_even_region_gives_finite_figures_and_gradients(diameter_mm):
    volume = torch.full((1, 1, 3, 40, 40), 0.2, requires_grad=True)
    found = MEASURE(volume, torch.tensor([diameter_mm]))
    assert found.shape == (1, N_MEASURED)
    found.sum().backward()
    assert torch.isfinite(found).all()
    assert torch.isfinite(volume.grad).all()


def test_rings_scale_with_the_lesion():
    small, large = measured(lesion(3.0), 6.0), measured(lesion(6.0), 12.0)
    n = len(RINGS) * 9
    assert torch.abs(small[:n] - large[:n]).max() < 0.25
    assert torch.abs(measured(lesion(6.0), 6.0)[:n] - large[:n]).max() > 0.4


def test_a_mass_beyond_the_training_sizes_is_measured_as_the_largest_of_them():
    mass = lesion(13.0, n_spikes=9, depth=0.05)
    torch.testing.assert_close(measured(mass, 80.0), measured(mass, 24.0))


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 500.0), st.integers(0, 2**16))
def test_readings_stay_within_their_bounds_whatever_the_image(diameter_mm, seed):
    reading = MeasuredReading(0.7, HU_RANGE)
    reading.coefficients.normal_(0, 30, generator=torch.Generator().manual_seed(seed))
    volume = torch.rand(1, 1, 3, 40, 40, generator=torch.Generator().manual_seed(seed))
    assert reading(volume, torch.tensor([diameter_mm])).abs().max() <= LARGEST_READING


def test_ridge_finds_a_linear_rating_and_leaves_unknown_ones_out():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, N_MEASURED, generator=generator)
    ratings = torch.full((400, N_MEASURED_READINGS), torch.nan)
    ratings[:, 0] = 3 + x[:, 4] - 0.5 * x[:, 7]
    ratings[:300, 1] = 3 - 2 * x[:300, 1]
    reading = MeasuredReading(0.7, HU_RANGE)
    reading.fit(x, ratings, torch.ones(400), penalty=0.01)
    answer = (x - reading.mean) / reading.scale @ reading.coefficients + reading.intercepts
    torch.testing.assert_close(answer[:, 0] * 2 + 3, ratings[:, 0], atol=1e-3, rtol=0)
    torch.testing.assert_close(answer[:, 1] * 2 + 3, 3 - 2 * x[:, 1], atol=1e-3, rtol=0)
    assert (reading.coefficients[:, 2:] == 0).all()


def test_a_penalty_shrinks():
    x = torch.randn(50, N_MEASURED, generator=torch.Generator().manual_seed(1))
    ratings = (3 + x[:, :1]).expand(-1, N_MEASURED_READINGS)
    sizes = []
    for penalty in (0.1, 1000.0):
        reading = MeasuredReading(0.7, HU_RANGE)
        reading.fit(x, ratings, torch.ones(50), penalty)
        sizes.append(float(reading.coefficients.norm()))
    assert sizes[1] < 0.2 * sizes[0]


def test_the_encoder_reads_measurements_of_the_whole_region_only():
    torch.manual_seed(0)
    encoder = VolumeEncoder(VolumeEncoderConfig(widths=(4, 4, 8, 8), measured_spacing_mm=0.7), 16).eval()
    encoder.measured.intercepts.fill_(0.7)
    shown = LARGEST_READING * np.tanh(0.7 / LARGEST_READING)
    volume = lesion(6.0).repeat(2, 1, 1, 1, 1).requires_grad_()
    reading = encoder(volume, torch.tensor([12.0, torch.nan]))
    columns = reading.readouts[:, :, -N_MEASURED_READINGS:]
    assert reading.readouts.shape[2] == encoder.config.n_readouts
    torch.testing.assert_close(columns[:, 0], torch.full_like(columns[:, 0], shown))
    assert (columns[:, 1:] == 0).all()
    encoder.measured.coefficients.fill_(1.0)
    (gradient,) = torch.autograd.grad(encoder(volume, torch.tensor([12.0, 12.0])).readouts[:, 0, -1].sum(), volume)
    assert gradient.abs().sum() > 0


def test_measuring_is_the_same_under_reduced_precision():
    reading = MeasuredReading(0.7, HU_RANGE)
    reading.coefficients.fill_(0.1)
    exact = reading(lesion(6.0), torch.tensor([12.0]))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(reading(lesion(6.0), torch.tensor([12.0])), exact)
