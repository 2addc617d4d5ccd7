"""What-if answers are those of the engine on the changed case, and come at once."""

import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from clinician_ui.changes import known_changes, try_changes
from clinician_ui.folders import list_cases
from clinician_ui.permissions import Visitor
from clinician_ui.services import assess_case, engine_of, load_case
from clinician_ui.what_if import Question, open_what_if
from diagnosis.errors import AccessError, CaseError, ExplanationError, RegionError
from diagnosis.record import ChangeKind, ClinicalNote, RegionOfInterest
from diagnosis.store.actors import Role
from diagnosis.vocabulary import Modality

NOTE = "FINDINGS: Spiculated solid nodule of 18 mm. The margin is poorly defined. No effusion."


@pytest.fixture(scope="module")
def folder(checkout, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    shutil.copytree(checkout / "data_samples" / "case_004", folder / "one")
    (folder / "one" / "note.txt").write_text(NOTE)
    return folder


@pytest.fixture
def asked(folder, ui_bundle):
    return open_what_if(list_cases(folder)[0], ui_bundle, "malignancy")


def answer(asked, *questions: Question) -> list[float]:
    return asked.probabilities(questions)


def test_unchanged_it_is_the_assessment(asked, folder, ui_bundle):
    case = load_case(list_cases(folder)[0])
    assessed = engine_of(ui_bundle).assess(case).main.probability
    assert answer(asked, Question(case.present)) == [pytest.approx(assessed, abs=1e-5)]


def test_without_a_part_a_sentence_or_elsewhere_it_is_the_engine_on_the_changed_case(asked, ui_bundle):
    engine, case = engine_of(ui_bundle), asked.case
    (first, words), second, _ = asked.sentences(Modality.NOTE)
    assert words == "FINDINGS: Spiculated solid nodule of 18 mm."
    moved = RegionOfInterest((case.region.center_mm[0] + 4, *case.region.center_mm[1:]), 12.0)
    both = frozenset({Modality.CT, Modality.NOTE})
    questions = [
        Question(frozenset({Modality.CT})),
        Question(frozenset({Modality.NOTE})),
        Question(both, ((Modality.NOTE, first), (Modality.NOTE, second[0]))),
        Question(both, region=moved),
    ]
    changed = [
        case.restricted_to(frozenset({Modality.CT})),
        case.restricted_to(frozenset({Modality.NOTE})),
        replace(case, note=ClinicalNote(NOTE[: first[0]] + NOTE[first[1] : second[0][0]] + NOTE[second[0][1] :])),
        replace(case, region=moved),
    ]
    expected = [engine.assess(other).main.probability for other in changed]
    assert answer(asked, *questions) == pytest.approx(expected, abs=1e-4)


def test_sentences_of_a_part_that_is_left_out_are_not_missed(asked):
    first = asked.sentences(Modality.NOTE)[0][0]
    with_, without = answer(
        asked,
        Question(frozenset({Modality.CT}), ((Modality.NOTE, first),)),
        Question(frozenset({Modality.CT})),
    )
    assert with_ == without
    assert asked.sentences(Modality.VOICE) == ()


def test_nothing_left_and_nowhere_are_refused(asked):
    with pytest.raises(CaseError):
        answer(asked, Question(frozenset()))
    everything = tuple((Modality.NOTE, span) for span, _ in asked.sentences(Modality.NOTE))
    with pytest.raises(CaseError, match="leave something in"):
        answer(asked, Question(frozenset({Modality.NOTE}), everything))
    far = RegionOfInterest((5000.0, 0.0, 0.0))
    with pytest.raises(RegionError, match="outside the CT"):
        answer(asked, Question(asked.case.present, region=far))


def test_an_unknown_finding_is_refused(folder, ui_bundle):
    with pytest.raises(ExplanationError, match="does not know this finding"):
        open_what_if(list_cases(folder)[0], ui_bundle, "happiness")


def test_a_known_part_is_not_encoded_again(asked, folder, ui_bundle):
    again = open_what_if(list_cases(folder)[0], ui_bundle, "malignancy")
    assert again is asked
    answer(asked, Question(asked.case.present))
    start = time.process_time()
    answer(asked, Question(frozenset({Modality.CT})), Question(frozenset({Modality.NOTE})))
    assert time.process_time() - start < 1.0


def test_every_change_is_tried_once_and_kept(asked, folder, ui_bundle, monkeypatch):
    entry = list_cases(folder)[0]
    assert known_changes(entry, ui_bundle, "malignancy") is None
    with pytest.raises(ExplanationError, match="the case has changed since it was assessed"):
        try_changes(entry, ui_bundle, "malignancy")
    probability = assess_case(entry, ui_bundle).assessment.main.probability
    changes = try_changes(entry, ui_bundle, "malignancy")
    kinds = [change.kind for change in changes.tried]
    assert kinds.count(ChangeKind.SENTENCE_REMOVED) == 3
    assert kinds.count(ChangeKind.MODALITY_LEFT_OUT) == 2
    assert kinds.count(ChangeKind.REGION_BLANKED) == 1
    assert changes.has_note
    span = asked.sentences(Modality.NOTE)[1][0]
    second = next(c for c in changes.tried if c.spans == (span,) and c.kind is ChangeKind.SENTENCE_REMOVED)
    question = Question(asked.case.present, ((Modality.NOTE, span),))
    assert second.probability_after == pytest.approx(answer(asked, question)[0], abs=1e-5)
    assert second.probability_before == pytest.approx(probability, abs=1e-5)
    assert known_changes(entry, ui_bundle, "malignancy") == changes
    viewer = Visitor("viewer@clinic", frozenset({Role.VIEWER}))
    monkeypatch.setattr("clinician_ui.access.current_visitor", lambda: viewer)
    assert known_changes(entry, ui_bundle, "malignancy") == changes
    with pytest.raises(AccessError):
        try_changes(entry, ui_bundle, "malignancy")
