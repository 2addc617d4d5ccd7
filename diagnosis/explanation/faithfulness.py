"""The figures that say whether a map can be believed, and the verdict on it.

A map is cut into units: boxes of a few millimeters, or tokens of a text. The curves delete units (set them to the
map's own baseline) in the map's order, most supportive first, or put them back in that order onto the baseline, and
compare with random orders of the same units. The last two figures are Captum's.

References: deletion and insertion, Petsiuk et al. 2018, https://arxiv.org/abs/1806.07421; infidelity and maximum
sensitivity, Yeh et al. 2019, https://arxiv.org/abs/1901.09392; randomization, Adebayo et al. 2018,
https://arxiv.org/abs/1810.03292; pointing game, Zhang et al. 2016, https://arxiv.org/abs/1608.00507.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from diagnosis.explanation.parts import PartFunction
from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.record import Faithfulness

UNIT_MM = 3.0
"""Side of a box: about the smallest thing that a reader of a chest CT would point at."""
N_STEPS = 8
"""Points of a deletion or insertion curve."""
FEWEST_RANDOM_ORDERS, MOST_RANDOM_ORDERS = 2, 16
"""Random orders that a map is compared with; many where units are few, for two orders of seven words may be good by
luck, and there each costs little."""


@final
@dataclass(frozen=True)
class Thresholds:
    """What a map must pass to be shown.

    Attributes:
        completeness_gap: share of the change of the logit that a complete method may leave unexplained.
        randomization_correlation: |rank correlation| with the map of a network with random weights; a map that
            resembles it shows the image, and not what the network learned.
        least_change: logits. Where the logit hardly changes between baseline and input there is nothing to explain,
            and the order of what is deleted is noise.
    """

    completeness_gap: float = 0.01
    randomization_correlation: float = 0.1
    least_change: float = 0.05


@final
@dataclass(frozen=True, eq=False)
class Units:
    """What is deleted together.

    Attributes:
        labels: index of each element's unit, broadcastable to one input without its batch axis; -1 is never touched.
        n_units: how many units there are.
    """

    labels: Tensor
    n_units: int

    def sums(self, attributions: Tensor) -> npt.NDArray[np.float64]:
        """Attribution of each unit, (unit,)."""
        labels = self.labels.expand(attributions.shape).flatten()
        seen = labels >= 0
        weights = attributions.flatten()[seen].double()
        return np.asarray(torch.bincount(labels[seen], weights, self.n_units).numpy())


def box_units(view: FieldOfView, is_seen: Tensor) -> Units:
    """Boxes of about `UNIT_MM` over a region.

    Args:
        view: the grid.
        is_seen: (depth,height,width) bool, where the network looks.
    """
    sides = [max(1, round(UNIT_MM / spacing)) for spacing in view.spacing_mm]
    index = [torch.arange(size) // side for size, side in zip(view.shape, sides, strict=True)]
    counts = [int(axis[-1]) + 1 for axis in index]
    labels = (index[0][:, None, None] * counts[1] + index[1][:, None]) * counts[2] + index[2]
    kept, compact = torch.unique(labels[is_seen], return_inverse=True)
    result = torch.full_like(labels, -1)
    result[is_seen] = compact
    return Units(result[None], kept.numel())


def token_units(is_special: Tensor) -> Units:
    """Each token of a text is a unit; special tokens are never touched.

    Args:
        is_special: (token,).
    """
    labels = torch.where(is_special, -1, torch.cumsum(~is_special, 0) - 1)
    return Units(labels[:, None], int((~is_special).sum()))


@final
@dataclass(frozen=True, eq=False)
class Probe:
    """A map under test: what it explains, where its path starts, and its units.

    Attributes:
        function: what is explained.
        values: the input, (1,…).
        baseline: same shape.
        units: what is deleted together.
        at_once: inputs in one pass.
    """

    function: PartFunction
    values: Tensor
    baseline: Tensor
    units: Units
    at_once: int = 8

    def logits_without(self, kept: Tensor) -> npt.NDArray[np.float64]:
        """Logits (n,) with only the units that `kept`, (n,unit) bool, says; the others are set to the baseline."""
        logits = []
        labels = self.units.labels
        with torch.no_grad():
            for rows in torch.split(kept, self.at_once):
                # The last column stands for label -1: what is never touched.
                padded = torch.cat([rows, torch.ones(rows.shape[0], 1, dtype=torch.bool)], dim=1)
                inputs = torch.where(padded[:, labels], self.values, self.baseline)
                logits.append(self.function(inputs).double())
        return np.asarray(torch.cat(logits).numpy())


@final
@dataclass(frozen=True)
class Curves:
    """Areas under deletion and insertion curves, in logits: mean drop from f(x), mean rise from f(baseline).

    `change` is |f(x) - f(baseline)|, in logits.
    """

    deletion_auc: float
    random_deletion_auc: float
    insertion_auc: float
    random_insertion_auc: float
    change: float


def deletion_curves(probe: Probe, attributions: Tensor, seed: int = 0) -> Curves:
    """Delete and insert units in the map's order and in random orders.

    Args:
        probe: what is tested.
        attributions: the map, (1,…).
        seed: of the random orders.
    """
    generator = np.random.default_rng(seed)
    n = probe.units.n_units
    n_orders = int(np.clip(128 // max(n, 1), FEWEST_RANDOM_ORDERS, MOST_RANDOM_ORDERS))
    own = np.argsort(-probe.units.sums(attributions[0]), kind="stable")
    orders = [own, *(generator.permutation(n) for _ in range(n_orders))]
    counts = np.unique(np.linspace(0, n, N_STEPS + 1).round().astype(int)[1:])
    deletions = np.stack([_kept(order[count:], n) for order in orders for count in counts])
    insertions = np.stack([_kept(order[:count], n) for order in orders for count in counts])
    ends = np.stack([np.ones(n, bool), np.zeros(n, bool)])
    # All orders end alike, and where units are few they meet on the way: what is equal is asked once.
    asked, answers = np.unique(np.concatenate([ends, deletions, insertions]), axis=0, return_inverse=True)
    logits = probe.logits_without(torch.from_numpy(asked))[answers]
    (whole, nothing), shape = logits[:2], (2, len(orders), len(counts))
    deleted, inserted = logits[2:].reshape(shape)
    drops, rises = (whole - deleted).mean(axis=1), (inserted - nothing).mean(axis=1)
    return Curves(
        deletion_auc=float(drops[0]),
        random_deletion_auc=float(drops[1:].mean()),
        insertion_auc=float(rises[0]),
        random_insertion_auc=float(rises[1:].mean()),
        change=abs(float(whole - nothing)),
    )


def infidelity_of(probe: Probe, attributions: Tensor, n_samples: int = 8, seed: int = 0) -> float:
    """Captum's infidelity: expected squared difference between what the map says that random sets of units are worth
    and what the logit loses when they are set to the baseline. In squared logits.
    """  # noqa: D205 - the definition is one sentence
    from captum.metrics import infidelity, infidelity_perturb_func_decorator

    generator = np.random.default_rng(seed)

    @infidelity_perturb_func_decorator(multiply_by_inputs=True)  # type: ignore[untyped-decorator]
    def remove_units(inputs: Tensor, baselines: Tensor) -> Tensor:
        n = probe.units.n_units
        kept = torch.from_numpy(generator.random((inputs.shape[0], n + 1)) > generator.random((inputs.shape[0], 1)))
        kept[:, -1] = True
        return torch.where(kept[:, probe.units.labels], inputs, baselines)

    with torch.no_grad():
        figure: Tensor = infidelity(
            probe.function,
            remove_units,
            probe.values,
            attributions,
            baselines=probe.baseline,
            n_perturb_samples=n_samples,
            max_examples_per_batch=min(probe.at_once, n_samples),
        )
    return float(figure)


def sensitivity_of(
    explain: Callable[[Tensor], Tensor], values: Tensor, radius: float, n_samples: int = 2, seed: int = 0
) -> float:
    """Captum's maximum sensitivity: largest relative change of the map under noise of at most `radius`.

    Args:
        explain: one input (1,…) to its map (1,…).
        values: the input.
        radius: in units of the input.
        n_samples: noisy copies.
        seed: of the noise.
    """
    from captum.metrics import sensitivity_max

    def one_by_one(inputs: Any) -> Any:  # noqa: ANN401 - Captum passes a tensor or a tuple of one
        tensor = inputs[0] if isinstance(inputs, tuple) else inputs
        return (torch.cat([explain(row[None]) for row in tensor]),)

    generator = torch.Generator().manual_seed(seed)

    def with_noise(inputs: Any, perturb_radius: float) -> Any:  # noqa: ANN401
        """Captum's own noise, from a generator that no other thread draws from."""
        tensor = inputs[0] if isinstance(inputs, tuple) else inputs
        noise = torch.empty_like(tensor).uniform_(-perturb_radius, perturb_radius, generator=generator)
        return (tensor + noise,) if isinstance(inputs, tuple) else tensor + noise

    figure: Tensor = sensitivity_max(one_by_one, values, with_noise, radius, n_samples)
    return float(figure)


