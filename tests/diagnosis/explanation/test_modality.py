from itertools import chain, combinations, permutations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from planted_truth import CONTRACT, DICTATION, NOTE, make_case, prepared_batch

from diagnosis.errors import ExplanationError
from diagnosis.explanation.modality import attribute_modalities, explain_modalities, shapley_values
from diagnosis.preprocessing.batch import prepare_case, stack_cases
from diagnosis.vocabulary import MODALITIES, NON_EMPTY_SUBSETS, Modality

SUBSETS = [frozenset(s) for s in chain.from_iterable(combinations(MODALITIES, n) for n in range(4))]


@pytest.mark.parametrize("present", NON_EMPTY_SUBSETS)
def test_values_sum_to_the_whole(untrained, tokenizer, present):
    case = make_case((0, 0, 0), NOTE, DICTATION).restricted_to(present)
    _, batch = prepared_batch(case, tokenizer)
    shares = attribute_modalities(untrained, batch, 0)
    assert set(shares.shapley_logits) == present
    assert abs(sum(shares.shapley_logits.values()) - (shares.full_logit - shares.base_logit)) <= 1e-6
    with torch.no_grad():
        assert shares.full_logit == pytest.approx(float(untrained(batch).logits[0, 0]), abs=1e-5)
    assert sum(shares.attention_weights.values()) == pytest.approx(1, abs=1e-5)
    assert len(shares.subset_logits) == 2 ** len(present)


@given(st.lists(st.floats(-9, 9), min_size=8, max_size=8))
def test_equals_the_mean_over_all_orders(logits):
    game = dict(zip(SUBSETS, logits, strict=True))
    found = shapley_values(game, list(MODALITIES))
    for player in MODALITIES:
        gains = []
        for order in permutations(MODALITIES):
            before = frozenset(order[: order.index(player)])
            gains.append(game[before | {player}] - game[before])
        assert found[player] == pytest.approx(sum(gains) / 6, abs=1e-9)


def test_the_only_informative_part_has_the_credit(trained, reader, tokenizer):
    _, batch = prepared_batch(make_case((3, 3, 0), NOTE, DICTATION, seed=900), tokenizer)
    assert attribute_modalities(trained, batch, 0).shares[Modality.CT] >= 0.9
    assert attribute_modalities(reader, batch, 0).shares[Modality.NOTE] >= 0.9


def test_refusals(untrained, tokenizer):
    prepared = prepare_case(make_case(None, NOTE, None), CONTRACT, tokenizer)
    with pytest.raises(ExplanationError, match="the batch holds 2 cases; explain one at a time"):
        attribute_modalities(untrained, stack_cases([prepared, prepared], CONTRACT), 0)
    with pytest.raises(ExplanationError, match="2 parts have 4 subsets, 2 were given"):
        explain_modalities({frozenset(): 0.0, frozenset({Modality.CT, Modality.NOTE}): 1.0}, {})
