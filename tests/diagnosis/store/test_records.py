"""Cases, assessments, reviews and edits: nothing is lost, and the worklist's line follows."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Engine, event
from store_records import COLLECTION, add_assessment, add_cases, make_assessment

from diagnosis.errors import ConfigurationError, StoreError
from diagnosis.record import Case, ClinicalNote, RegionOfInterest, SpeechSegment, VoiceNote, Volume, Word
from diagnosis.store.actors import Actor, Role
from diagnosis.store.assessments import assessments_of, latest_assessment, save_assessment, save_problem
from diagnosis.store.audit import Action, note_event
from diagnosis.store.cases import (
    CaseFacts,
    HeaderFacts,
    SyncCounts,
    complete_from_headers,
    has_case,
    known_fingerprints,
    sync_cases,
)
from diagnosis.store.database import Store
from diagnosis.store.documents import assessment_document, assessment_from, canonical_json
from diagnosis.store.edits import Edit, EditedPart, edits_of, newest_number, save_edit
from diagnosis.store.history import read_observations
from diagnosis.store.inputs import inputs_of
from diagnosis.store.review_state import Decision, Opinion, ReviewState, Seat, review_state
from diagnosis.store.reviews import Review, reviews_of, save_review
from diagnosis.store.verification import verify_trail
from diagnosis.store.worklist import WorklistQuery, read_worklist
from diagnosis.vocabulary import Sex

SECOND = Actor("second@clinic", Role.READER)


def line_of(store, token):
    page = read_worklist(store, WorklistQuery(COLLECTION, page_length=1000))
    return next(line for line in page.lines if line.token == token)


def test_an_assessment_comes_back_as_it_was(store, actor):
    [token] = add_cases(store, actor)
    kept = add_assessment(store, actor, token)
    assert kept.assessment == make_assessment()
    assert latest_assessment(store, token) == kept
    assert assessment_from(json.loads(canonical_json(assessment_document(make_assessment())))) == make_assessment()
    with pytest.raises(ValueError, match="Out of range float"):
        canonical_json({"p": np.nan})


def test_every_assessment_is_kept_and_equal_ones_are_one(store, actor):
    [token] = add_cases(store, actor)
    first = add_assessment(store, actor, token)
    assert add_assessment(store, actor, token).number == first.number
    second = add_assessment(store, actor, token, 0.1, note_sha256="n")
    assert [k.number for k in assessments_of(store, token)] == [second.number, first.number]
    line = line_of(store, token)
    assert (line.probability, line.low, line.is_flagged, line.prediction_set) == (0.1, 0.0, False, "positive")


def test_an_unknown_case_is_refused(store, actor):
    with pytest.raises(StoreError, match="this case is not known; open the worklist"):
        add_assessment(store, actor, "nobody")


def test_changed_files_wait_to_be_assessed_and_keep_their_past(store, actor):
    [token] = add_cases(store, actor)
    kept = add_assessment(store, actor, token)
    save_review(store, actor, token, Review(kept.number, "malignancy", Decision.ACCEPT))
    counts = sync_cases(store, actor, COLLECTION, [CaseFacts(token, "p-0", "f2")])
    assert counts == SyncCounts(0, 1, 0)
    line = line_of(store, token)
    assert (line.probability, line.review_state) == (None, ReviewState.OUTDATED)
    assert len(assessments_of(store, token)) == 1
    sync_cases(store, actor, COLLECTION, [CaseFacts(token, "p-0", "f1")])
    assert line_of(store, token).review_state is ReviewState.ACCEPTED
    assert verify_trail(store).faults == ()


def test_a_case_that_went_away_comes_back(store, actor):
    tokens = add_cases(store, actor, 3)
    assert known_fingerprints(store, COLLECTION) == dict.fromkeys(tokens, "f1")
    sync_cases(store, actor, COLLECTION, [], gone=tokens[:2])
    assert list(known_fingerprints(store, COLLECTION)) == tokens[2:]
    assert read_worklist(store, WorklistQuery(COLLECTION)).n_fitting == 1
    sync_cases(store, actor, COLLECTION, [CaseFacts(tokens[0], "p-0", "f1")])
    assert read_worklist(store, WorklistQuery(COLLECTION)).n_fitting == 2
    before = verify_trail(store).n_events
    assert sync_cases(store, actor, COLLECTION, []) == SyncCounts(0, 0, 0)
    assert verify_trail(store).n_events == before


def test_a_problem_is_shown_until_the_files_change(store, actor):
    [token] = add_cases(store, actor)
    save_problem(store, actor, token, "CT: slices 4 and 5 are 9 mm apart")
    save_problem(store, actor, token, "CT: slices 4 and 5 are 9 mm apart")
    assert line_of(store, token).problem == "CT: slices 4 and 5 are 9 mm apart"
    assert verify_trail(store).n_events == 2
    sync_cases(store, actor, COLLECTION, [CaseFacts(token, "p-0", "f2")])
    assert line_of(store, token).problem is None


def test_a_case_is_dated_by_its_study(store, actor):
    from datetime import date

    [token] = add_cases(store, actor)
    assert not line_of(store, token).is_study_date
    complete_from_headers(store, token, HeaderFacts(date(2021, 4, 3)))
    complete_from_headers(store, token, HeaderFacts(date(2021, 4, 3)))
    assert (line_of(store, token).dated_on, line_of(store, token).is_study_date) == (date(2021, 4, 3), True)


def test_headers_say_what_nobody_stated(store, actor):
    [token] = add_cases(store, actor)
    complete_from_headers(store, token, HeaderFacts(None, 71.0, "O"))
    assert (line_of(store, token).age_years, line_of(store, token).sex) == (40.0, "F")
    sync_cases(store, actor, COLLECTION, [CaseFacts("new", "p-new", "f1", parts="ct")])
    complete_from_headers(store, "new", HeaderFacts(None, 71.0, "M"))
    assert (line_of(store, "new").age_years, line_of(store, "new").sex) == (71.0, "M")
    sync_cases(store, actor, COLLECTION, [CaseFacts("new", "p-new", "f2", parts="ct")])
    assert (line_of(store, "new").age_years, line_of(store, "new").sex) == (71.0, "M")


def test_the_line_of_a_case_follows_its_edits(store, actor):
    sync_cases(store, actor, COLLECTION, [CaseFacts("t", "p", "f1", parts="ct")])
    assert (line_of(store, "t").has_region, line_of(store, "t").parts) == (False, {"ct"})
    save_edit(store, actor, "t", Edit(EditedPart.REGION, "", '{"center_mm":[1,2,3],"diameter_mm":4}'))
    save_edit(store, actor, "t", Edit(EditedPart.NOTE, "", "A nodule."))
    assert (line_of(store, "t").has_region, line_of(store, "t").parts) == (True, {"ct", "note"})
    sync_cases(store, actor, COLLECTION, [CaseFacts("t", "p", "f2", parts="ct+voice")])
    assert (line_of(store, "t").has_region, line_of(store, "t").parts) == (True, {"ct", "note", "voice"})
    save_edit(store, actor, "t", Edit(EditedPart.NOTE, "A nodule.", " "))
    assert line_of(store, "t").parts == {"ct", "voice"}


def test_reviews_of_two_readers(store, actor):
    [token] = add_cases(store, actor)
    kept = add_assessment(store, actor, token, findings=("malignancy", "calcified"))
    with pytest.raises(StoreError, match="no first reader yet"):
        save_review(store, SECOND, token, Review(kept.number, "malignancy", Decision.ACCEPT, seat=Seat.SECOND))
    save_review(store, actor, token, Review(kept.number, "malignancy", Decision.ACCEPT, comment="clear "))
    assert line_of(store, token).review_state is ReviewState.PARTLY
    with pytest.raises(StoreError, match="another person than the first"):
        save_review(store, actor, token, Review(kept.number, "malignancy", Decision.ACCEPT, seat=Seat.SECOND))
    save_review(store, actor, token, Review(kept.number, "calcified", Decision.DEFER, reason="thin slices needed"))
    assert line_of(store, token).review_state is ReviewState.DEFERRED
    override = Review(kept.number, "calcified", Decision.OVERRIDE, "negative", "fat, not calcium", seat=Seat.SECOND)
    save_review(store, SECOND, token, override)
    assert line_of(store, token).review_state is ReviewState.OVERRIDDEN
    save_review(store, actor, token, Review(kept.number, "calcified", Decision.ACCEPT))
    assert line_of(store, token).review_state is ReviewState.DISAGREEMENT
    newest = reviews_of(store, token)[0]
    assert (newest.made_by, newest.review.finding) == (actor.name, "calcified")
    assert reviews_of(store, token)[-1].review.comment == "clear"
    add_assessment(store, actor, token, 0.5, note_sha256="other")
    assert line_of(store, token).review_state is ReviewState.OUTDATED
    with pytest.raises(StoreError, match="assessed again meanwhile; look at the new assessment"):
        save_review(store, actor, token, override)
    assert verify_trail(store).faults == ()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"decision": Decision.OVERRIDE, "reason": "r"}, "does not say what the finding is"),
        ({"decision": Decision.OVERRIDE, "value": "maybe", "reason": "r"}, "choose positive or negative"),
        ({"decision": Decision.ACCEPT, "value": "positive"}, "only an override has a value"),
        ({"decision": Decision.OVERRIDE, "value": "positive", "reason": " "}, "no reason is given to override"),
        ({"decision": Decision.DEFER}, "no reason is given to defer"),
    ],
)
def test_reviews_that_do_not_hold_together(values, message):
    with pytest.raises(StoreError, match=message):
        Review(1, "malignancy", **values)


def test_no_findings_reviewed_of_the_latest_is_open():
    assert review_state(2, ["a"], []) is ReviewState.OPEN
    assert review_state(2, ["a"], [Opinion(1, "a", "accept", None, "first")]) is ReviewState.OUTDATED


def test_edits_keep_the_original(store, actor):
    [token] = add_cases(store, actor)
    save_edit(store, actor, token, Edit(EditedPart.TRANSCRIPT, "no mess", "no mass"))
    last = save_edit(store, SECOND, token, Edit(EditedPart.TRANSCRIPT, "no mass", "no mass", is_confirmed=True))
    save_edit(store, actor, token, Edit(EditedPart.REGION, "", '{"center_mm":[1,2,3]}'))
    assert edits_of(store, token, EditedPart.TRANSCRIPT)[0] == last
    assert [e.edit.original for e in edits_of(store, token, EditedPart.TRANSCRIPT)] == ["no mass", "no mess"]
    assert len(edits_of(store, token)) == 3
    assert newest_number(edits_of(store, token)) == last.number + 1
    assert newest_number([]) == 0
    assert edits_of(store, token, EditedPart.NOTE) == []


def test_inputs_hold_no_words(store, actor):
    volume = Volume(np.zeros((4, 6, 6), np.float32), np.diag([1.0, 1.0, 1.0, 1.0]))
    voice = VoiceNote((SpeechSegment((Word("mass", 0.0, 0.5, 0.8),)),), 1.0, "made")
    region = RegionOfInterest((1.0, 1.0, 1.0), 9.0)
    case = Case("p-0", volume, region, ClinicalNote("Spiculated nodule."), voice, 61.0, Sex.FEMALE)
    inputs = inputs_of(case, "f1")
    assert "nodule" not in json.dumps(inputs)
    assert "mass" not in json.dumps(inputs)
    assert (inputs["diameter_mm"], inputs["slices"], inputs["note_words"]) == (9.0, 4, 2)
    assert (inputs["voice_word_probability"], inputs["parts"], inputs["sex"]) == (0.8, "ct+note+voice", "F")
    assert inputs_of(replace(case, note=ClinicalNote("Smooth nodule.")), "f1") != inputs
    [token] = add_cases(store, actor)
    kept = save_assessment(store, actor, token, make_assessment(), inputs)
    assert kept.inputs == json.loads(json.dumps(inputs))
    assert inputs_of(case, "f2") != inputs


def test_observations_count_each_case_once(store, actor):
    first, second = add_cases(store, actor, 2)
    add_assessment(store, actor, first, 0.4, age_years=50)
    add_assessment(store, actor, second, 0.6)
    add_assessment(store, actor, first, 0.9, age_years=51)
    seen = read_observations(store, COLLECTION, "b" * 64)
    assert [o.probabilities["malignancy"] for o in seen] == [0.4, 0.6]
    assert seen[0].inputs["age_years"] == 50
    assert read_observations(store, COLLECTION, "a" * 64) == []


def test_what_was_written_is_there_after_a_restart(url, actor):
    store = Store.open(url)
    [token] = add_cases(store, actor)
    add_assessment(store, actor, token)
    store.close()
    again = Store.open(url)
    assert line_of(again, token).probability == 0.83
    again.close()


def test_the_file_is_for_its_owner_alone(tmp_path):
    Store.open(str(tmp_path / "new" / "s.sqlite3")).close()
    assert (tmp_path / "new" / "s.sqlite3").stat().st_mode & 0o077 == 0
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0


def test_addresses_that_cannot_be_used(tmp_path):
    with pytest.raises(ConfigurationError, match="mysql is not supported; use sqlite or postgresql"):
        Store.open("mysql://u:secret@h/d")
    with pytest.raises(ConfigurationError, match="is not a URL of a database"):
        Store.open("://")
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match="the sqlite database cannot be used"):
        Store.open(str(tmp_path / "file" / "s.sqlite3"))
    (tmp_path / "text.sqlite3").write_text("not a database " * 100)
    with pytest.raises(StoreError, match=r"cannot be used \(DatabaseError\); check DIAGNOSIS_STORE"):
        Store.open(str(tmp_path / "text.sqlite3"))
    with pytest.raises(StoreError, match="the postgresql database cannot be used") as caught:
        Store.open("postgresql://u:secret@127.0.0.1:1/d")
    assert "secret" not in str(caught.value)


def test_a_database_that_takes_no_writes_is_told_apart(tmp_path):
    """Who opens a case is noted first, so a case of a read-only database cannot be opened."""
    Store.open(str(tmp_path / "store.sqlite3")).close()

    def refuse_writes(connection, _record):
        connection.execute("PRAGMA query_only=ON")

    event.listen(Engine, "connect", refuse_writes)
    try:
        store = Store.open(str(tmp_path / "store.sqlite3"))
        assert has_case(store, "c1") is False, "it can be read"
        with pytest.raises(StoreError, match="the sqlite database can be read and not written, and nothing is shown"):
            note_event(store, SECOND, Action.VIEW, "c1")
        store.close()
    finally:
        event.remove(Engine, "connect", refuse_writes)