def judge(figures: Faithfulness, change: float, n_units: int, thresholds: Thresholds | None = None) -> Faithfulness:
    """The verdict: which checks failed, in words; a check that was not made does not fail.

    Args:
        figures: what was measured.
        change: |f(x) - f(baseline)| in logits.
        n_units: units of the map. Few units correlate by chance: the bound on the correlation with a random network
            is never below two standard errors of the rank correlation of independent orders.
        thresholds: what must be passed.
    """
    limits = thresholds or Thresholds()
    failures = []
    if figures.completeness_gap is not None and figures.completeness_gap > limits.completeness_gap:
        failures.append(f"the map leaves {100 * figures.completeness_gap:.1f} % of the change of the logit unexplained")
    if change < limits.least_change:
        failures.append(f"the logit changes by only {change:.2f} from the baseline: there is nothing to explain")
    elif _loses(figures.deletion_auc, figures.random_deletion_auc):
        failures.append("deleting what it marks lowers the logit no faster than deleting at random")
    bound = max(limits.randomization_correlation, 2 / np.sqrt(max(n_units, 2) - 1))
    if figures.randomization_correlation is not None and figures.randomization_correlation > bound:
        failures.append(
            f"it resembles the map of an untrained network (rank correlation {figures.randomization_correlation:.2f})"
        )
    return replace(figures, is_trustworthy=not failures, failures=tuple(failures))


def pointing_game(strength: npt.NDArray[np.floating[Any]], truth: npt.NDArray[np.bool_]) -> bool:
    """Whether the largest value lies in the truth; a map and its truth have the same (slice,row,column) grid."""
    return bool(truth.flat[int(strength.argmax())])


def mass_inside(values: npt.NDArray[np.floating[Any]], truth: npt.NDArray[np.bool_]) -> float:
    """Share of the positive attribution that lies in the truth, of the same shape; 0 where there is none."""
    positive = np.clip(values, 0, None).astype(np.float64)
    total = float(positive.sum())
    return float(positive[truth].sum()) / total if total else 0.0


def _loses(own: float | None, random: float | None) -> bool:
    return own is not None and random is not None and own <= random


def _kept(units: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros(n, dtype=bool)
    mask[units] = True
    return mask
