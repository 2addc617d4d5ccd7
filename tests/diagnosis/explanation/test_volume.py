import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from planted_truth import DICTATION, NOTE, VIEW, make_case, make_volume, prepared_batch

from diagnosis.errors import ExplanationError
from diagnosis.explanation.baselines import hu_baseline
from diagnosis.explanation.faithfulness import mass_inside, pointing_game
from diagnosis.explanation.parts import VolumeFunction, value_and_gradient
from diagnosis.explanation.path import Refinement, completeness_gap, integrate_adaptively, integrated_gradients
from diagnosis.explanation.volume import VOLUME_METHODS, VolumeQuestion, attribute_volume, seen_voxels
from diagnosis.preprocessing.volume import restore_to_volume

OFFSET = (5.0, -4.0, 1.0)


@pytest.fixture(scope="module")
def case():
    return make_case(OFFSET, NOTE, DICTATION, seed=500)


@pytest.fixture(scope="module")
def prepared_and_batch(case, tokenizer):
    return prepared_batch(case, tokenizer)


@pytest.fixture(scope="module")
def function(trained, prepared_and_batch):
    return VolumeFunction(trained, prepared_and_batch[1], 0)


def test_function_of_the_voxels_is_the_network(function, trained, prepared_and_batch):
    batch = prepared_and_batch[1]
    with torch.no_grad():
        assert float(function(batch.volume)) == pytest.approx(float(trained(batch).logits[0, 0]), abs=1e-5)


def test_gradient_member_by_member_is_the_gradient_of_the_mean(function):
    values = function.values.clone().requires_grad_()
    (expected,) = torch.autograd.grad(function(values).sum(), values)
    _, found = value_and_gradient(function, function.values)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)


def test_fixed_steps_agree_with_captum(function):
    baseline = hu_baseline(function.values, VIEW, "parenchyma")
    ours = integrated_gradients(function, function.values, baseline, 8)
    captums = IntegratedGradients(function).attribute(
        function.values, baselines=baseline, n_steps=8, method="gausslegendre", internal_batch_size=1
    )
    assert (ours - captums).abs().max() < 1e-5


@pytest.mark.parametrize("baseline", ["air", "parenchyma", "blurred"])
def test_refined_path_is_complete(function, baseline):
    start = hu_baseline(function.values, VIEW, baseline)
    result = integrate_adaptively(function, function.values, start)
    assert result.completeness_gap <= 0.01
    assert result.n_gradients <= 160


def test_refinement_finds_a_kink_that_a_fixed_rule_misses():
    class Kinked:
        """A ramp on a thousandth of the path: no rule of 64 points sees it."""

        @property
        def terms(self):
            return (self,)

        def __call__(self, values):
            return torch.relu(values.sum(dim=1) - 1.999) * 1000 - torch.relu(values.sum(dim=1) - 2.0) * 1000

    x, b = torch.tensor([[1.5, 1.5]]), torch.zeros(1, 2)
    assert completeness_gap(float(integrated_gradients(Kinked(), x, b, 64).sum()), 1.0, 0.0) > 0.5
    refined = integrate_adaptively(Kinked(), x, b, Refinement(max_gradients=400))
    assert refined.completeness_gap <= 0.01
    np.testing.assert_allclose(refined.attributions.numpy(), [[0.5, 0.5]], atol=0.01)


def test_a_bounded_refinement_reports_its_gap():
    class Step:
        @property
        def terms(self):
            return (self,)

        def __call__(self, values):
            return torch.sigmoid((values.sum(dim=1) - 0.77) * 1e5)

    result = integrate_adaptively(Step(), torch.ones(1, 1), torch.zeros(1, 1), Refinement(max_gradients=16))
    assert result.n_gradients <= 16
    assert result.completeness_gap > 0.01


@pytest.mark.parametrize("method", [method for method in VOLUME_METHODS if method != "grad_cam"])
def test_methods_that_reach_the_voxels_point_at_the_planted_ball(function, case, prepared_and_batch, method):
    region = prepared_and_batch[0].region
    found = attribute_volume(function, VIEW, region.affine_lps, VolumeQuestion(method))
    _, mask = make_volume(OFFSET, np.random.default_rng(500))
    on_ct = restore_to_volume(found, case.volume)
    assert on_ct.shape == case.volume.hu.shape
    slack = mask if method in {"integrated_gradients", "gradient_shap"} else _grown(mask)
    assert pointing_game(on_ct, slack)
    assert mass_inside(on_ct, _grown(mask)) > 3 * _grown(mask).mean()


