"""Integrated gradients (Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365), streamed.

Along the straight path from a baseline b to the input x, the attribution of element i is (x_i - b_i) times the mean of
its gradient. Steps are added to one running map and forgotten, so that memory does not grow with their number; a
small region takes up to eight steps in one pass (`points_at_once`), which costs less memory than the network itself.

Networks of ReLUs and clipped windows have kinks along the path, where a fixed rule errs. `integrate_adaptively` uses
what integrated gradients alone can offer: on every stretch of the path the attributions must sum to the change of the
logit over that stretch, which is known exactly from two forward passes. The stretch with the largest error is halved
until the sum is within the tolerance and the errors, added as absolute values so that they cannot cancel, are within
three times the tolerance.
"""

import heapq
from dataclasses import dataclass, field
from itertools import pairwise
from typing import final

import numpy as np
import torch
from torch import Tensor

from diagnosis.explanation.parts import PartFunction, value_and_gradient

SMALLEST_CHANGE = 0.1
"""Logits. A gap is relative to the change of the logit, but to no less than this: 1 % of nothing is nothing."""


@final
@dataclass(frozen=True, eq=False)
class PathIntegral:
    """Attributions in the shape of the input, in logits, and how far they are from complete.

    Attributes:
        attributions: they sum to `logit - baseline_logit` up to `completeness_gap`.
        logit: f(x).
        baseline_logit: f(b).
        n_gradients: gradients that were needed.
    """

    attributions: Tensor
    logit: float
    baseline_logit: float
    n_gradients: int

    @property
    def completeness_gap(self) -> float:
        """|sum of attributions - (f(x) - f(b))| / max(|f(x) - f(b)|, 0.1 logit)."""
        total = float(self.attributions.double().sum())
        return completeness_gap(total, self.logit, self.baseline_logit)


def completeness_gap(total: float, logit: float, baseline_logit: float) -> float:
    """|total - (f(x) - f(b))| relative to |f(x) - f(b)|, or to 0.1 logit where that is larger."""
    change = logit - baseline_logit
    return abs(total - change) / max(abs(change), SMALLEST_CHANGE)


def integrated_gradients(
    function: PartFunction, values: Tensor, baseline: Tensor, n_steps: int, at_once: int = 1
) -> Tensor:
    """Attributions of one input in a fixed number of steps, in the shape of `values`; the same numbers as Captum's.

    Args:
        function: what is explained.
        values: the input, (1,…).
        baseline: where the path starts, same shape.
        n_steps: gradients, at Gauss-Legendre points of the path.
        at_once: points of the path in one pass; 1 where memory counts.
    """
    (mean,) = _mean_gradients(function, values, baseline, [_gauss_legendre(n_steps)], at_once)
    return (values - baseline) * mean


@final
@dataclass(frozen=True)
class Refinement:
    """How far a path is refined.

    Attributes:
        tolerance: largest completeness gap.
        max_gradients: bound on the work; where it ends the gap may be larger, and the result says so.
        n_first: stretches to begin with.
        at_once: points of the path in one pass; None: as many as `points_at_once` allows.
    """

    tolerance: float = 0.01
    max_gradients: int = 1280
    n_first: int = 2
    at_once: int | None = None


ELEMENTS_AT_ONCE = 40_000
"""Elements of the input in one pass: a small region takes eight points of the path at once and still less memory than
the network itself; a large one is taken point by point."""


