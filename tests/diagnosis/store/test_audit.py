"""The audit trail finds every change, on both databases; writers queue."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from store_records import add_assessment, add_cases

from diagnosis.errors import AuditError
from diagnosis.store.audit import Action, note_event, read_events, record_event
from diagnosis.store.database import Store
from diagnosis.store.edits import Edit, EditedPart, save_edit
from diagnosis.store.review_state import Decision
from diagnosis.store.reviews import Review, save_review
from diagnosis.store.verification import verify_trail

COLUMNS = {
    "audit_events": ("at", "actor", "role", "action", "subject", "detail", "previous", "sha256"),
    "assessments": ("made_by", "bundle_name", "bundle_version", "bundle_sha256", "inputs_sha256", "inputs", "document"),
    "reviews": ("finding", "decision", "value", "reason", "comment", "seat", "made_by"),
    "edits": ("part", "original", "edited", "made_by"),
}
PUT_IN = """INSERT INTO audit_events
SELECT 10, at, actor, role, action, subject, detail, sha256, previous FROM audit_events WHERE seq = 9"""
KEYS = {"audit_events": "seq", "assessments": "id", "reviews": "id", "edits": "id"}


def fill(store, actor) -> None:
    token, other = add_cases(store, actor, 2)
    note_event(store, actor, Action.VIEW, token)
    kept = add_assessment(store, actor, token)
    save_review(store, actor, token, Review(kept.number, "malignancy", Decision.ACCEPT, comment="seen"))
    save_edit(store, actor, token, Edit(EditedPart.TRANSCRIPT, "no mass", "no new mass", is_confirmed=True))
    kept = add_assessment(store, actor, token, 0.2, edit=1)
    save_review(store, actor, token, Review(kept.number, "malignancy", Decision.OVERRIDE, "positive", "it grew"))
    add_assessment(store, actor, other, 0.5)
    note_event(store, actor, Action.EXPORT, token, {"formats": ["sr"]})


@pytest.fixture
def filled(store, actor):
    fill(store, actor)
    return store


def execute(store: Store, statement: str, **values) -> None:
    with store.writing() as session:
        assert session.execute(text(statement), values).rowcount != 0


def test_a_trail_that_nobody_touched_is_whole(filled):
    report = verify_trail(filled)
    assert report.faults == ()
    assert (report.n_events, report.n_records) == (9, 6)
    assert report.head_sha256 == read_events(filled)[-1].sha256
    assert verify_trail(filled, expected=read_events(filled)[2].sha256).faults == ()


def test_events_say_who_when_what(filled, actor):
    events = read_events(filled)
    assert [e.action for e in events] == [
        "sync", "view", "assess", "review", "edit", "assess", "review", "assess", "export",
    ]  # fmt: skip
    assert {(e.actor, e.role) for e in events} == {(actor.name, "reader")}
    assert [e.seq for e in events] == list(range(1, 10))
    assert all(e.at.endswith("+00:00") for e in events)
    assert json.loads(events[-1].detail) == {"formats": ["sr"]}
    assert [e.seq for e in read_events(filled, subject="t00001")] == [8]
    assert "no new mass" not in "".join(e.detail for e in events)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("DELETE FROM audit_events WHERE seq = 4", "event 4: missing, the next one is 5"),
        ("DELETE FROM audit_events WHERE seq = 9", "end of the trail: it is not where its head says"),
        ("DELETE FROM audit_head", "end of the trail"),
        ("UPDATE audit_events SET seq = 40 WHERE seq = 9", "event 9: missing, the next one is 40"),
        ("UPDATE audit_head SET seq = 8", "end of the trail"),
        ("DELETE FROM edits", "edits 1: it was taken away"),
        ("INSERT INTO edits SELECT 9, token, part, original, edited, is_confirmed, made_at, made_by FROM edits",
         "edits 9: no event tells of it; it was put in from outside"),
        ("UPDATE edits SET is_confirmed = NOT is_confirmed", "edits 1: it was changed"),
        ("UPDATE reviews SET value = NULL WHERE id = 2", "reviews 2: it was changed"),
        ("UPDATE reviews SET assessment_id = 3 WHERE id = 2", "reviews 2: it was changed"),
        ("UPDATE cases SET probability = 0.01 WHERE token = 't00001'", "not that of its latest assessment"),
        ("UPDATE cases SET review_state = 'accepted' WHERE token = 't00001'", "not that of its latest assessment"),
        ("UPDATE cases SET assessment_id = NULL WHERE token = 't00001'", "not that of its latest assessment"),
        (PUT_IN,
         "event 10: its content was changed"),
    ],
)  # fmt: skip
def test_changes_deletions_and_insertions_are_found(filled, statement, fault):
    execute(filled, statement)
    assert any(fault in found for found in verify_trail(filled).faults), verify_trail(filled).faults


def test_a_moment_that_cannot_be_read_is_a_change_not_a_crash(filled):
    if filled.dialect == "sqlite":
        execute(filled, "UPDATE edits SET made_at = 'yesterday'")
        assert verify_trail(filled).faults == ("edits 1: it was changed",)
    execute(filled, "UPDATE audit_events SET detail = '[1' WHERE seq = 5")
    assert "event 5: its content was changed" in verify_trail(filled).faults


def test_a_trail_written_anew_is_found_by_a_hash_kept_elsewhere(filled, actor):
    noted = verify_trail(filled).head_sha256
    for table in ("reviews", "edits", "assessments", "cases", "audit_events"):
        execute(filled, f"DELETE FROM {table}")
    execute(filled, f"UPDATE audit_head SET seq = 0, sha256 = '{'0' * 64}'")
    fill(filled, actor)
    assert verify_trail(filled).faults == ()
    assert verify_trail(filled, noted).faults == (
        "the hash noted earlier is not in the trail: the trail was written anew",
    )


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    """One filled SQLite database for many examples, each of which is undone."""
    from diagnosis.store.actors import Actor, Role

    store = Store.open(str(tmp_path_factory.mktemp("steady") / "s.sqlite3"))
    fill(store, Actor("reader", Role.READER))
    yield store
    store.close()


@st.composite
def tampering(draw):
    table = draw(st.sampled_from(sorted(COLUMNS)))
    return table, draw(st.sampled_from(COLUMNS[table])), draw(st.integers(0, 8)), draw(st.integers(0, 10**6)), draw(
        st.sampled_from(["replace", "insert", "delete"])
    ), draw(st.characters(min_codepoint=32, max_codepoint=0x2FF))  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tampering())
def test_any_changed_character_of_any_kept_text_is_found(steady, change):
    table, column, row, place, how, character = change
    key = KEYS[table]
    with steady.reading() as session:
        ids = list(session.execute(text(f"SELECT {key} FROM {table} ORDER BY {key}")).scalars())
        number = ids[row % len(ids)]
        old = session.execute(text(f"SELECT {column} FROM {table} WHERE {key} = :n"), {"n": number}).scalar_one()
    old_text = old or ""
    at = place % (len(old_text) + 1)
    new = {
        "replace": old_text[:at] + character + old_text[at + 1 :],
        "insert": old_text[:at] + character + old_text[at:],
        "delete": old_text[:at] + old_text[at + 1 :],
    }[how]
    if new == old_text or column in {"decision", "seat", "part"}:
        return  # the database itself refuses words that it does not know
    execute(steady, f"UPDATE {table} SET {column} = :v WHERE {key} = :n", v=new, n=number)
    try:
        assert verify_trail(steady).faults
    finally:
        execute(steady, f"UPDATE {table} SET {column} = :v WHERE {key} = :n", v=old, n=number)
    assert verify_trail(steady).faults == ()


def test_many_writers_make_one_chain(store, actor):
    [token] = add_cases(store, actor)

    def write(number: int) -> None:
        note_event(store, actor, Action.VIEW, token, {"n": number})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(64)))
    report = verify_trail(store)
    assert (report.n_events, report.faults) == (65, ())


WRITER = """
import sys
from diagnosis.store.actors import Actor, Role
from diagnosis.errors import AuditError
from diagnosis.store.audit import Action, note_event
from diagnosis.store.database import Store
store = Store.open(sys.argv[1])
for n in range(20):
    note_event(store, Actor("w" + sys.argv[2], Role.READER), Action.VIEW, "", {"n": n})
"""


def test_processes_that_start_together_make_one_database_and_one_chain(url):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url, str(n)]) for n in range(3)]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    store = Store.open(url)
    report = verify_trail(store)
    store.close()
    assert (report.n_events, report.faults) == (60, ())


def test_a_failed_write_leaves_nothing(store, actor):
    [token] = add_cases(store, actor)

    def write_and_stop() -> None:
        with store.writing() as session:
            record_event(session, actor, Action.VIEW, token)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_and_stop()
    assert verify_trail(store).n_events == 1


def test_a_trail_without_its_head_takes_no_more_events(filled, actor):
    execute(filled, "DELETE FROM audit_head")
    with pytest.raises(AuditError, match="its head is gone; run diagnosis audit verify"):
        note_event(filled, actor, Action.VIEW)
