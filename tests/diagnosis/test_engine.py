from itertools import combinations

import numpy as np
import pytest

from diagnosis.errors import CaseError
from diagnosis.ingest.notes import note_from_text
from diagnosis.record import Case, RegionOfInterest, SpeechSegment, VoiceNote, Volume, Word
from diagnosis.vocabulary import MODALITIES, Modality, subset_name

SUBSETS = [frozenset(c) for n in (1, 2, 3) for c in combinations(MODALITIES, n)]


def make_case(seed: int = 0) -> Case:
    rng = np.random.default_rng(seed)
    affine = np.array([[0, 0, 0.7, -28.0], [0, 0.7, 0, -28.0], [1.5, 0, 0, -22.5], [0, 0, 0, 1]])
    hu = rng.normal(-800, 60, (30, 80, 80)).astype(np.float32)
    z, y, x = np.meshgrid(*(np.arange(n) - n / 2 for n in hu.shape), indexing="ij")
    hu[(1.5 * z) ** 2 + (0.7 * y) ** 2 + (0.7 * x) ** 2 < 36] = 40
    words = tuple(Word(w, i * 0.5, i * 0.5 + 0.4, 0.9) for i, w in enumerate(["solid", "nodule", "of", "twelve", "mm"]))
    return Case(
        case_id="c-1",
        volume=Volume(hu, affine),
        region=RegionOfInterest((0.0, 0.0, 0.0), 12.0),
        note=note_from_text("A 12 mm spiculated solid nodule in the right upper lobe."),
        voice_note=VoiceNote((SpeechSegment(words),), 3.0, "test"),
        age_years=60,
    )


@pytest.mark.parametrize("subset", SUBSETS, ids=subset_name)
def test_every_subset_is_assessed(tiny_engine, subset):
    assessment = tiny_engine.assess(make_case().restricted_to(subset))
    assert 0 <= assessment.main.low <= assessment.main.probability <= assessment.main.high <= 1
    assert assessment.main.is_flagged == (assessment.main.probability >= assessment.main.threshold)
    uses = {use.modality: use for use in assessment.modalities}
    assert {m for m, use in uses.items() if use.is_present} == subset
    assert sum(use.share for use in uses.values()) == pytest.approx(1.0)
    assert all(use.share == 0 and use.attention_weight == 0 for m, use in uses.items() if m not in subset)
    assert bool(assessment.descriptors) == (Modality.CT in subset)  # the look of a nodule is read from its CT


def test_a_case_is_the_same_alone_and_in_company(tiny_engine):
    cases = [make_case(0), make_case(1).restricted_to(frozenset({Modality.NOTE})), make_case(2)]
    together = tiny_engine.assess_many(cases)
    for case, found in zip(cases, together, strict=True):
        assert tiny_engine.assess(case).main.logit == pytest.approx(found.main.logit, abs=1e-5)


def test_contributions_sum_to_the_change_of_the_logit(tiny_engine):
    case = make_case()
    assessment = tiny_engine.assess(case)
    explanation = tiny_engine.explain(case)
    shares = explanation.modality_shares
    assert sum(shares.shapley_logits.values()) == pytest.approx(shares.full_logit - shares.base_logit, abs=1e-6)
    assert shares.full_logit == pytest.approx(assessment.main.logit, abs=1e-5)


def test_a_ct_without_region_is_not_used_and_the_reader_is_told(tiny_engine):
    case = make_case()
    assessment = tiny_engine.assess(Case("c-2", volume=case.volume, note=case.note))
    assert not assessment.modalities[0].is_present
    assert "The CT was not used: no region is marked in it." in assessment.warnings


def test_a_ct_without_region_alone_cannot_be_assessed(tiny_engine):
    with pytest.raises(CaseError, match="case c-3: nothing in it can be assessed; mark a region in the CT"):
        tiny_engine.assess(Case("c-3", volume=make_case().volume))


def test_silence_counts_as_absent(tiny_engine):
    case = make_case()
    silent = Case("c-4", note=case.note, voice_note=VoiceNote((), 4.0, "test"))
    assert not tiny_engine.assess(silent).modalities[2].is_present


def test_a_long_note_is_cut_with_a_warning(tiny_engine):
    warnings = tiny_engine.assess(Case("c-5", note=note_from_text("nodule " * 600))).warnings
    assert any("longer than 256 tokens" in warning for warning in warnings)


def test_a_region_at_the_edge_of_the_scan_is_told(tiny_engine):
    case = make_case()
    edge = Case("c-6", volume=case.volume, region=RegionOfInterest((-28.0, -28.0, -22.0)))
    assert any("lies outside the scan" in warning for warning in tiny_engine.assess(edge).warnings)
