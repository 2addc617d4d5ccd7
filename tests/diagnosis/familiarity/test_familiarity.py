"""What is unlike the training cases is pointed at, what is like them is left alone, and nothing is stopped."""

import json
from dataclasses import dataclass, replace
from shutil import copytree

import numpy as np
import pytest
from scipy import ndimage

from diagnosis.bundle.folder import FAMILIARITY, load_bundle, save_familiarity, verify_checksums
from diagnosis.errors import BundleError
from diagnosis.familiarity.ct import NOISE, CtFamiliarity, appearance, fit_ct, lung_share
from diagnosis.familiarity.language import foreign_language
from diagnosis.familiarity.limits import NO_DIAMETER, language_warnings, range_warnings, speech_warnings
from diagnosis.familiarity.model import FamiliarityModel, fit_familiarity
from diagnosis.preprocessing.volume import FieldOfView, prepare_region
from diagnosis.record import Case, ClinicalNote, RegionOfInterest, SpeechSegment, VoiceNote, Volume, Word

VIEW = FieldOfView((3, 40, 40), (1.25, 0.7, 0.7), (-1000.0, 400.0))


@dataclass(frozen=True)
class Region:
    hu: np.ndarray
    is_scanned: np.ndarray


def nodule_in_lung(seed: int, shape=(11, 68, 68)) -> np.ndarray:
    """A soft-tissue ball with vessels in noisy lung."""
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.arange(n) - n / 2 for n in shape), indexing="ij")
    ball = sum(a**2 for a in axes) < rng.uniform(6, 14) ** 2
    vessels = ndimage.gaussian_filter(rng.normal(size=shape), 2) > 0.12
    hu = np.where(ball | vessels, rng.normal(30, 15), rng.normal(-850, 30)) + rng.normal(0, 20, shape)
    return ndimage.gaussian_filter(hu, 0.7).astype(np.float16)


@pytest.fixture(scope="module")
def regions():
    made = [nodule_in_lung(seed) for seed in range(60)]
    return [(f"fold{i % 3}", Region(hu, np.ones(hu.shape, bool))) for i, hu in enumerate(made)]


@pytest.fixture(scope="module")
def model(regions, tiny_engine):
    texts = ["12 mm solid nodule in the right upper lobe with spiculated margins. No pleural effusion."] * 3
    return fit_familiarity(regions, tiny_engine.bundle.network, texts, VIEW)


def warnings_of(model: FamiliarityModel, hu: np.ndarray) -> tuple[str, ...]:
    volume = Volume(hu.astype(np.float32), VIEW.affine_at((0.0, 0.0, 0.0)))
    center = volume.position_of((np.array(hu.shape) - 1) / 2)
    region = RegionOfInterest(tuple(float(v) for v in center))
    return model.ct.warnings(volume, prepare_region(volume, region, VIEW))


def test_a_region_like_the_training_ones_is_left_alone(model):
    # The limit is the 99th percentile of sixty regions: one chance alarm in ten is possible, two are a fault.
    assert len([w for seed in range(100, 110) for w in warnings_of(model, nodule_in_lung(seed))]) <= 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda hu: hu + 1000,
        lambda hu: hu - 1024,
        lambda hu: hu * 2,
        lambda hu: np.random.default_rng(0).uniform(-1000, 400, hu.shape),
        lambda hu: np.full(hu.shape, -1000.0),
        lambda hu: np.full(hu.shape, 40.0),
    ],
    ids=["unsigned", "offset twice", "scaled", "noise", "air", "soft tissue"],
)
def test_a_wrong_ct_is_pointed_at(model, spoil):
    assert warnings_of(model, spoil(nodule_in_lung(100).astype(np.float32)))


def test_outside_air_with_foam_is_not_lung():
    plane = np.full((1, 80, 80), -1000.0, dtype=np.float32)
    plane[:, 20:50, 20:50] = -800.0
    assert lung_share(plane, np.ones(plane.shape, bool), 2.8) == 0.0
    assert lung_share(np.full_like(plane, -850.0), np.ones(plane.shape, bool), 2.8) == 1.0


