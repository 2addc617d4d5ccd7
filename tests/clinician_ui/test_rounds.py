"""All waiting cases assessed in the background: stopped between two cases, one round at a time, nothing lost."""

import pytest

from clinician_ui import rounds
from clinician_ui.archive import collection_of, open_archive
from clinician_ui.folders import list_cases
from clinician_ui.permissions import Visitor
from clinician_ui.rounds import begin_round, latest_round
from clinician_ui.services import _cases, known_outcome
from diagnosis.errors import AccessError
from diagnosis.store.actors import Actor, Role
from diagnosis.store.assessments import assessments_of
from diagnosis.store.cases import sync_cases
from diagnosis.store.edits import Edit, EditedPart, save_edit
from diagnosis.store.worklist import waiting_tokens

READER = Actor("reader@clinic", Role.READER)
PATIENCE_SECONDS = 600


@pytest.fixture
def notes(tmp_path):
    """Three cases with a note each, known to the store."""
    for n in range(3):
        (tmp_path / f"n{n}").mkdir()
        (tmp_path / f"n{n}" / "case.json").write_text(f'{{"case_id": "p-{n}"}}')
        (tmp_path / f"n{n}" / "note.txt").write_text(f"A nodule of {8 + n} mm.")
    sync_cases(open_archive(), READER, collection_of(tmp_path), [entry.facts for entry in list_cases(tmp_path)])
    return tmp_path


def waiting(folder) -> list[str]:
    return waiting_tokens(open_archive(), collection_of(folder))


def test_a_round_assesses_as_a_page_would_and_takes_no_images_from_the_readers(notes, ui_bundle):
    edited = list_cases(notes)[1]
    save_edit(open_archive(), READER, edited.token, Edit(EditedPart.NOTE, "", "A mass of 40 mm.", is_confirmed=True))
    begun = begin_round(notes, ui_bundle)
    assert begin_round(notes, ui_bundle) is begun or not begun.is_running
    begun.wait(PATIENCE_SECONDS)
    assert (begun.done, begun.total, begun.problem) == (3, 3, None)
    assert waiting(notes) == []
    for entry in list_cases(notes):
        [kept] = assessments_of(open_archive(), entry.token)
        assert known_outcome(entry, ui_bundle).assessment == kept.assessment
        assert _cases().get((entry.token, entry.fingerprint)) is None
    assert assessments_of(open_archive(), edited.token)[0].inputs["edit"] > 0


def test_a_stopped_round_keeps_what_it_has(notes, ui_bundle, monkeypatch):
    begun = []

    def stop_after_one(entry, bundle_dir, actor):
        begun[0].stop()
        return assess(entry, bundle_dir, actor)

    assess = rounds.assess_quietly
    monkeypatch.setattr(rounds, "assess_quietly", stop_after_one)
    tokens = waiting(notes)
    begun.append(rounds.Round(notes, ui_bundle, READER, tokens))
    assert begun[0].words == "Assessing case 1 of 3"
    begun[0].begin()
    begun[0].wait(PATIENCE_SECONDS)
    assert begun[0].words == "Stopping after the case at hand"
    assert (begun[0].done, waiting(notes)) == (1, tokens[1:])
    assert [kept.made_by for kept in assessments_of(open_archive(), tokens[0])] == [READER.name]


def test_who_may_not_assess_begins_no_round(notes, ui_bundle, monkeypatch):
    viewer = Visitor("viewer@clinic", frozenset({Role.VIEWER}))
    monkeypatch.setattr("clinician_ui.access.current_visitor", lambda: viewer)
    with pytest.raises(AccessError):
        begin_round(notes, ui_bundle)
    assert latest_round(notes) is None


def failing_at(monkeypatch, *numbers):
    """Assessing fails with an exception of no kind that the program knows, for some of the calls."""
    assess, calls = rounds.assess_quietly, []

    def fail(entry, bundle_dir, actor):
        calls.append(entry.case_id)
        if len(calls) - 1 in numbers:
            msg = "secret^name.dcm"
            raise ZeroDivisionError(msg)
        return assess(entry, bundle_dir, actor)

    monkeypatch.setattr(rounds, "assess_quietly", fail)
    return calls


def test_an_unforeseen_fault_costs_its_case_and_the_page_says_so(notes, ui_bundle, monkeypatch, caplog, start):
    calls = failing_at(monkeypatch, 1)
    tokens = waiting(notes)
    begun = begin_round(notes, ui_bundle)
    begun.wait(PATIENCE_SECONDS)
    assert (begun.done, waiting(notes)) == (3, [tokens[1]])
    assert begun.problem == (
        "1 of the cases could not be assessed, for an error that the program did not foresee (ZeroDivisionError): "
        f"{calls[1]}; the other cases are not affected. The server's log says where it happened."
    )
    assert "ZeroDivisionError" in caplog.text
    assert "in fail" in caplog.text
    assert "secret" not in caplog.text + begun.problem
    app = start(notes, ui_bundle)
    assert [error.value for error in app.error] == [begun.problem]


def test_faults_without_end_end_the_round(notes, ui_bundle, monkeypatch):
    failing_at(monkeypatch, 0, 1, 2)
    tokens = waiting(notes)
    begun = begin_round(notes, ui_bundle)
    begun.wait(PATIENCE_SECONDS)
    assert (begun.done, begun.is_running, waiting(notes)) == (2, False, tokens)
    assert "3 of the cases" in begun.problem
    assert "the round was ended, and the rest waits as it was" in begun.problem
