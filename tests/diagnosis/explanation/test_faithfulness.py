from dataclasses import replace

import numpy as np
import pytest
import torch
from planted_truth import DICTATION, NOTE, VIEW, make_case, prepared_batch

from diagnosis.explanation.baselines import hu_baseline
from diagnosis.explanation.faithfulness import (
    Probe,
    Units,
    box_units,
    deletion_curves,
    infidelity_of,
    judge,
    mass_inside,
    pointing_game,
    sensitivity_of,
    token_units,
)
from diagnosis.explanation.parts import TextFunction, VolumeFunction
from diagnosis.explanation.path import integrate_adaptively
from diagnosis.explanation.proof import Subject, prove_text, prove_volume
from diagnosis.explanation.randomization import randomization_correlation, randomized_members, randomized_network
from diagnosis.explanation.text import attribute_note, integrate_text
from diagnosis.explanation.volume import VolumeQuestion, attribute_volume
from diagnosis.record import Faithfulness
from diagnosis.vocabulary import Modality


class Linear:
    """f(x) = w x: the attribution of each element is known."""

    def __init__(self, weights):
        self.weights = torch.tensor(weights)

    @property
    def terms(self):
        return (self,)

    def __call__(self, values):
        return values @ self.weights


WEIGHTS = [4.0, 3.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0]


@pytest.fixture
def probe():
    return Probe(Linear(WEIGHTS), torch.ones(1, 8), torch.zeros(1, 8), Units(torch.arange(8), 8))


def test_curves_of_a_linear_function_by_hand(probe):
    curves = deletion_curves(probe, torch.tensor([WEIGHTS]))
    # Deleting 4, 3, five zeros and then -1 drops the logit by 4, 7, 7, 7, 7, 7, 7, 6.
    assert curves.deletion_auc == pytest.approx((4 + 7 * 6 + 6) / 8)
    assert curves.insertion_auc == pytest.approx((4 + 7 * 6 + 6) / 8)
    assert curves.random_deletion_auc < curves.deletion_auc
    reversed_map = deletion_curves(probe, -torch.tensor([WEIGHTS]))
    assert reversed_map.deletion_auc < reversed_map.random_deletion_auc


def test_curves_ask_for_no_input_twice_and_know_the_change(probe):
    asked = []

    class Counted(Linear):
        def __call__(self, values):
            asked.extend(values)
            return super().__call__(values)

    curves = deletion_curves(replace(probe, function=Counted(WEIGHTS)), torch.tensor([WEIGHTS]))
    assert len(asked) == len({tuple(row.tolist()) for row in asked})
    assert curves.change == sum(WEIGHTS)


def test_infidelity_is_zero_for_the_exact_map_and_not_for_another(probe):
    assert infidelity_of(probe, torch.tensor([WEIGHTS])) == pytest.approx(0, abs=1e-9)
    assert infidelity_of(probe, torch.tensor([WEIGHTS]).flip(1)) > 0.1


def test_sensitivity_by_hand():
    assert sensitivity_of(torch.ones_like, torch.ones(1, 8), 0.1) == pytest.approx(0)
    found = sensitivity_of(lambda x: x, torch.ones(1, 8), 0.1)
    assert 0 < found <= 0.1 + 1e-6


def test_untouched_elements_stay(probe):
    some = replace(probe, units=Units(torch.tensor([0, 0, -1, -1, 1, 1, -1, -1]), 2))
    logits = some.logits_without(torch.tensor([[True, True], [False, True], [False, False]]))
    np.testing.assert_allclose(logits, [6.0, -1.0, 0.0])


def test_box_units_cover_what_is_seen():
    seen = torch.zeros(VIEW.shape, dtype=torch.bool)
    seen[:, 10:30, 10:30] = True
    units = box_units(VIEW, seen)
    assert ((units.labels[0] >= 0) == seen).all()
    assert torch.unique(units.labels[units.labels >= 0]).numel() == units.n_units
    values = torch.rand(1, *VIEW.shape) * seen
    assert units.sums(values).sum() == pytest.approx(float(values.sum()), rel=1e-5)


def test_token_units_skip_special_tokens():
    units = token_units(torch.tensor([True, False, False, True]))
    assert units.labels.flatten().tolist() == [-1, 0, 1, -1]
    assert units.n_units == 2


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        (Faithfulness(completeness_gap=0.02), r"leaves 2\.0 % of the change of the logit unexplained"),
        (Faithfulness(deletion_auc=0.1, random_deletion_auc=0.2), "no faster than deleting at random"),
        (Faithfulness(randomization_correlation=0.4), r"untrained network \(rank correlation 0\.40\)"),
    ],
)
def test_a_map_that_fails_says_why(figures, reason):
    verdict = judge(figures, change=1.0, n_units=1000)
    assert not verdict.is_trustworthy
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(verdict.failures[0])


