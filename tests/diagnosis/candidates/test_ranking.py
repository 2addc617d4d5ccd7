"""The network that ranks: what is written is read back, and nothing else is."""

import json

import numpy as np
import pytest

from diagnosis.candidates.ranking import METADATA, WEIGHTS, NetworkRanking, RoundnessRanking, default_ranking
from diagnosis.candidates.traits import TRAIT_NAMES
from diagnosis.errors import BundleError

N = len(TRAIT_NAMES)


@pytest.fixture
def ranking() -> NetworkRanking:
    rng = np.random.default_rng(0)
    widths = (N, 4, 1)
    weights = tuple(rng.normal(size=(2, a, b)).astype(np.float32).astype(float) for a, b in ((N, 4), (4, 1)))
    biases = tuple(rng.normal(size=(2, 1, n)).astype(np.float32).astype(float) for n in widths[1:])
    return NetworkRanking(np.zeros(N), np.ones(N), weights, biases)


def test_a_saved_network_gives_the_same_strengths(ranking, tmp_path):
    ranking.save(tmp_path / "model", {"seed": 1})
    traits = np.random.default_rng(1).normal(size=(7, N))
    again = NetworkRanking.load(tmp_path / "model")
    assert again.strength(traits) == pytest.approx(ranking.strength(traits))
    assert ((ranking.strength(traits) > 0) & (ranking.strength(traits) < 1)).all()


def test_by_hand():
    weights = (np.zeros((1, N, 1)), np.full((1, 1, 1), 2.0))
    weights[0][0, 0, 0] = 1.0
    ranking = NetworkRanking(np.zeros(N), np.ones(N), weights, (np.zeros((1, 1, 1)), np.full((1, 1, 1), -1.0)))
    traits = np.zeros((2, N))
    traits[:, 0] = 1.5, -3.0
    assert ranking.strength(traits) == pytest.approx([1 / (1 + np.exp(-2.0)), 1 / (1 + np.exp(1.0))])


def test_a_changed_network_is_refused(ranking, tmp_path):
    ranking.save(tmp_path, {})
    with (tmp_path / WEIGHTS).open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(BundleError, match=r"model\.safetensors differs from its checksum; install the model again"):
        NetworkRanking.load(tmp_path)


def test_a_network_of_other_traits_is_refused(ranking, tmp_path):
    ranking.save(tmp_path, {})
    stated = json.loads((tmp_path / METADATA).read_text())
    (tmp_path / METADATA).write_text(json.dumps(stated | {"traits": ["height"]}))
    with pytest.raises(BundleError, match="was made for other traits; train it again"):
        NetworkRanking.load(tmp_path)


def test_a_folder_without_a_network_is_refused(tmp_path):
    with pytest.raises(BundleError, match="cannot be read; install the model again"):
        NetworkRanking.load(tmp_path)


def test_the_product_ships_a_network():
    assert isinstance(default_ranking(), NetworkRanking)


def test_the_rule_prefers_the_round_and_alone():
    traits = np.zeros((2, N))
    traits[:, TRAIT_NAMES.index("log_roundness")] = np.log(0.2)
    traits[1, TRAIT_NAMES.index("way_opposite")] = 1.0
    alone, tube = RoundnessRanking().strength(traits)
    assert alone > tube
