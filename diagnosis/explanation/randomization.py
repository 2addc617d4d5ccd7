"""The same network with new random weights: its map must look different, or the map shows the input alone."""

import copy
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import spearmanr
from torch import nn

from diagnosis.explanation.packing import pack_linears, unpacked_copy
from diagnosis.explanation.side_by_side import GLOBAL_GENERATORS
from diagnosis.networks.classifier import DiagnosisNetwork, FusionClassifier

N_RANDOM_NETWORKS = 3
N_RANDOM_VOXEL_NETWORKS = 9
"""More for the map of voxels: there a random network answers up or down as a whole, so that the mean over a few is
far from zero by chance; and without a BERT of its own each costs little."""
Map = npt.NDArray[np.float64]
_Twin = TypeVar("_Twin")
_Module = TypeVar("_Module", bound=nn.Module)


def randomized_network(network: DiagnosisNetwork, seed: int) -> DiagnosisNetwork:
    """A twin with random weights throughout: one fresh member, and a BERT whose layers are drawn anew.

    The word embeddings stay, since they are the input of the maps on words. One member is enough: the question is
    what a map looks like that cannot have learned anything.
    """
    encoder = unpacked_copy(network.bert.bert.encoder)
    bert = _with_module(network.bert, "bert", _with_module(network.bert.bert, "encoder", encoder))
    twin = _with_module(network, "bert", bert)
    with GLOBAL_GENERATORS, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        twin.members = nn.ModuleList([FusionClassifier(network.config, network.bert.width)])
        for module in encoder.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
    for own in (twin.members, encoder):
        own.eval().requires_grad_(requires_grad=False)
    pack_linears(encoder)
    return twin


def randomized_members(network: DiagnosisNetwork, seed: int) -> DiagnosisNetwork:
    """The same with the BERT shared, which has no part in the map of the voxels."""
    with GLOBAL_GENERATORS, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        members = nn.ModuleList([FusionClassifier(network.config, network.bert.width)])
    return _with_module(network, "members", members.eval().requires_grad_(requires_grad=False))


def _with_module(module: _Module, name: str, part: nn.Module) -> _Module:
    """A module with one of its parts replaced; all others are shared with the original, which stays as it is."""
    twin = copy.copy(module)
    twin._modules = module._modules | {name: part}
    return twin


def randomization_correlation(own: Map, map_of: Callable[[_Twin], Map], twins: Sequence[_Twin]) -> float:
    """|mean Spearman correlation| of a map with the maps of random networks.

    The mean over several networks is taken before the absolute value: what a single random network correlates by
    chance, in either direction, is not what is asked.

    Args:
        own: attributions of the units, (unit,).
        map_of: the same attributions for a twin.
        twins: random networks (`randomized_network`), or whatever holds one.
    """
    found = [_rank_correlation(own, map_of(twin)) for twin in twins]
    return float(abs(np.mean(found)))


def _rank_correlation(first: Map, second: Map) -> float:
    if first.size < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(spearmanr(first, second).statistic)