@pytest.mark.parametrize(
    ("x_mm", "diameter_mm", "is_far"), [(0, 10, False), (45, 10, True), (45, None, False), (45, 70, False)]
)
def test_a_region_beside_the_lung_is_told_by_its_distance(model, x_mm, diameter_mm, is_far):
    # Lung on one side up to 10 mm from the middle, tissue on the other.
    columns = np.arange(160) * 2.0 - 160.0
    hu = np.where(columns < 10, -850.0, 40.0)[None, None, :] + np.zeros((9, 160, 1))
    hu += np.random.default_rng(0).normal(0, 20, hu.shape)
    affine = np.array([[0, 0, 2.0, -160.0], [0, 2.0, 0, -160.0], [4.0, 0, 0, -16.0], [0, 0, 0, 1.0]])
    volume = Volume(hu.astype(np.float32), affine)
    region = prepare_region(volume, RegionOfInterest((float(x_mm), 0.0, 0.0)), VIEW)
    found = replace(model.ct, lung_limit=0.02).warnings(volume, region, diameter_mm)
    assert any("from the nearest lung" in w for w in found) == is_far


def test_a_statistic_of_a_tissue_that_is_absent_is_left_out(regions):
    statistics = np.stack([appearance(r.hu.astype(np.float32)) for _, r in regions])
    fitted = fit_ct(statistics, np.ones(len(statistics)), [fold for fold, _ in regions])
    soft = appearance(np.full((3, 40, 40), 30.0, dtype=np.float32))
    assert np.isnan(soft).sum() == 3
    assert np.isfinite(fitted.distance(soft))


@pytest.mark.parametrize(
    ("text", "is_flagged"),
    [
        ("Friends, Romans, countrymen, lend me your ears; I come to bury Caesar, not to praise him.", True),
        ("Boil the spaghetti for nine minutes, drain and toss with butter and cheese.", True),
        ("const x = items.map(i => i.id).filter(Boolean);", True),
        ("Wir fahren morgen mit dem Zug nach Hamburg.", True),
        ("qwpeoiru zxmcnv asldkfj qpwoeiru", True),
        ("Chest radiograph: heart size normal, no focal consolidation or pneumothorax.", False),
        ("58-year-old man with cough, hemoptysis and a mass in the left lower lobe on CT.", False),
    ],
)
def test_only_texts_that_are_not_clinical_are_named(model, tiny_engine, text, is_flagged):
    from diagnosis.record import ClinicalNote

    case = Case("c", note=ClinicalNote(text))
    found = model.warnings(case, tiny_engine.prepare(case), tiny_engine.bundle.network)
    assert any("does not read like a clinical text" in w for w in found) == is_flagged


def test_a_bundle_keeps_its_alarm_and_refuses_a_changed_one(model, tiny_bundle, tmp_path):
    folder = copytree(tiny_bundle, tmp_path / "bundle")
    assert load_bundle(folder).familiarity is None
    before = verify_checksums(folder)
    assert save_familiarity(folder, model) == verify_checksums(folder) != before
    assert load_bundle(folder).familiarity.to_json() == model.to_json()
    (folder / FAMILIARITY).write_text(json.dumps(model.to_json() | {"ct": None}), encoding="utf-8")
    with pytest.raises(BundleError, match=r"familiarity\.json differs from its checksum"):
        load_bundle(folder)


def test_a_malformed_alarm_is_refused(model):
    data = model.to_json()
    with pytest.raises(ValueError, match="the format is not 1"):
        FamiliarityModel.from_json(data | {"format": 2})
    with pytest.raises(ValueError, match="11 statistics are needed"):
        CtFamiliarity.from_json(data["ct"] | {"center": [0.0]})


