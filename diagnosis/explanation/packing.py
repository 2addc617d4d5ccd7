"""The frozen layers of the BERT in the layout that the processor multiplies fastest, while a case is explained.

An explanation runs the BERT some hundred times, forward and backward, and nearly all of it is matrix products with
weights that do not change. oneDNN multiplies with weights that were laid out for it once; where PyTorch's default
library does not know the processor well this takes less than half the time, in the same float32.

Products in bfloat16 take half of that again, and were left: their rounding keeps the sum of the attributions from
closing, so that a path took 128 gradients where 72 had been enough, and more time.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, final

import torch
from torch import Tensor, nn

_Module = TypeVar("_Module", bound=nn.Module)
TYPICAL_ROWS = 512
"""Rows (texts times tokens) that the layout is chosen for; others are as right, and about as fast."""


@contextmanager
def packed_linears(module: nn.Module) -> Iterator[None]:
    """Linear layers of a module run packed inside the `with`; gradients reach their inputs, and no weights.

    Only layers whose weights are frozen, in float32 and on the processor are touched, and none where this build of
    PyTorch has no oneDNN.
    """
    packed = pack_linears(module)
    try:
        yield
    finally:
        for layer in packed:
            del layer.forward


def pack_linears(module: nn.Module) -> list[nn.Linear]:
    """Pack the linear layers of a module for good, and return those that were not packed before."""
    packed = [layer for layer in module.modules() if isinstance(layer, nn.Linear) and _can_pack(layer)]
    for layer in packed:
        # An attribute of the instance stands before the method of its class; nothing of the weights is changed.
        layer.forward = _Packed(layer)  # type: ignore[method-assign, assignment]
    return packed


def unpacked_copy(module: _Module) -> _Module:
    """A deep copy of a module whose layers may be packed at the moment; the copy's are not.

    The module itself is left as it is: other threads may be using it.
    """
    twin = copy.deepcopy(module)
    for layer in twin.modules():
        if isinstance(vars(layer).get("forward"), _Packed):
            del layer.forward
    return twin


def _can_pack(layer: nn.Linear) -> bool:
    weight = layer.weight
    is_plain = weight.device.type == "cpu" and weight.dtype == torch.float32 and not weight.requires_grad
    return is_plain and bool(torch._C._has_mkldnn) and "forward" not in vars(layer)


@final
class _Packed:
    """The forward of one linear layer; packs on first use, and the transpose when a gradient first comes back."""

    def __init__(self, layer: nn.Linear) -> None:
        self._weight, self._bias = layer.weight.detach(), layer.bias
        self._forward: Tensor | None = None
        self._backward: Tensor | None = None

    def __call__(self, inputs: Tensor) -> Tensor:
        if inputs.requires_grad and torch.is_grad_enabled():
            result: Tensor = _Linear.apply(inputs, self)  # type: ignore[no-untyped-call]
            return result
        return self.product(inputs)

    def __deepcopy__(self, _memo: dict[int, Any]) -> "_Packed":
        """Itself: `unpacked_copy` takes it off the copied layer."""
        return self

    def product(self, inputs: Tensor) -> Tensor:
        """Inputs times the transposed weight, plus the bias."""
        if self._forward is None:
            self._forward = _pack(self._weight)
        return _times(inputs, self._forward, self._bias)

    def gradient(self, outputs: Tensor) -> Tensor:
        """Gradient of the outputs times the weight."""
        if self._backward is None:
            self._backward = _pack(self._weight.t().contiguous())
        return _times(outputs, self._backward, None)


@final
class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, packed: _Packed) -> Tensor:  # noqa: ANN401 - torch's context is untyped
        ctx.packed = packed
        return packed.product(inputs)

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        return ctx.packed.gradient(outputs[0]), None


def _pack(weight: Tensor) -> Tensor:
    # The operators that PyTorch's own compiler puts in for frozen layers; they have no public name.
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, TYPICAL_ROWS)
    return packed


def _times(rows: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(rows, packed, bias, "none", [], "")
    return product
