"""What keeps the dashboard and its store together: the watch over a folder, corrected cases, drift of a model."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from dashboard_records import make_volume

from clinician_ui import folders
from clinician_ui.corrections import corrected, region_text, retimed
from clinician_ui.folders import FolderWatch, find_case, list_cases, take_in_one
from clinician_ui.model_facts import ModelFacts, drift_table, read_model_facts
from diagnosis.errors import BundleError, RegionError
from diagnosis.evaluation.drift import Verdict
from diagnosis.record import Case, ClinicalNote, RegionOfInterest, SpeechSegment, VoiceNote, Word
from diagnosis.store.actors import Actor, Role
from diagnosis.store.audit import read_events
from diagnosis.store.database import Store
from diagnosis.store.edits import Edit, EditedPart, KeptEdit
from diagnosis.store.history import Observation
from diagnosis.store.worklist import WorklistQuery, read_worklist

ACTOR = Actor("me", Role.ADMIN)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path_factory):
    opened = Store.open(str(tmp_path_factory.mktemp("own") / "s.sqlite3"))
    yield opened
    opened.close()


def names(store, cases_dir):
    collection = list_cases(cases_dir)[0].collection
    return {line.case_id for line in read_worklist(store, WorklistQuery(collection)).lines}


def test_the_store_follows_the_folder(store, cases_dir):
    watch = FolderWatch(cases_dir, store)
    watch.take_in(ACTOR)
    assert {"case_004", "note-only"} <= names(store, cases_dir)
    assert len(names(store, cases_dir)) == 4
    events = len(read_events(store))
    watch.take_in(ACTOR)
    assert len(read_events(store)) == events, "nothing changed, nothing is written"
    shutil.rmtree(cases_dir / "nothing")
    (cases_dir / "note_only" / "case.json").write_text('{"case_id": "renamed"}')
    watch.take_in(ACTOR)
    assert "renamed" in names(store, cases_dir)
    assert len(names(store, cases_dir)) == 3
    assert json.loads(read_events(store)[-1].detail) == {"added": 0, "changed": 1, "gone": 1}


def test_a_first_look_waits_for_the_folder_and_later_ones_do_not(store, cases_dir, monkeypatch):
    monkeypatch.setattr(folders, "PAGE_FIRST_S", 3600.0)  # whoever waited for a later look would wait so long
    watch = FolderWatch(cases_dir, store)
    watch.look(ACTOR, patience_s=300)
    assert (watch.is_running, watch.rounds, watch.problem) == (False, 1, None)
    watch.look(ACTOR, patience_s=3600)
    assert watch.rounds == 1
    other = FolderWatch(cases_dir, store)
    other.look(ACTOR, patience_s=3600)
    assert (other.is_running, other.rounds) == (True, 0)


def test_trouble_of_a_look_is_kept_as_a_sentence(store, tmp_path):
    watch = FolderWatch(tmp_path / "absent", store)
    watch.look(ACTOR, patience_s=300)
    assert "the folder does not exist" in watch.problem


def test_one_case_is_found_by_its_token(store, cases_dir):
    entry = next(e for e in list_cases(cases_dir) if e.folder.name == "note_only")
    assert find_case(cases_dir, entry.token) == entry
    assert find_case(cases_dir, "nobody") is None
    assert find_case(cases_dir, None) is None
    take_in_one(store, ACTOR, entry)
    take_in_one(store, ACTOR, entry)
    assert len(read_events(store)) == 1


def kept(part, original, edited, *, confirmed=True, number=1):
    return KeptEdit(number, Edit(part, original, edited, confirmed), NOW, "dr-who")


def spoken(*words, probability=0.5):
    timed = tuple(Word(w, float(i), i + 0.8, probability) for i, w in enumerate(words))
    return VoiceNote((SpeechSegment(timed),), len(words) + 1.0, "made")


def test_edits_apply_in_their_newest_form():
    volume = make_volume()
    center = tuple(volume.position_of([5, 10, 10]).tolist())
    case = Case("c", volume, RegionOfInterest((0.0, 0.0, 0.0)), ClinicalNote("old"), spoken("no", "mess"))
    region = RegionOfInterest(center, 9.0)
    edits = [
        kept(EditedPart.NOTE, "old", "IMPRESSION: new", number=4),
        kept(EditedPart.NOTE, "old", "older", number=3),
        kept(EditedPart.REGION, region_text(case.region), region_text(region), number=2),
        kept(EditedPart.TRANSCRIPT, "no mess", "no mass"),
    ]
    changed = corrected(case, edits)
    assert changed.note.text == "IMPRESSION: new"
    assert changed.note.sections
    assert changed.region == region
    assert (changed.voice_note.text, changed.voice_note.confirmed_by) == ("no mass", "dr-who")
    assert corrected(case, []) == case or corrected(case, []) is case
    assert corrected(case, [kept(EditedPart.REGION, "", "")]).region is None
    assert corrected(case, [kept(EditedPart.NOTE, "old", " ")]).note is None
    with pytest.raises(RegionError, match="outside the CT"):
        corrected(case, [kept(EditedPart.REGION, "", region_text(RegionOfInterest((999.0, 0.0, 0.0))))])


def test_an_unconfirmed_transcript_is_nobodys_word():
    case = Case("c", voice_note=spoken("no", "mass"))
    assert (
        corrected(case, [kept(EditedPart.TRANSCRIPT, "", "no mass", confirmed=False)]).voice_note.confirmed_by is None
    )
    confirmed = corrected(case, [kept(EditedPart.TRANSCRIPT, "no mass", "no mass")]).voice_note
    assert (confirmed.confirmed_by, confirmed.words) == ("dr-who", case.voice_note.words)


def test_kept_words_keep_their_seconds():
    words = retimed(spoken("a", "solid", "nobble", "is", "seen"), "a solid nodule here is seen")
    assert [w.text for w in words] == ["a", "solid", "nodule", "here", "is", "seen"]
    assert (words[1].start_s, words[1].probability) == (1.0, 0.5)
    assert (words[4].start_s, words[5].start_s) == (3.0, 4.0)
    assert 1.8 <= words[2].start_s < words[3].start_s < words[3].end_s <= 3.0
    assert words[2].probability == 1.0
    assert retimed(spoken("a"), "") == ()


def test_marks_that_were_spoken_stay_with_their_words():
    voice = spoken("lung", ",", "clear", ".", "\n", "heart", "big")
    words = retimed(voice, "lung, clear.\nheart small")
    assert [w.text for w in words] == ["lung,", "clear.", "\n", "heart", "small"]
    assert (words[0].start_s, words[0].end_s) == (0.0, 1.8)
    assert VoiceNote((SpeechSegment(words),), 9.0, "made").text == "lung, clear.\nheart small"


def test_the_shipped_bundle_as_its_page_shows_it(checkout):
    facts = read_model_facts(checkout / "models" / "lung_nodule")
    assert facts.finding == "malignancy"
    assert {"ct", "note", "ct+note+voice"} <= set(facts.subsets)
    assert facts.card.startswith("# lung_nodule")
    assert len(facts.sha256) == 64


def test_a_folder_that_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="declaration or card cannot be read"):
        read_model_facts(tmp_path)


FIGURES = {
    "n": 100,
    "positives": 40,
    "threshold": 0.5,
    "sensitivity": {"value": 0.8},
    "specificity": {"value": 0.9},
    "probability_counts": [10] * 10,
}
RANGE = {"diameter_mm": [4.0, 24.0], "slice_spacing_mm": [0.5, 2.5]}


def facts_with(figures=FIGURES, declared=RANGE):
    metrics = {"findings": {"malignancy": {"ct": figures}}} if figures is not None else None
    return ModelFacts("", metrics, {"training_range": declared}, "0" * 64)


def observed(n, probability, spacing, *, parts="ct"):
    chance = np.random.default_rng(n)
    return [
        Observation(
            NOW + timedelta(minutes=i),
            {
                "parts": parts,
                "slice_spacing_mm": spacing,
                "diameter_mm": float(chance.uniform(5, 20)),
                "age_years": None,
            },
            {"malignancy": float(probability(chance))},
        )
        for i in range(n)
    ]


def verdict_of(table, title):
    row = next(row for row in table.rows if row.title.startswith(title))
    return row.values[-1].verdict if row.values[-1] is not None else None


def test_steady_cases_are_steady_and_others_are_not():
    calm = drift_table(facts_with(), observed(200, lambda c: c.uniform(), 1.0))
    assert len(calm.spans) == 4
    assert verdict_of(calm, "Probability of") is Verdict.STEADY
    assert verdict_of(calm, "Slice spacing outside") is Verdict.STEADY
    assert verdict_of(calm, "Age") is Verdict.NOT_KNOWN
    changed = drift_table(facts_with(), observed(200, lambda c: c.beta(8, 2), 5.0))
    assert verdict_of(changed, "Probability of") is Verdict.CHANGED
    assert verdict_of(changed, "Share above") is Verdict.CHANGED
    assert verdict_of(changed, "Slice spacing outside") is Verdict.CHANGED


def test_what_a_bundle_does_not_state_is_not_known():
    figures = {k: v for k, v in FIGURES.items() if k not in {"probability_counts", "sensitivity"}}
    table = drift_table(facts_with(figures, {}), observed(200, lambda c: c.uniform(), 1.0))
    row = next(row for row in table.rows if row.title.startswith("Probability of"))
    assert row.reference.startswith("not known")
    assert verdict_of(table, "Probability of") is Verdict.NOT_KNOWN
    assert verdict_of(table, "Share above") is None
    assert verdict_of(table, "Diameter outside") is None
    few = drift_table(facts_with(), observed(20, lambda c: c.uniform(), 1.0))
    assert verdict_of(few, "Probability of") is Verdict.TOO_FEW
    nothing = drift_table(facts_with(None), [])
    assert {row.values for row in nothing.rows} == {()}
    assert nothing.rows[1].reference == "not known: no measured figures"