def test_values_outside_the_training_range_are_named():
    volume = Volume(np.zeros((4, 9, 9), np.float32), np.diag([7.5, 1.0, 1.0, 1.0])[[2, 1, 0, 3]])
    case = Case("c", volume=volume, region=RegionOfInterest((4.0, 4.0, 7.5), 80.0))
    assert range_warnings(case, (3.0, 30.0), (0.6, 3.0)) == (
        "A diameter of 80 mm is outside the range of the training cases (3 to 30 mm).",
        "A slice spacing of 7.5 mm is outside the range of the training cases (0.6 to 3 mm).",
    )
    assert range_warnings(case, (3.0, 80.0), (0.6, 7.5)) == ()
    unmeasured = Case("c", volume=volume, region=RegionOfInterest((4.0, 4.0, 7.5)))
    assert range_warnings(unmeasured, (3.0, 80.0), (0.6, 7.5)) == (NO_DIAMETER,)
    assert range_warnings(Case("c", volume=volume), (3.0, 80.0), (0.6, 7.5)) == ()


def test_speech_that_was_hard_to_understand_is_named():
    def case(probability: float) -> Case:
        words = (Word("no", 0.0, 0.3, probability), Word("nodule", 0.3, 0.9, probability))
        return Case("c", voice_note=VoiceNote((SpeechSegment(words),), 1.0, "test"))

    assert "Dictation: the recording was hard to understand; check every word against it." in speech_warnings(case(0.3))
    assert speech_warnings(case(0.95)) == ()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Paciente varón de 67 años con un nódulo espiculado de 22 mm en el lóbulo superior derecho.", "Spanish"),
        ("Nodule spiculé de 22 mm du lobe supérieur droit chez un patient fumeur.", "French"),
        ("Hallazgos: nódulo espiculado de 14 mm en el lóbulo superior derecho. No hay derrame pleural.", "Spanish"),
        ("Nodule spiculé de 14 mm du lobe supérieur droit. Pas d'épanchement pleural.", "French"),
        ("Rundherd rechter Oberlappen 14 mm, Unterlappen frei, Lunge sonst unauffällig.", "German"),
        ("Der Herd im linken Unterlappen ist glatt begrenzt und verkalkt.", "German"),
        ("Si osserva una massa nel polmone sinistro con margini irregolari.", "Italian"),
        ("Observa-se uma massa no pulmão esquerdo com margens irregulares, sem derrame.", "Portuguese"),
        ("Het beeld past bij een afwijking van de linker long met een scherpe rand.", "Dutch"),
        ("No focal consolidation. No pneumothorax. No pleural effusion. Heart size normal.", None),
        ("Carcinoma in situ, de novo; per ER, post op, et al. No. A la carte.", None),
        ("", None),
    ],
)
def test_a_text_in_another_language_is_named(text, language):
    assert foreign_language(text) == language
    voice = VoiceNote((SpeechSegment(tuple(Word(w, 0, 0, 1) for w in text.split())),), 3.0, "test") if text else None
    case = Case("c", note=ClinicalNote(text or "Clear."), voice_note=voice)
    found = language_warnings(case)
    assert [w.split(" seems")[0] for w in found] == (
        ["The note", "The transcript of the dictation"] if language else []
    )
    assert all(f"in {language};" in w for w in found)


def test_no_real_report_is_taken_for_another_language(shared_data):
    import csv

    with (shared_data / "text" / "iuxray" / "indiana_reports.csv").open(encoding="utf-8", newline="") as stream:
        texts = [row[part] for row in csv.DictReader(stream) for part in ("findings", "impression", "indication")]
    assert len(texts) > 10_000
    assert [text for text in texts if foreign_language(text)] == []


def test_noise_is_pointed_at_where_no_lung_is_in_view_and_the_distance_has_little_to_go_by(model):
    fitted = replace(model.ct, distance_limit=1e9)
    mass = fitted.center.copy()
    mass[6:9] = np.nan  # a mass fills the view: no percentiles of lung
    assert not fitted.is_unlike(mass)
    mass[NOISE] += 3.5 * fitted.scale[NOISE]
    assert fitted.is_unlike(mass)
    assert replace(model.ct, distance_limit=0.0).is_unlike(fitted.center + fitted.scale)