def points_at_once(values: Tensor) -> int:
    """Points of the path that one pass may take without the memory growing with the number of steps."""
    return max(1, min(8, ELEMENTS_AT_ONCE // values.numel()))


@final
@dataclass(order=True)
class _Stretch:
    """A part of the path, ordered so that the one with the largest error comes first."""

    negative_error: float
    start: float
    end: float = field(compare=False)
    f_start: float = field(compare=False)
    f_end: float = field(compare=False)
    error: float = field(compare=False)
    share: Tensor = field(compare=False, repr=False)


def integrate_adaptively(
    function: PartFunction, values: Tensor, baseline: Tensor, refinement: Refinement | None = None
) -> PathIntegral:
    """Integrated gradients of one input (1,…), refined where the path is kinked until they are complete.

    Args:
        function: what is explained.
        values: the input, (1,…).
        baseline: where the path starts, same shape.
        refinement: when to stop.
    """
    limits = refinement or Refinement()
    at_once = limits.at_once or points_at_once(values)

    def logit_at(*places: float) -> list[float]:
        return _values_at(function, values, baseline, list(places), at_once)

    def stretches(places: list[float], logits: list[float]) -> list[_Stretch]:
        """One stretch between each two neighboring places, their gradients in common passes."""
        ends, f_ends = list(pairwise(places)), list(pairwise(logits))
        nodes = [[(a + (b - a) * at, (b - a) * w) for at, w in _gauss_legendre(_STRETCH_STEPS)] for a, b in ends]
        means = _mean_gradients(function, values, baseline, nodes, at_once)
        shares = [(values - baseline) * mean for mean in means]
        errors = [float(share.double().sum()) - (fb - fa) for share, (fa, fb) in zip(shares, f_ends, strict=True)]
        found = zip(ends, f_ends, errors, shares, strict=True)
        return [_Stretch(-abs(error), *end, *f_end, error, share) for end, f_end, error, share in found]

    places = [i / limits.n_first for i in range(limits.n_first + 1)]
    logits = logit_at(*places)
    allowed = limits.tolerance * max(abs(logits[-1] - logits[0]), SMALLEST_CHANGE)
    heap, n_gradients = stretches(places, logits), limits.n_first * _STRETCH_STEPS
    heapq.heapify(heap)
    while not _is_within(heap, allowed) and n_gradients + 2 * _STRETCH_STEPS <= limits.max_gradients:
        worst = heapq.heappop(heap)
        middle = (worst.start + worst.end) / 2
        halves = [worst.f_start, *logit_at(middle), worst.f_end]
        for half in stretches([worst.start, middle, worst.end], halves):
            heapq.heappush(heap, half)
        n_gradients += 2 * _STRETCH_STEPS
    total = torch.zeros_like(values)
    for done in heap:
        total += done.share
    return PathIntegral(total, logits[-1], logits[0], n_gradients)


def _is_within(stretches: list[_Stretch], allowed: float) -> bool:
    errors = [stretch.error for stretch in stretches]
    return abs(sum(errors)) <= allowed and sum(map(abs, errors)) <= 3 * allowed


_STRETCH_STEPS = 4
"""Gauss-Legendre points on one stretch: exact for polynomials of degree 7, and few enough to halve often."""


def _gauss_legendre(n_steps: int) -> list[tuple[float, float]]:
    """Positions in [0,1] and weights that sum to 1."""
    at, weights = np.polynomial.legendre.leggauss(n_steps)
    return list(zip((0.5 * (at + 1)).tolist(), (0.5 * weights).tolist(), strict=True))


def _mean_gradients(
    function: PartFunction,
    values: Tensor,
    baseline: Tensor,
    groups: list[list[tuple[float, float]]],
    at_once: int,
) -> list[Tensor]:
    """For each group of nodes the weighted sum of their gradients, in the shape of `values`.

    Nodes of several groups share a pass.
    """
    sums = [torch.zeros_like(values) for _ in groups]
    nodes = [(at, weight, mean) for group, mean in zip(groups, sums, strict=True) for at, weight in group]
    for first in range(0, len(nodes), at_once):
        some = nodes[first : first + at_once]
        points = torch.cat([baseline + at * (values - baseline) for at, _, _ in some])
        _, gradients = value_and_gradient(function, points)
        for gradient, (_, weight, mean) in zip(gradients, some, strict=True):
            mean[0].add_(gradient, alpha=weight)
    return sums


def _values_at(
    function: PartFunction, values: Tensor, baseline: Tensor, places: list[float], at_once: int
) -> list[float]:
    """Logits at some places of the path, 0 the baseline and 1 the input."""
    found: list[float] = []
    with torch.no_grad():
        for first in range(0, len(places), at_once):
            points = [baseline + at * (values - baseline) for at in places[first : first + at_once]]
            found += function(torch.cat(points)).tolist()
    return found
