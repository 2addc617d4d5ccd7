"""The heavy parts of a network compiled for this processor: OpenVINO, ONNX Runtime, and PyTorch in bfloat16.

Each is another way to the same numbers, to within the tolerance that `choice` demands of it. Batch normalization is
folded into the convolutions, weights are laid out for the processor's vector units, and in bfloat16 products are taken
in half the bits and summed in 32.
"""

import io
import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, final

import torch
from torch import Tensor, nn

from diagnosis.batch.runtime import Maps, Runtime
from diagnosis.errors import MissingDependencyError
from diagnosis.networks.classifier import DiagnosisNetwork
from diagnosis.networks.volume_encoder import VolumeEncoder

TOKENS = 64
"""Length of the text that a network is traced with; the compiled one takes any length."""


@final
class RegionMaps(nn.Module):
    """The backbones of all members: (batch,1,depth,height,width) to their middle and last maps, one after the other."""

    def __init__(self, network: DiagnosisNetwork) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(member.volume_encoder for member in network.classifiers())

    def forward(self, volume: Tensor) -> tuple[Tensor, ...]:
        """Middle and last map of each member."""
        maps: list[Tensor] = []
        for encoder in self.encoders:
            if isinstance(encoder, VolumeEncoder):
                maps += encoder.backbone(encoder.windowed(volume))
        return tuple(maps)


@final
class TextStates(nn.Module):
    """The frozen BERT on one text without padding: (1,token) ids to (1,token,bert) states."""

    def __init__(self, network: DiagnosisNetwork) -> None:
        super().__init__()
        self.bert = network.bert

    def forward(self, token_ids: Tensor) -> Tensor:
        """States of every token."""
        states: Tensor = self.bert(self.bert.word_embeddings(token_ids), torch.ones_like(token_ids, dtype=torch.bool))
        return states


Compiled = Callable[[Tensor], list[Tensor]]


@final
class CompiledRuntime(Runtime):
    """Runs two compiled functions in place of the network's own parts."""

    def __init__(self, name: str, maps: Compiled, states: Compiled) -> None:
        self.name, self._maps, self._states = name, maps, states

    def maps(self, volume: Tensor) -> Maps:
        """Feature maps of regions."""
        found = self._maps(volume)
        return [(found[i], found[i + 1]) for i in range(0, len(found), 2)]

    def states(self, token_ids: Tensor) -> Tensor:
        """BERT states of one text."""
        return self._states(token_ids)[0]


def torch_bfloat16(network: DiagnosisNetwork, _shape: tuple[int, ...]) -> Runtime:
    """PyTorch itself, in bfloat16 where it is safe, with channels last in memory."""
    maps, states = RegionMaps(network), TextStates(network)

    def run_maps(volume: Tensor) -> list[Tensor]:
        with torch.autocast("cpu", torch.bfloat16):
            return list(maps(volume.contiguous(memory_format=torch.channels_last_3d)))

    def run_states(token_ids: Tensor) -> list[Tensor]:
        with torch.autocast("cpu", torch.bfloat16):
            return [states(token_ids)]

    return CompiledRuntime("torch-bfloat16", run_maps, run_states)


def openvino_bfloat16(network: DiagnosisNetwork, shape: tuple[int, ...]) -> Runtime:
    """OpenVINO in bfloat16."""
    maps = compile_openvino(RegionMaps(network), torch.zeros(shape), list(shape), "bf16", 1)
    states = compile_openvino(TextStates(network), _example_text(), [1, -1], "bf16", 1)
    return CompiledRuntime("openvino-bfloat16", maps, states)


def openvino_float32(network: DiagnosisNetwork, shape: tuple[int, ...]) -> Runtime:
    """OpenVINO in float32."""
    maps = compile_openvino(RegionMaps(network), torch.zeros(shape), list(shape), "f32", 1)
    states = compile_openvino(TextStates(network), _example_text(), [1, -1], "f32", 1)
    return CompiledRuntime("openvino-float32", maps, states)


def onnx_float32(network: DiagnosisNetwork, shape: tuple[int, ...]) -> Runtime:
    """ONNX Runtime in float32."""
    maps = compile_onnx(RegionMaps(network), torch.zeros(shape), None)
    states = compile_onnx(TextStates(network), _example_text(), {0: {1: "token"}})
    return CompiledRuntime("onnx-float32", maps, states)


def _example_text() -> Tensor:
    return torch.arange(1000, 1000 + TOKENS)[None]


MAKERS: Mapping[str, Callable[[DiagnosisNetwork, tuple[int, ...]], Runtime]] = {
    "torch-bfloat16": torch_bfloat16,
    "openvino-bfloat16": openvino_bfloat16,
    "openvino-float32": openvino_float32,
    "onnx-float32": onnx_float32,
}


def compile_openvino(module: nn.Module, example: Tensor, shape: list[int], precision: str, n_threads: int) -> Compiled:
    """Compile a module for inputs of a shape (-1 for any length) on so many threads; `precision` is bf16 or f32.

    Raises:
        MissingDependencyError: OpenVINO is not installed.
    """
    # OpenVINO reports each use to its maker, unasked. Without that package it takes its own stub, and nothing is sent.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None makes its import fail
    try:
        import openvino
    except ImportError as error:
        msg = 'runtime: OpenVINO is not installed, or not whole; run pip install ".[openvino]"'
        raise MissingDependencyError(msg) from error
    with _quiet_tracing():
        model = openvino.convert_model(module.eval(), example_input=example, input=[openvino.PartialShape(shape)])
    options: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": n_threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = openvino.Core().compile_model(model, "CPU", options)

    def run(values: Tensor) -> list[Tensor]:
        found = compiled(values.numpy())
        return [torch.from_numpy(found[i].copy()) for i in range(len(found))]

    return run


@contextmanager
def _quiet_tracing() -> Iterator[None]:
    """Without the tracers' general doubts: `choice` holds what they made to float32 by its numbers."""
    transformers = logging.getLogger("transformers")
    level = transformers.level
    transformers.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
            warnings.filterwarnings("ignore", module="torch.onnx")
            # OpenVINO looks at every attribute of a model, at those that transformers has deprecated too.
            warnings.filterwarnings(
                "ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning
            )
            yield
    finally:
        transformers.setLevel(level)


def compile_onnx(
    module: nn.Module, example: Tensor, any_length: dict[int, dict[int, str]] | None, n_threads: int = 1
) -> Compiled:
    """Compile a module with ONNX Runtime in float32 on so many threads.

    Raises:
        MissingDependencyError: ONNX or ONNX Runtime is not installed.
    """
    try:
        import onnx  # noqa: F401 - torch's exporter needs it
        import onnxruntime
    except ImportError as error:
        msg = 'runtime: ONNX Runtime is not installed, or not whole; run pip install ".[openvino]"'
        raise MissingDependencyError(msg) from error
    stream = io.BytesIO()
    with _quiet_tracing():
        torch.onnx.export(
            module.eval(),
            (example,),
            stream,  # type: ignore[arg-type]
            input_names=["values"],
            dynamic_axes=None if any_length is None else {"values": any_length[0]},
            dynamo=False,
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    session = onnxruntime.InferenceSession(stream.getvalue(), options, providers=["CPUExecutionProvider"])
    return lambda values: [torch.from_numpy(found) for found in session.run(None, {"values": values.numpy()})]
