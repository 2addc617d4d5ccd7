import json
import mmap

import numpy as np
import pytest
from planted_truth import CONTRACT, DICTATION, NOTE, VIEW, make_case, make_volume, prepared_batch

from diagnosis.errors import InputError
from diagnosis.explanation.benchmark import CONTROLS, TEXT_METHODS, CohortRun, measure_texts, measure_volumes
from diagnosis.explanation.benchmark_cohorts import (
    Chests,
    KnownCase,
    LazyCase,
    lidc_cases,
    make_patient,
    one_member,
    spoken,
    told_spans,
    train_on_lesions,
)
from diagnosis.explanation.benchmark_ledger import FIGURES, Ledger, Row, published
from diagnosis.explanation.counterfactual import text_of
from diagnosis.explanation.faithfulness import mass_inside, pointing_game
from diagnosis.explanation.memory import peak_memory
from diagnosis.explanation.parts import VolumeFunction
from diagnosis.explanation.volume import VOLUME_METHODS, attribute_volume
from diagnosis.networks.text_encoder import load_tokenizer
from diagnosis.preprocessing.volume import sample_hu
from diagnosis.record import Volume
from diagnosis.vocabulary import Modality

KEYS = {"pointing_game", "mass_inside", "deletion_beats_random", "completeness_gap", "seconds", "peak_mb"}


def test_voxels_of_a_trained_network_beat_what_knows_nothing(trained):
    cases = []
    for seed, offset in enumerate([(6.0, 0.0, 0.0), (-4.0, -5.0, 1.0)]):
        case = make_case(offset, NOTE, DICTATION, seed=700 + seed)
        _, mask = make_volume(offset, np.random.default_rng(700 + seed))
        cases.append(KnownCase(case, Volume(mask.astype(np.float32), case.volume.affine_lps)))
    ledger = Ledger()
    named = [LazyCase(str(i), lambda known=known: known, lambda: trained) for i, known in enumerate(cases)]
    measure_volumes(CohortRun("balls", CONTRACT, ledger, only_part=Modality.CT), named)
    found = ledger.table()["balls"]
    assert list(found) == [*VOLUME_METHODS, *CONTROLS]
    assert all(set(figures) == KEYS for figures in published(ledger.table())["balls"].values())
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
    ledger = Ledger()
    run = CohortRun("notes", CONTRACT, ledger, only_part=Modality.NOTE)
    measure_texts(run, [LazyCase("0", lambda: known, lambda: reader)])
    found = ledger.table()["notes"]
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
    # New pages in any case, where an array could be given memory that the process has already.
    with peak_memory() as found, mmap.mmap(-1, 40 * 2**20) as block:
        for _ in range(40):
            block.write(b"1" * 2**20)
    assert 35 <= found.peak_mb <= 60


@pytest.mark.slow
def test_a_synthetic_chest_tells_in_one_part_alone():
    patient = make_patient(3, 0)
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


def test_missing_nodules_are_named(tmp_path, trained):
    with pytest.raises(InputError, match=r"holds no labels\.csv; name the folder of the LIDC nodules"):
        next(lidc_cases(tmp_path, 1, 0, trained))


def test_real_nodules_have_their_outline_and_a_member_that_was_trained_without_them(shared_data, trained):
    root = shared_data / "lidc_nodules"
    lazy = next(lidc_cases(root, 1, 0, trained))
    known = lazy.load()
    assert len(lazy.network().classifiers()) == 1
    assert known.lesion.hu.sum() > 0
    assert known.case.volume.contains(known.case.region.center_mm)
    assert known.case.present == {Modality.CT}


def row(case, **values):
    return Row("c", case, "m", True, 0.5, True, 1.0, **values)


