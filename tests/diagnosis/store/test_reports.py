"""Reports, decisions on proposals, recordings: what is said stays as it was said, what waits counts for nothing."""

import pytest
from sqlalchemy import text
from store_records import add_assessment, add_cases

from diagnosis.errors import StoreError
from diagnosis.store.actors import Actor, Role
from diagnosis.store.audit import read_events
from diagnosis.store.proposals import ProposalDecision, decisions_of, save_decision
from diagnosis.store.recordings import (
    correct_recording,
    drop_recording,
    keep_recording,
    waiting_mark,
    waiting_recording,
)
from diagnosis.store.reports import Report, reports_of, save_report
from diagnosis.store.verification import verify_trail

OTHER = Actor("other@clinic", Role.READER)
DRAFT = {"case_id": "p-1", "sentences": [{"text": "Solid nodule ü.", "evidence": [{"kind": "words"}]}]}


def make_report(assessment: int, written: str = "Solid nodule.", *, is_signed: bool = True) -> Report:
    return Report(assessment, DRAFT, "Solid nodule ü.", written, "-Solid nodule ü.\n+Solid nodule.", is_signed)


@pytest.fixture
def token(store, actor) -> str:
    return add_cases(store, actor)[0]


def test_a_report_comes_back_as_it_was_written_with_who_and_when(store, actor, token):
    number = add_assessment(store, actor, token).number
    begun = save_report(store, actor, token, make_report(number, "Nodule.", is_signed=False))
    signed = save_report(store, OTHER, token, make_report(number))
    assert reports_of(store, token) == [signed, begun]
    assert (signed.made_by, begun.made_by) == ("other@clinic", actor.name)
    assert signed.report == make_report(number)
    assert [e.action for e in read_events(store, subject=token)][-2:] == ["write", "sign"]
    assert "odule" not in "".join(e.detail for e in read_events(store))
    assert verify_trail(store).faults == ()


def test_a_report_of_an_earlier_assessment_is_refused_and_the_signed_one_stays(store, actor, token):
    number = add_assessment(store, actor, token).number
    save_report(store, actor, token, make_report(number))
    add_assessment(store, actor, token, 0.2, edit=1)
    with pytest.raises(StoreError, match="assessed again meanwhile"):
        save_report(store, actor, token, make_report(number))
    assert [kept.report.assessment for kept in reports_of(store, token)] == [number]
    with pytest.raises(StoreError, match="has no text"):
        make_report(number, " \n")
    with pytest.raises(StoreError, match="this case is not known"):
        save_report(store, actor, "unknown", make_report(number))


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE reports SET text = 'No nodule.'", "reports 1: it was changed"),
        ("UPDATE reports SET is_signed = NOT is_signed", "reports 1: it was changed"),
        ("UPDATE reports SET made_by = 'nobody'", "reports 1: it was changed"),
        ("DELETE FROM reports", "reports 1: it was taken away"),
    ],
)
def test_a_changed_report_is_found(store, actor, token, statement, fault):
    number = add_assessment(store, actor, token).number
    save_report(store, actor, token, make_report(number))
    with store.writing() as session:
        assert session.execute(text(statement)).rowcount == 1
    assert verify_trail(store).faults == (fault,)


def test_a_recording_waits_for_its_speaker_alone(store, actor, token):
    first = keep_recording(store, actor, token, b"\x00sound", ".wav")
    assert waiting_recording(store, OTHER, token) is None
    correct_recording(store, actor, token, first, "no mass")
    correct_recording(store, OTHER, token, first, "a mass")
    kept = waiting_recording(store, actor, token)
    assert (kept.mark, kept.sound, kept.suffix, kept.text) == (first, b"\x00sound", ".wav", "no mass")
    second = keep_recording(store, actor, token, b"again", ".mp3")
    assert waiting_mark(store, actor, token) == second != first
    assert waiting_recording(store, actor, token).text is None
    keep_recording(store, OTHER, token, b"other", ".wav")
    for late in (correct_recording, lambda *given: drop_recording(*given[:4])):
        late(store, actor, token, first, "of an older window")
        assert waiting_mark(store, actor, token) == second
        assert waiting_recording(store, actor, token).text is None
    drop_recording(store, actor, token, second)
    assert waiting_mark(store, actor, token) is None
    assert waiting_recording(store, OTHER, token).sound == b"other"
    with pytest.raises(StoreError, match="this case is not known"):
        keep_recording(store, actor, "unknown", b"", ".wav")
    assert verify_trail(store).faults == ()


def test_the_newest_decision_on_a_proposed_region_counts(store, actor, token):
    assert decisions_of(store, token) == {}
    save_decision(store, actor, token, "here", ProposalDecision.DISMISS)
    save_decision(store, actor, token, "there", ProposalDecision.CONFIRM)
    last = save_decision(store, OTHER, token, "here", ProposalDecision.RESTORE)
    kept = decisions_of(store, token)
    assert {region: decision.decision.value for region, decision in kept.items()} == {
        "here": "restore",
        "there": "confirm",
    }
    assert kept["here"] == last
    assert (last.made_by, kept["there"].made_by) == ("other@clinic", actor.name)
    events = [e for e in read_events(store, subject=token) if e.action == "decide"]
    assert ["here" in e.detail for e in events] == [False] * 3
    with pytest.raises(StoreError, match="this case is not known"):
        save_decision(store, actor, "unknown", "here", ProposalDecision.DISMISS)
    assert verify_trail(store).faults == ()
    with store.writing() as session:
        session.execute(text("UPDATE proposal_decisions SET decision = 'confirm' WHERE id = 1"))
    assert verify_trail(store).faults == ("proposal_decisions 1: it was changed",)