def test_nothing_to_explain_is_said_and_chance_is_forgiven():
    verdict = judge(Faithfulness(deletion_auc=0.0, random_deletion_auc=0.1), change=0.01, n_units=1000)
    assert verdict.failures == ("the logit changes by only 0.01 from the baseline: there is nothing to explain",)
    assert judge(Faithfulness(randomization_correlation=0.3), change=1.0, n_units=20).is_trustworthy
    assert judge(Faithfulness(), change=1.0, n_units=20).is_trustworthy


def test_pointing_and_mass():
    truth = np.zeros((2, 3, 4), dtype=bool)
    truth[1, 1] = True
    values = np.where(truth, 3.0, 1.0).astype(np.float32)
    assert pointing_game(values, truth)
    assert mass_inside(values, truth) == pytest.approx(12 / (12 + 20))
    assert mass_inside(-values, truth) == 0


def test_random_twin_shares_nothing_but_the_word_embeddings(trained):
    twin = randomized_network(trained, seed=0)
    own, other = trained.bert.bert, twin.bert.bert
    assert torch.equal(own.embeddings.word_embeddings.weight, other.embeddings.word_embeddings.weight)
    assert not torch.equal(
        own.encoder.layer[0].attention.self.query.weight, other.encoder.layer[0].attention.self.query.weight
    )
    weights = zip(trained.members[0].parameters(), twin.members[0].parameters(), strict=True)
    assert sum(torch.equal(a, b) for a, b in weights) < len(list(trained.members[0].parameters())) / 2
    assert torch.equal(
        twin.members[0].volume_encoder.rating.weight,
        randomized_network(trained, seed=0).members[0].volume_encoder.rating.weight,
    )


def test_random_twins_leave_the_network_as_it_was(trained):
    """They share what they do not draw anew."""
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    twins = [randomized_network(trained, seed=0), randomized_members(trained, seed=0)]
    assert all(torch.equal(value, before[name]) for name, value in trained.state_dict().items())
    assert all(twin.bert.bert.embeddings is trained.bert.bert.embeddings for twin in twins)


def test_a_map_of_the_input_alone_fails_the_randomization_check(trained):
    """What ignores the network looks the same whatever the weights."""
    edges = np.random.default_rng(0).normal(size=500)
    twins = [randomized_network(trained, seed) for seed in range(2)]
    correlation = randomization_correlation(edges, lambda _network: edges, twins)
    assert correlation == pytest.approx(1.0)
    assert not judge(Faithfulness(randomization_correlation=correlation), 1.0, 500).is_trustworthy


def test_the_map_of_a_trained_network_is_proved(trained, tokenizer):
    prepared, batch = prepared_batch(make_case((5, -4, 1), NOTE, DICTATION, seed=500), tokenizer)
    function = VolumeFunction(trained, batch, 0)
    question = VolumeQuestion()
    made = attribute_volume(function, VIEW, prepared.region.affine_lps, question)
    figures = prove_volume(Subject(trained, batch, 0, VIEW), function, made, question).faithfulness
    assert figures.completeness_gap <= 0.01
    assert figures.deletion_auc > figures.random_deletion_auc
    assert figures.insertion_auc > figures.random_insertion_auc
    assert figures.infidelity is not None
    assert figures.sensitivity < 1
    assert figures.randomization_correlation <= 0.3


def test_the_words_of_a_trained_network_are_proved(reader, tokenizer):
    prepared, batch = prepared_batch(make_case(None, NOTE, None), tokenizer)
    function = TextFunction(reader, batch, 0, Modality.NOTE)
    text_map = integrate_text(function, prepared.note)
    made = attribute_note(text_map, NOTE)
    figures = prove_text(Subject(reader, batch, 0, VIEW), function, text_map, made).faithfulness
    assert figures.completeness_gap <= 0.01
    assert figures.deletion_auc > figures.random_deletion_auc
    assert figures.insertion_auc > figures.random_insertion_auc


def test_deleting_by_the_map_lowers_the_logit_first(trained, tokenizer):
    _, batch = prepared_batch(make_case((-5, 3, 0), None, None, seed=501), tokenizer)
    function = VolumeFunction(trained, batch, 0)
    baseline = hu_baseline(function.values, VIEW, "parenchyma")
    result = integrate_adaptively(function, function.values, baseline)
    probe = Probe(function, function.values, baseline, box_units(VIEW, torch.ones(VIEW.shape, dtype=torch.bool)))
    curves = deletion_curves(probe, result.attributions)
    assert curves.deletion_auc > curves.random_deletion_auc
    assert curves.insertion_auc > curves.random_insertion_auc