def test_a_stopped_run_continues_where_it_was(tmp_path):
    path = tmp_path / "rows.jsonl"
    ledger = Ledger.open(path, {"seed": 1})
    ledger.add(row("a", completeness_gap=0.004))
    ledger.add(row("b", completeness_gap=0.009))
    with path.open("a") as file:
        file.write('{"cohort": "c", "case": "x", "met')
    again = Ledger.open(path, {"seed": 1})
    assert [r.case for r in again.rows] == ["a", "b"]
    assert again.has("c", "b", "m")
    assert not again.has("c", "x", "m")
    again.add(row("x", completeness_gap=0.001))
    table = Ledger.open(path, {"seed": 1}).table()
    assert table["c"]["m"]["n_cases"] == 3
    assert table["c"]["m"]["completeness_gap"] == 0.009
    assert tuple(published(table)["c"]["m"]) == FIGURES
    with pytest.raises(InputError, match=r"measured with another bundle or seed; name another file with --out"):
        Ledger.open(path, {"seed": 2})
    path.write_text("other things\n")
    with pytest.raises(InputError, match="does not hold rows of this benchmark"):
        Ledger.open(path, {"seed": 1})


def test_what_was_measured_is_neither_made_nor_measured_again(trained):
    ledger = Ledger()
    for method in (*VOLUME_METHODS, *CONTROLS):
        ledger.add(Row("balls", "0", method, True, 0.5, True, 1.0))

    def fail():
        raise AssertionError

    measure_volumes(CohortRun("balls", CONTRACT, ledger), [LazyCase("0", fail, fail)])
    assert len(ledger.rows) == 6


def test_further_methods_are_measured_on_fewer_cases():
    run = CohortRun("balls", CONTRACT, Ledger(), n_further=1)
    assert len(run.todo(0, "0", (*VOLUME_METHODS, *CONTROLS))) == 6
    assert run.todo(1, "1", (*VOLUME_METHODS, *CONTROLS)) == ["integrated_gradients", *CONTROLS]


def test_cohorts_of_chests_are_named_before_anything_is_made():
    chests = Chests(7, 3, CONTRACT, lambda _title: lambda _done, _all: None)
    assert [case.name for case in chests.cases(Modality.CT)] == ["phantom_012", "phantom_013", "phantom_014"]


def test_one_member_shares_the_weights_and_leaves_the_ensemble_whole(trained):
    alone = one_member(trained, 1)
    assert len(trained.classifiers()) == 2
    assert alone.classifiers() == [trained.classifiers()[1]]
    assert alone.bert is trained.bert


def test_quantus_agrees_on_the_maps_of_a_network(trained):
    """The reference implementation of two metrics, on the maps and masks that the benchmark measures."""
    import quantus

    maps, truth = [], []
    for seed, offset in enumerate([(6.0, 0.0, 0.0), (-4.0, -5.0, 1.0), (0.0, 3.0, -1.0)]):
        case = make_case(offset, NOTE, DICTATION, seed=720 + seed)
        _, mask = make_volume(offset, np.random.default_rng(720 + seed))
        prepared, batch = prepared_batch(case, load_tokenizer(trained.config.text_encoder))
        made = attribute_volume(VolumeFunction(trained, batch, 0), VIEW, prepared.region.affine_lps)
        lesion = Volume(mask.astype(np.float32), case.volume.affine_lps)
        inside, _ = sample_hu(lesion, prepared.region.affine_lps, VIEW.shape)
        # Quantus knows pictures of two dimensions: slices are laid below each other.
        maps.append(made.values.reshape(1, -1, VIEW.shape[2]))
        truth.append((inside >= 0.5).reshape(1, -1, VIEW.shape[2]))
    maps, truth = np.stack(maps), np.stack(truth)
    inputs = {"model": None, "x_batch": maps, "y_batch": np.zeros(3, int), "a_batch": maps, "s_batch": truth}
    common = {"disable_warnings": True, "normalise": False}
    theirs = quantus.PointingGame(abs=True, **common)(**inputs)
    assert [pointing_game(np.abs(a), s) for a, s in zip(maps, truth, strict=True)] == [bool(hit) for hit in theirs]
    theirs = quantus.AttributionLocalisation(abs=True, **common)(**inputs)
    ours = [mass_inside(np.abs(a), s) for a, s in zip(maps, truth, strict=True)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    assert 0 < min(ours) < max(ours) < 1
