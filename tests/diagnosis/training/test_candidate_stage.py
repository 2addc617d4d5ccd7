"""Real nodules set into chests keep their truth, and a network learns to tell them from the rest."""

import numpy as np
import pytest

from diagnosis.candidates.traits import TRAIT_NAMES
from diagnosis.errors import ConfigurationError, InputError
from diagnosis.record import Volume
from diagnosis.training.candidate_run import CandidateTraining, fit_facts
from diagnosis.training.candidate_stage import BlobExamples, fit_ranking
from diagnosis.training.implants import Cutout, implant, read_cutouts

AFFINE = np.array([[0, 0, 3.0, -160.0], [0, 3.0, 0, -110.0], [3.0, 0, 0, -120.0], [0, 0, 0, 1.0]])


def make_lungs() -> Volume:
    z, y, x = (start + 3.0 * np.arange(n) for start, n in zip((-120, -110, -160), (80, 74, 107), strict=True))
    z, y, x = np.meshgrid(z, y, x, indexing="ij")
    hu = np.where((x / 155) ** 2 + (y / 105) ** 2 < 1, 40.0, -1000.0)
    for middle in (-75, 75):
        hu[((x - middle) / 55) ** 2 + (y / 75) ** 2 + (z / 105) ** 2 < 1] = -850
    return Volume(hu.astype(np.float32), AFFINE)


def make_cutout(diameter_mm: float) -> Cutout:
    n = 31
    offset = np.linalg.norm(np.indices((n, n, n)) - n // 2, axis=0)
    share = (offset < diameter_mm / 2).astype(np.float32)
    volume = Volume((share * 900 - 850).astype(np.float32), np.diag([1.0, 1.0, 1.0, 1.0])[[2, 1, 0, 3]])
    return Cutout(volume, share, np.full(3, n // 2, dtype=float), diameter_mm, "fold0")


def test_nodules_lie_where_it_is_said_and_apart():
    chest, cutouts = make_lungs(), [make_cutout(12.0), make_cutout(18.0)]
    changed, lesions = implant(chest, cutouts, 1, np.random.default_rng(3))
    assert len(lesions) == 3
    assert lesions[0].diameter_mm >= 35
    difference = changed.hu - chest.hu
    for lesion in lesions[1:]:
        index = tuple(chest.index_of(lesion.center_mm).round().astype(int))
        assert difference[index] > 500 or chest.hu[index] > 0
    pairs = [(a, b) for i, a in enumerate(lesions) for b in lesions[:i]]
    for a, b in pairs:
        assert np.linalg.norm(np.subtract(a.center_mm, b.center_mm)) > (a.diameter_mm + b.diameter_mm) / 2


def test_a_chest_without_lungs_is_refused():
    with pytest.raises(InputError, match="no lungs were found in the chest"):
        implant(Volume(np.full((20, 20, 20), 40, np.float32), AFFINE), [], 0, np.random.default_rng(0))


def test_a_folder_without_nodules_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"labels\.csv in .* is missing or not as expected"):
        read_cutouts(tmp_path)


def test_too_few_chests_are_refused():
    with pytest.raises(ConfigurationError, match="at least 4 chests"):
        CandidateTraining(n_chests=3)


def make_examples(seed: int, n: int = 80) -> BlobExamples:
    rng = np.random.default_rng(seed)
    is_lesion = (rng.random(n) < 0.2).astype(float)
    traits = rng.normal(size=(n, len(TRAIT_NAMES)))
    traits[:, 5] += 3 * is_lesion
    return BlobExamples(traits, is_lesion, np.ones(n))


def test_the_network_learns_and_is_the_same_each_time():
    examples = make_examples(0, 300)
    one, other = (fit_ranking(examples, 4).strength(examples.traits) for _ in range(2))
    assert np.array_equal(one, other)
    assert one[examples.is_lesion == 1].mean() > one[examples.is_lesion == 0].mean() + 0.5


@pytest.mark.slow
def test_figures_come_from_chests_held_out():
    facts = fit_facts([make_examples(seed) for seed in range(5)], 0)
    assert facts["n_blobs"] == 400
    assert facts["cross_validated"]["network"]["auroc"] > 0.9
    assert facts["cross_validated"]["rule"]["auroc"] < 0.75
