from dataclasses import replace

import numpy as np
import pytest
import torch
from planted_truth import CONTRACT, DICTATION, NOTE, PLAIN_NOTE, make_case

from diagnosis.explanation.case_scorer import NetworkScorer
from diagnosis.explanation.counterfactual import (
    explain_counterfactuals,
    smallest_change,
    with_region_blanked,
    with_word_negated,
    without_text,
)
from diagnosis.preprocessing.batch import prepare_case, stack_cases
from diagnosis.record import ChangeKind, ClinicalNote, TextAttribution, TextSpan
from diagnosis.vocabulary import Modality


class Rule:
    """A stand-in whose answer is known: `spiculated` that is not negated, or else two of three lesser signs."""

    threshold = 0.5

    def __init__(self):
        self.n_asked = 0

    def probabilities(self, cases):
        self.n_asked += len(cases)
        return [self._probability(case) for case in cases]

    def _probability(self, case):
        text = " ".join(
            part for part in (case.note and case.note.text, case.voice_note and case.voice_note.text) if part
        )
        if "spiculated" in text and "no spiculated" not in text:
            return 0.9
        signs = sum(sign in text for sign in ("lobulated", "large", "upper"))
        return 0.2 + 0.2 * signs


def case_with(note, voice=None):
    return make_case((0, 0, 0), note, voice)


def test_all_kinds_of_change_are_asked():
    case = case_with(NOTE, DICTATION)
    at = NOTE.index("spiculated")
    words = TextAttribution((TextSpan(at, at + 10, "spiculated", 1.0),), "integrated_gradients")
    found = explain_counterfactuals(case, Rule(), {Modality.NOTE: words})
    kinds = [change.kind for change in found]
    assert kinds.count(ChangeKind.SENTENCE_REMOVED) == 4
    assert kinds.count(ChangeKind.MODALITY_LEFT_OUT) == 3
    assert kinds.count(ChangeKind.REGION_BLANKED) == 1
    negated = next(change for change in found if change.kind is ChangeKind.WORD_NEGATED)
    assert (negated.texts, negated.probability_before, negated.probability_after) == (("spiculated",), 0.9, 0.2)
    assert negated.is_flipped
    flips = {change.texts for change in found if change.is_flipped and change.kind is ChangeKind.SENTENCE_REMOVED}
    assert flips == {("The nodule is spiculated.",)}


def test_a_negation_is_not_negated():
    text = "No effusion."
    words = TextAttribution((TextSpan(0, 2, "No", 1.0), TextSpan(3, 11, "effusion", 0.5)), "integrated_gradients")
    found = explain_counterfactuals(case_with(text), Rule(), {Modality.NOTE: words})
    of_words = [(c.kind, c.texts) for c in found if c.kind in {ChangeKind.WORD_NEGATED, ChangeKind.NEGATION_REMOVED}]
    assert of_words == [(ChangeKind.NEGATION_REMOVED, ("effusion",))]


def test_smallest_change_is_one_word_where_one_word_is_enough():
    at = NOTE.index("spiculated")
    words = TextAttribution((TextSpan(0, 2, "CT", 0.1), TextSpan(at, at + 10, "spiculated", 1.0)), "x")
    found = smallest_change(case_with(NOTE), Rule(), Modality.NOTE, words)
    assert (found.kind, found.texts, found.is_flipped) == (ChangeKind.WORD_REMOVED, ("spiculated",), True)


def test_smallest_change_puts_back_what_is_not_needed():
    text = "A large mass. It is lobulated. Left lung. In the upper lobe."
    found = smallest_change(case_with(text), Rule(), Modality.NOTE)
    assert found.kind is ChangeKind.SENTENCE_REMOVED
    assert len(found.texts) == 2
    assert "Left lung." not in found.texts
    assert found.probability_before >= 0.5 > found.probability_after


def test_no_change_is_said_where_none_flips():
    assert smallest_change(case_with("Nothing of note."), Rule(), Modality.NOTE) is None
    assert smallest_change(case_with(None), Rule(), Modality.NOTE) is None


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("Margins spiculated.", "spiculated", "Margins no spiculated."),
        ("There is no calcification.", "calcification", "There is calcification."),
        ("Without effusion", "effusion", "effusion"),
    ],
)
def test_negating_a_word(text, word, expected):
    at = text.index(word)
    assert with_word_negated(case_with(text), Modality.NOTE, (at, at + len(word))).note.text == expected