def test_grad_cam_is_the_published_formula(function, prepared_and_batch):
    """Coarse by nature, and not promised to point: each channel weighed by the mean of its gradient, summed."""
    found = attribute_volume(function, VIEW, prepared_and_batch[0].region.affine_lps, VolumeQuestion("grad_cam"))
    total = torch.zeros(1, 1, *VIEW.shape)
    for member, term in zip(function.members, function.terms, strict=True):
        kept = []
        handle = member.volume_encoder.backbone.late.register_forward_hook(lambda _m, _i, o, kept=kept: kept.append(o))
        logit = term(function.values.clone().requires_grad_())
        handle.remove()
        (slope,) = torch.autograd.grad(logit.sum(), kept[0])
        cam = (slope.mean(dim=(2, 3, 4), keepdim=True) * kept[0]).sum(dim=1, keepdim=True)
        total += torch.nn.functional.interpolate(cam.detach(), VIEW.shape, mode="trilinear") / 2
    np.testing.assert_allclose(found.values, total[0, 0].numpy(), atol=1e-5)
    assert found.baseline == "none"
    assert found.faithfulness.completeness_gap is None


def test_integrated_gradients_are_inside_and_complete(function, prepared_and_batch):
    found = attribute_volume(function, VIEW, prepared_and_batch[0].region.affine_lps)
    assert found.baseline == "lung parenchyma (-850 HU)"
    assert found.faithfulness.completeness_gap <= 0.01
    assert np.linalg.norm(np.subtract(found.peak_mm, OFFSET)) <= 5
    unseen = ~seen_voxels(function).numpy()
    assert unseen.any()
    assert (found.values[unseen] == 0).all()


def test_unknown_size_is_held_along_the_path(trained, case, tokenizer):
    """The size that the network reads from the image counts as an input of its own: the map stays complete."""
    nameless = replace(case, region=replace(case.region, diameter_mm=None))
    prepared, batch = prepared_batch(nameless, tokenizer)
    function = VolumeFunction(trained, batch, 0)
    with torch.no_grad():
        assert float(function(batch.volume)) == pytest.approx(float(trained(batch).logits[0, 0]), abs=1e-5)
    found = attribute_volume(function, VIEW, prepared.region.affine_lps)
    assert found.faithfulness.completeness_gap <= 0.01


def test_the_network_is_left_as_it_was(trained, prepared_and_batch):
    trained.train()
    try:
        VolumeFunction(trained, prepared_and_batch[1], 0)(prepared_and_batch[1].volume)
        assert trained.training
        assert all(p.requires_grad for p in trained.members.parameters())
    finally:
        trained.eval()


def test_refusals(trained, case, tokenizer, function):
    _, batch = prepared_batch(replace(case, volume=None, region=None), tokenizer)
    with pytest.raises(ExplanationError, match="the case has no ct; choose a part that is present"):
        VolumeFunction(trained, batch, 0)
    with pytest.raises(ExplanationError, match="finding 1 does not exist; the network has 1"):
        VolumeFunction(trained, batch, 1)
    with pytest.raises(ExplanationError, match="'vacuum' is not a baseline; use one of air"):
        hu_baseline(function.values, VIEW, "vacuum")
    with pytest.raises(ExplanationError, match="'lime' is not a method for voxels"):
        attribute_volume(function, VIEW, np.eye(4), VolumeQuestion("lime"))


def test_blurred_baseline_keeps_the_mean(function):
    blurred = hu_baseline(function.values, VIEW, "blurred")
    assert float(blurred.mean()) == pytest.approx(float(function.values.mean()), abs=0.02)
    assert blurred.std() < function.values.std() / 2


MEMORY_SCRIPT = """
import sys, threading, torch
from pathlib import Path
from diagnosis.networks.classifier import DiagnosisNetwork, NetworkConfig
from diagnosis.networks.model_input import ModelInput
from diagnosis.explanation.parts import VolumeFunction, value_and_gradient
from diagnosis.explanation.path import integrated_gradients, points_at_once

def resident_mb(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))

torch.set_num_threads(1)
torch.manual_seed(0)
shape = (1, 1, *map(int, sys.argv[2].split("x")))
no_words, absent = torch.zeros(1, 1, dtype=torch.long), torch.zeros(1, 1, dtype=torch.bool)
batch = ModelInput(torch.rand(shape), torch.tensor([9.0]), no_words, absent, no_words, absent,
                   torch.tensor([[True, False, False]]))
function = VolumeFunction(DiagnosisNetwork(NetworkConfig()).eval(), batch, 0)
value_and_gradient(function, batch.volume)
Path("/proc/self/clear_refs").write_text("5")
before = resident_mb("VmRSS")
if sys.argv[1] == "pass":
    value_and_gradient(function, batch.volume)
else:
    integrated_gradients(function, batch.volume, torch.zeros(shape), 64, at_once=points_at_once(batch.volume))
print(resident_mb("VmHWM") - before, resident_mb("VmHWM"))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.parametrize("shape", ["3x40x40", "32x96x96"])
def test_64_steps_need_hardly_more_memory_than_one_pass(shape):
    def peak(kind):
        command = [sys.executable, "-c", MEMORY_SCRIPT, kind, shape]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return [float(value) for value in done.stdout.split()]

    (_, one_pass), (_, explanation) = peak("pass"), peak("explain")
    assert explanation <= 1.3 * one_pass


def _grown(mask):
    from scipy.ndimage import binary_dilation

    return binary_dilation(mask, iterations=3)
