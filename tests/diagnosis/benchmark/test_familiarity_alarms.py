"""The alarm's own measurement: right and wrong CT counted apart, and a bundle without an alarm refused."""

from pathlib import Path

import numpy as np
import pytest

from diagnosis.benchmark.familiarity import Alarm, Crop, held_out_alarms, open_alarm, rates, scan_alarms, spoiled
from diagnosis.errors import BundleError
from diagnosis.familiarity.ct import appearance, fit_ct
from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.record import RegionOfInterest, Volume

VIEW = FieldOfView((3, 40, 40), (1.25, 0.7, 0.7), (-1000.0, 400.0))


def make_lung(seed: int, shape=(11, 68, 68)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.arange(n) - n / 2 for n in shape), indexing="ij")
    ball = sum(a**2 for a in axes) < rng.uniform(6, 14) ** 2
    return (np.where(ball, 30.0, -850.0) + rng.normal(0, 25, shape)).astype(np.float32)


def test_each_kind_of_wrong_value_is_another():
    hu = make_lung(0)
    wrong = spoiled(hu, np.random.default_rng(0))
    assert len(wrong) == 9
    assert all(values.shape == hu.shape and not np.array_equal(values, hu) for values in wrong.values())
    assert wrong["no rescale intercept (+1024)"].min() == pytest.approx(hu.min() + 1024, abs=0.01)
    assert wrong["8-bit gray values"].max() <= 255


def test_held_out_nodules_are_left_alone_and_wrong_values_named():
    crops = [Crop(f"fold{i % 5}", make_lung(i).astype(np.float16), np.ones((11, 68, 68), bool)) for i in range(60)]
    found = rates(held_out_alarms(crops, VIEW, 0))
    assert found["as it is"]["n"] == 60
    assert found["as it is"]["alarms"] <= 6
    assert found["no rescale intercept (+1024)"]["alarms"] == 60


def test_a_scan_without_lungs_has_no_places_outside_them():
    statistics = np.stack([appearance(make_lung(i)[4:7, 14:54, 14:54]) for i in range(50)])
    alarm = Alarm(fit_ct(statistics, np.ones(50), [f"fold{i % 5}" for i in range(50)]), VIEW)
    volume = Volume(make_lung(99), VIEW.affine_at((0.0, 0.0, 0.0)))
    middle = volume.position_of((np.array(volume.hu.shape) - 1) / 2)
    found = scan_alarms(alarm, volume, [RegionOfInterest(tuple(float(v) for v in middle))], 0)
    assert "region farther from the lungs" not in found
    assert found["slope doubled"] == [True]


def test_a_bundle_without_an_alarm_is_named(tiny_bundle: Path):
    with pytest.raises(BundleError, match="has no CT alarm to measure"):
        open_alarm(tiny_bundle)
