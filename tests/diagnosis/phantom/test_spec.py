import numpy as np
import pytest

from diagnosis.errors import ConfigurationError
from diagnosis.phantom.draw import draw_spec
from diagnosis.phantom.spec import Lobe, NoduleSpec, PhantomSpec, ScanSpec
from diagnosis.phantom.thorax import in_lobe
from diagnosis.phantom.truth import malignancy_probability


def test_a_nodule_too_large_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"a diameter of 80 mm cannot be planted; use 3 to 70 mm"):
        NoduleSpec(diameter_mm=80)


def test_a_rating_off_its_scale_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"calcification 7 is off its scale; use 1 to 6"):
        NoduleSpec(calcification=7)


def test_a_scan_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"slices 40 mm apart cannot be made; use 64 to 1024 pixels"):
        ScanSpec(slice_mm=40)


def test_larger_and_denser_is_more_obvious() -> None:
    assert NoduleSpec(diameter_mm=25, texture=5).subtlety == 5
    assert NoduleSpec(diameter_mm=4, texture=1, margin=1).subtlety == 1


def test_streams_are_independent_by_purpose_and_reproducible() -> None:
    spec = PhantomSpec("a", seed=1)
    assert spec.stream("noise").random() == spec.stream("noise").random()
    assert spec.stream("noise").random() != spec.stream("anatomy").random()


def test_drawn_patients_are_valid_varied_and_partly_malignant() -> None:
    specs = [draw_spec(np.random.default_rng([7, k])) for k in range(400)]
    probabilities = np.array([malignancy_probability(s.nodule, s.body) for s in specs])
    assert 0.2 < probabilities.mean() < 0.5
    assert {s.nodule.lobe for s in specs} == set(Lobe)
    assert {s.nodule.texture for s in specs} == {1, 2, 3, 4, 5}
    assert {s.nodule.calcification for s in specs} == {1, 2, 3, 4, 5, 6}
    assert len({s.voice for s in specs}) > 4
    diameters = [s.nodule.diameter_mm for s in specs]
    assert min(diameters) < 6
    assert max(diameters) > 25


def test_every_point_of_a_lung_belongs_to_one_lobe() -> None:
    x, y, z = np.random.default_rng(0).uniform(-100, 100, (3, 500))
    members = sum(in_lobe(lobe, x, y, z).astype(int) for lobe in Lobe)
    assert (members == 1).all()
