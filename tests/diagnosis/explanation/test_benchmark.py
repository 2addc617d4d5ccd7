import json

import numpy as np
import pytest
from planted_truth import CONTRACT, DICTATION, NOTE, make_case, make_volume

from diagnosis.errors import InputError
from diagnosis.explanation.benchmark import CONTROLS, TEXT_METHODS, measure_texts, measure_volumes
from diagnosis.explanation.benchmark_cohorts import (
    KnownCase,
    lidc_cases,
    make_patients,
    spoken,
    told_spans,
    train_on_lesions,
)
from diagnosis.explanation.counterfactual import text_of
from diagnosis.explanation.faithfulness import mass_inside, pointing_game
from diagnosis.explanation.memory import peak_memory
from diagnosis.explanation.volume import VOLUME_METHODS
from diagnosis.record import Volume
from diagnosis.vocabulary import Modality

KEYS = {"pointing_game", "mass_inside", "deletion_beats_random", "completeness_gap", "seconds", "peak_mb"}


def test_voxels_of_a_trained_network_beat_what_knows_nothing(trained):
    cases = []
    for seed, offset in enumerate([(6.0, 0.0, 0.0), (-4.0, -5.0, 1.0)]):
        case = make_case(offset, NOTE, DICTATION, seed=700 + seed)
        _, mask = make_volume(offset, np.random.default_rng(700 + seed))
        cases.append(KnownCase(case, Volume(mask.astype(np.float32), case.volume.affine_lps)))
    found = measure_volumes(trained, CONTRACT, cases, Modality.CT)
    assert list(found) == [*VOLUME_METHODS, *CONTROLS]
    assert all(set(figures) >= KEYS for figures in found.values())
    default = found["integrated_gradients"]
    assert default["n_cases"] == 2
    assert default["pointing_game"] == 1
    assert default["deletion_beats_random"] == 1
    assert default["completeness_gap"] <= 0.01
    assert default["shapley_credit"] >= 0.9
    assert found["control_center"]["pointing_game"] == 0
    assert found["control_intensity"]["randomization_correlation"] == pytest.approx(1)
    json.dumps(found)


def test_words_of_a_trained_network(reader):
    at = NOTE.index("spiculated")
    known = KnownCase(make_case(None, NOTE, None), told=((at, at + len("spiculated")),))
    found = measure_texts(reader, CONTRACT, [known], Modality.NOTE)
    assert list(found) == list(TEXT_METHODS)
    assert found["integrated_gradients"]["pointing_game"] == 1
    assert found["leave_one_out"]["pointing_game"] == 1
    assert found["leave_one_out"]["completeness_gap"] is None


def test_told_spans_are_what_no_clear_chest_says():
    note = (
        "HISTORY: 64-year-old man.\n\nTECHNIQUE: CT of the chest.\n\n"
        "FINDINGS: A spiculated nodule of 12 mm. Heart size is normal.\n\n"
        "IMPRESSION: No acute abnormality of the chest.\n"
    )
    assert [note[a:b] for a, b in told_spans(note)] == ["FINDINGS: A spiculated nodule of 12 mm."]
    assert told_spans("The lungs are clear. No focal consolidation.") == ()


def test_spoken_words_follow_each_other():
    voice = spoken("one two three")
    assert voice.text == "one two three"
    assert [word.start_s for word in voice.words] == pytest.approx([0, 0.4, 0.8])


def test_memory_of_a_known_allocation():
    with peak_memory() as nothing:
        pass
    if nothing.peak_mb is None:
        pytest.skip("this system does not tell the peak memory of a stretch of work")
    with peak_memory() as found:
        block = np.ones(40 * 2**20, dtype=np.uint8)
        del block
    assert 35 <= found.peak_mb <= 60


@pytest.mark.slow
def test_a_synthetic_chest_tells_in_one_part_alone():
    (patient,) = make_patients(1, 3, lambda _done, _all: None)
    rng = np.random.default_rng(0)
    for part in (Modality.NOTE, Modality.VOICE):
        known = patient.case(part, rng, has_lesion=True)
        assert known.told
        other = Modality.VOICE if part is Modality.NOTE else Modality.NOTE
        assert told_spans(text_of(known.case, other)) == ()
        assert patient.case(part, rng, has_lesion=False).told == ()
    shown = patient.case(Modality.CT, rng, has_lesion=True)
    assert np.linalg.norm(np.subtract(shown.case.region.center_mm, patient.phantom.ct.center_mm)) <= 5.2
    assert told_spans(shown.case.note.text) == ()
    hidden = patient.case(Modality.CT, rng, has_lesion=False)
    assert np.linalg.norm(np.subtract(hidden.case.region.center_mm, patient.phantom.ct.center_mm)) > 25
    network = train_on_lesions([patient], Modality.NOTE, CONTRACT)
    assert not network.training


def test_missing_nodules_are_named(tmp_path):
    with pytest.raises(InputError, match=r"holds no labels\.csv; name the folder of the LIDC nodules"):
        next(lidc_cases(tmp_path, 1, 0))


def test_real_nodules_have_their_outline(shared_data):
    root = shared_data / "lidc_nodules"
    known = next(lidc_cases(root, 1, 0))
    assert known.lesion.hu.sum() > 0
    assert known.case.volume.contains(known.case.region.center_mm)
    assert known.case.present == {Modality.CT}


def test_quantus_agrees_on_pointing_and_mass():
    quantus = pytest.importorskip("quantus", reason="the reference implementation of the metrics is not installed")
    rng = np.random.default_rng(0)
    maps = rng.random((6, 1, 12, 20)).astype(np.float32)
    truth = np.zeros((6, 1, 12, 20), dtype=bool)
    truth[:, :, 3:8, 5:14] = True
    common = {"disable_warnings": True, "abs": False, "normalise": False}
    inputs = {"model": None, "x_batch": maps, "y_batch": np.zeros(6, int), "a_batch": maps, "s_batch": truth}
    theirs = quantus.PointingGame(**common)(**inputs)
    assert [pointing_game(a, s) for a, s in zip(maps, truth, strict=True)] == [bool(hit) for hit in theirs]
    theirs = quantus.AttributionLocalisation(**common)(**inputs)
    np.testing.assert_allclose([mass_inside(a, s) for a, s in zip(maps, truth, strict=True)], theirs, rtol=1e-4)
