"""How much CT, note and voice each contributed: exact Shapley values over the parts that are present.

With three parts there are at most eight subsets. The encoders run once and the fusion once for each subset, so nothing
is sampled and nothing approximated: the values sum to f(all present) - f(nothing) up to rounding.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import torch
from torch import Tensor

from diagnosis.errors import ExplanationError
from diagnosis.explanation.parts import held_still, read_parts, require_one_case
from diagnosis.networks.classifier import DiagnosisNetwork, Reading, mean_output
from diagnosis.networks.model_input import ModelInput
from diagnosis.record import ModalityShares
from diagnosis.vocabulary import MODALITIES, Modality, subset_name

Subset = frozenset[Modality]


def present_parts(batch: ModelInput) -> Subset:
    """The modalities of a batch of one case."""
    return frozenset(m for m, is_there in zip(MODALITIES, batch.is_present[0].tolist(), strict=True) if is_there)


def presence_mask(subset: Subset) -> Tensor:
    """(1,modality) True where a modality is in the subset."""
    return torch.tensor([[m in subset for m in MODALITIES]])


def attribute_modalities(
    network: DiagnosisNetwork, batch: ModelInput, finding: int, read: Sequence[Reading] | None = None
) -> ModalityShares:
    """Exact Shapley values of the parts of one case, with the fusion's attention weights beside them.

    `read` is what `parts.read_parts` made of the case, where that was done before.

    Raises:
        ExplanationError: more than one case, or no such finding.
    """
    require_one_case(network, batch, finding)
    present = [m for m in MODALITIES if m in present_parts(batch)]
    subsets = [frozenset(chosen) for size in range(len(present) + 1) for chosen in combinations(present, size)]
    members = list(zip(network.classifiers(), read_parts(network, batch) if read is None else read, strict=True))
    with torch.no_grad(), held_still(network):
        masks = [presence_mask(subset) for subset in subsets]
        outputs = [mean_output([m.fuse(r.tokens.with_presence(mask)) for m, r in members]) for mask in masks]
    logits = {s: float(o.logits[0, finding]) for s, o in zip(subsets, outputs, strict=True)}
    weights = outputs[-1].attention_weights[0].tolist()
    return explain_modalities(logits, dict(zip(MODALITIES, weights, strict=True)))


def explain_modalities(
    subset_logits: Mapping[Subset, float], attention_weights: Mapping[Modality, float]
) -> ModalityShares:
    """Exact Shapley values of a case whose logit is known for every subset of its parts, the empty one included.

    Raises:
        ExplanationError: a subset is missing.
    """
    present = max(subset_logits, key=len, default=frozenset[Modality]())
    if len(subset_logits) != 2 ** len(present):
        msg = f"explanation: {len(present)} parts have {2 ** len(present)} subsets, {len(subset_logits)} were given"
        raise ExplanationError(msg)
    return ModalityShares(
        base_logit=subset_logits[frozenset()],
        full_logit=subset_logits[present],
        shapley_logits=shapley_values(subset_logits, [m for m in MODALITIES if m in present]),
        subset_logits={subset_name(subset): logit for subset, logit in subset_logits.items()},
        attention_weights=dict(attention_weights),
    )


def shapley_values(logits: Mapping[Subset, float], players: list[Modality]) -> dict[Modality, float]:
    """Exact Shapley values of a game that is known on every subset of its players."""
    n = len(players)
    values = {}
    for player in players:
        others = [m for m in players if m is not player]
        terms = [
            (logits[frozenset((*chosen, player))] - logits[frozenset(chosen)])
            * (math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n))
            for size in range(n)
            for chosen in combinations(others, size)
        ]
        values[player] = math.fsum(terms)
    return values