def test_negating_a_spoken_word_keeps_the_clock():
    case = case_with(None, "there is no calcification")
    start = case.voice_note.text.index("calcification")
    changed = with_word_negated(case, Modality.VOICE, (start, start + 5))
    assert changed.voice_note.text == "there is calcification"
    assert changed.voice_note.words[-1].start_s == case.voice_note.words[-1].start_s
    other = with_word_negated(case_with(None, "a calcification"), Modality.VOICE, (2, 15))
    assert other.voice_note.text == "a no calcification"


def test_removing_everything_makes_the_part_absent():
    case = case_with("One sentence.", "one two")
    assert without_text(case, Modality.NOTE, [(0, 13)]).present == {Modality.CT, Modality.VOICE}
    assert without_text(case, Modality.VOICE, [(0, 7)]).present == {Modality.CT, Modality.NOTE}
    alone = case.restricted_to(frozenset({Modality.NOTE}))
    assert without_text(alone, Modality.NOTE, [(0, 13)]) is None


def test_blanking_the_region_keeps_everything_in_its_place():
    case = make_case((0, 0, 0), None, None)
    blanked = with_region_blanked(case)
    index = blanked.volume.index_of(case.region.center_mm).round().astype(int)
    assert blanked.volume.hu[tuple(index)] == -850
    assert case.volume.hu[tuple(case.volume.index_of(case.region.center_mm).round().astype(int))] > -100
    far = (-19.0, -19.0, -13.0)
    own, other = case.volume.index_of(far).round().astype(int), blanked.volume.index_of(far).round().astype(int)
    assert case.volume.hu[tuple(own)] == blanked.volume.hu[tuple(other)]
    np.testing.assert_allclose(blanked.volume.spacing_mm, case.volume.spacing_mm)


def test_the_network_is_asked_through_preparation_and_calibration(reader, tokenizer):
    seen = []

    def to_probability(subset, logit):
        seen.append(subset)
        return 1 / (1 + np.exp(-logit))

    scorer = NetworkScorer(reader, CONTRACT, tokenizer, 0, 0.5, to_probability)
    case = make_case(None, NOTE, DICTATION)
    with_word, without = scorer.probabilities([case, replace(case, note=ClinicalNote(PLAIN_NOTE))])
    assert with_word > 0.5 > without
    assert seen == ["ct+note+voice", "ct+note+voice"]
    found = smallest_change(case, scorer, Modality.NOTE)
    assert found is not None
    assert found.is_flipped
    assert "The nodule is spiculated." in found.texts


def test_versions_of_a_case_are_answered_as_if_each_came_alone(reader, tokenizer):
    """Sharing the encoded parts changes nothing: the same logits as the whole network gives."""
    case = make_case((3, 2, 0), NOTE, DICTATION)
    versions = [
        case,
        replace(case, note=ClinicalNote(PLAIN_NOTE)),
        with_region_blanked(case),
        replace(case, region=replace(case.region, diameter_mm=None)),
        case.restricted_to(frozenset({Modality.NOTE})),
        case.restricted_to(frozenset({Modality.CT, Modality.VOICE})),
    ]
    scorer = NetworkScorer(reader, CONTRACT, tokenizer, 0, 0.5, lambda _subset, logit: logit)
    for version, found in zip(versions, scorer.probabilities(versions), strict=True):
        alone = stack_cases([prepare_case(version, CONTRACT, tokenizer)], CONTRACT)
        with torch.no_grad():
            assert found == pytest.approx(float(reader(alone).logits[0, 0]), abs=1e-4)


def test_a_long_change_is_not_a_small_one():
    class NeedsAll:
        threshold = 0.5

        def probabilities(self, cases):
            return [0.9 if case.note is not None else 0.1 for case in cases]

    text = "One here. Two here. Three here. Four here. Five here. Six here."
    assert smallest_change(case_with(text), NeedsAll(), Modality.NOTE) is None
