import numpy as np
import pytest
import torch

from diagnosis.errors import ConfigurationError
from diagnosis.training.cohort import Cohort, Reader, TrainingCase, soft_malignancy
from diagnosis.training.config import FusionLossConfig, StageConfig, read_config
from diagnosis.training.encoders import excluded_sets
from diagnosis.training.folds import _add_scored_texts
from diagnosis.training.fusion_stage import CaseTexts, CtReadouts, FusionBatches, targets_without
from diagnosis.training.lidc import leave_readers_out_label
from diagnosis.training.losses import alignment_loss, descriptor_loss, soft_bce
from diagnosis.training.trainer import EpochSampler


def make_case(malignancies, fold="a", patient="p") -> TrainingCase:
    readers = tuple(Reader((3.0,) * 8, 8.0, float(m)) for m in malignancies)
    return TrainingCase(f"{patient}-{fold}", patient, fold, (1,), (0.5,), None, 8.0, readers, None, None)


@pytest.mark.parametrize(
    ("ratings", "label"), [([4, 3], 1), ([3, 4, 3], None), ([2, 3], 0), ([1], 0), ([], None), ([3.5], 1), ([2.5], 0)]
)
def test_the_label_is_what_the_remaining_readers_think(ratings, label):
    assert leave_readers_out_label(ratings) == label


def test_soft_targets_count_a_three_as_half():
    assert soft_malignancy([5, 3, 1, 4]) == pytest.approx((1 + 0.5 + 0 + 1) / 4)


def test_nobody_who_describes_also_labels():
    case = make_case([5, 5, 1, 1])
    assert targets_without(case, set()) == [0.5]
    assert targets_without(case, {0, 1}) == [0.0]
    assert targets_without(case, {2, 3}) == [1.0]
    assert np.isnan(targets_without(case, {0, 1, 2, 3})[0])


def make_batches(cases, options=None) -> FusionBatches:
    n = len(cases)
    ct = CtReadouts(torch.zeros(n, 2, 2, 10, 12), torch.zeros(n, 2), torch.ones(n, dtype=torch.bool))
    texts = [CaseTexts({r: [r] for r in range(4)}, {r: [4 + r] for r in range(4)}) for _ in cases]
    answers = torch.arange(8.0)[:, None, None].expand(8, 2, 4)
    options = options or FusionLossConfig(modality_dropout=0.3)
    return FusionBatches(cases, ct, texts, answers, StageConfig(1, 32, 1e-3, 0.0), (options, 5))


def test_drawn_targets_never_contain_a_describing_reader():
    # Reader k alone says malignant: the target tells which readers were left out of it.
    cases = [
        make_case([5 if r == k else 1 for r in range(4)], patient=f"p{k}-{i}") for i in range(40) for k in range(4)
    ]
    seen = 0
    for batch in make_batches(cases):
        for row in range(len(batch.targets)):
            describing = set()
            if batch.is_present[row, 1]:
                describing.add(int(batch.note[row, 0, 0]))
            if batch.is_present[row, 2]:
                describing.add(int(batch.voice[row, 0, 0]) - 4)
            assert len(describing) == int(batch.is_present[row, 1:].sum()), "note and voice come from two readers"
            n_rest = 4 - len(describing)
            assert min(abs(float(batch.targets[row, 0]) - share) for share in (0.0, 1 / n_rest)) < 1e-6
            seen += 1
    assert seen >= 128


def test_at_least_one_modality_stays():
    batches = make_batches(
        [make_case([5, 1, 1, 4], patient=f"p{i}") for i in range(64)], FusionLossConfig(modality_dropout=0.95)
    )
    assert all(batch.is_present.any(dim=1).all() for batch in batches)


def test_batches_are_drawn_from_seed_and_epoch():
    cases = [make_case([5, 1, 2, 4], patient=f"p{i}") for i in range(64)]
    first, second = next(iter(make_batches(cases))), next(iter(make_batches(cases)))
    assert torch.equal(first.targets, second.targets)
    assert torch.equal(first.is_present, second.is_present)


def test_the_sampler_resumes_where_it_would_have_been():
    whole = EpochSampler(20, seed=1)
    whole.set_epoch(3)
    again = EpochSampler(20, seed=1)
    again.set_epoch(3)
    assert list(whole) == list(again)
    shared = [EpochSampler(20, 1, rank, 2) for rank in (0, 1)]
    for sampler in shared:
        sampler.set_epoch(3)
    assert sorted(list(shared[0]) + list(shared[1])) == sorted(whole)


def test_every_pair_of_folds_has_an_encoder_that_saw_neither():
    sets = excluded_sets(("a", "b", "c"))
    assert sets == [("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c")]


def test_a_patient_in_two_folds_is_refused():
    with pytest.raises(ConfigurationError, match="the patient of case p-b stands in two folds"):
        Cohort("x", ("malignancy",), (make_case([1], "a"), make_case([1], "b")))


def test_unknown_targets_do_not_teach():
    logits = torch.tensor([[0.0], [5.0]], requires_grad=True)
    soft_bce(logits, torch.tensor([[1.0], [float("nan")]])).backward()
    assert logits.grad[1] == 0
    assert logits.grad[0] < 0
    ratings = torch.full((2, 8), float("nan"))
    assert descriptor_loss(torch.rand(2, 8), ratings) == 0


@pytest.mark.parametrize("kind", ["contrastive", "pairwise", "triplet", "cosine"])
def test_alignment_prefers_the_own_partner(kind):
    own = torch.nn.functional.normalize(torch.randn(6, 8), dim=1)
    embeddings = torch.stack([own, own, own], dim=1)
    mixed = torch.stack([own, own.roll(1, 0), own.roll(2, 0)], dim=1)
    present = torch.ones(6, 3, dtype=torch.bool)
    assert alignment_loss(kind, embeddings, present) < alignment_loss(kind, mixed, present)


def test_alignment_of_nothing_is_zero():
    assert alignment_loss("contrastive", torch.randn(3, 3, 4), torch.zeros(3, 3, dtype=torch.bool)) == 0


def test_the_shipped_configuration_is_valid(checkout):
    config = read_config(checkout / "models" / "lung_nodule" / "configs" / "train.yaml")
    assert config.network.fusion.method == "attention"
    assert config.data.shape == (3, 40, 40)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("voluem: {epochs: 3}", "voluem is not a field; use one of name, out"),
        ("volume: {epoch: 3}", "volume.epoch is not a field; use one of epochs"),
        ("seed: many", "seed must be a whole number; correct it"),
        ("volume: 3", "volume. is not a table of fields"),
        ("a: [", "it cannot be read as YAML"),
    ],
)
def test_a_bad_configuration_is_refused_by_field(tmp_path, text, message):
    path = tmp_path / "train.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        read_config(path)


def test_a_training_case_lends_its_own_transcript_to_the_second_reader_alone():
    own = CaseTexts({0: [1, 2], 1: [3]}, {0: [4, 5], 1: [6, 7]})
    _add_scored_texts(make_case([5, 5, 1]), own, note=8, voice=9)
    assert own.notes == {0: [1, 2, 8], 1: [3]}
    assert own.voices == {0: [4, 5], 1: [6, 7, 9, 9]}
    _add_scored_texts(make_case([5, 5, 1]), own, note=-1, voice=-1)
    assert own.notes[0] == [1, 2, 8]
    alone = CaseTexts({-1: [0]}, {-1: [1]})
    _add_scored_texts(make_case([]), alone, note=0, voice=1)
    assert (alone.notes, alone.voices) == ({-1: [0]}, {-1: [1]})
