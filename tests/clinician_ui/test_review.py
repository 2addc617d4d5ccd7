"""Review on the case page: decisions, reasons, a second reader; all of it is there after a restart."""

import pytest
from dashboard_records import html_of
from streamlit.testing.v1 import AppTest

from clinician_ui.archive import open_archive
from clinician_ui.permissions import Visitor
from clinician_ui.services import edit_case, find_case, list_cases
from diagnosis.store.actors import Role
from diagnosis.store.assessments import assessments_of
from diagnosis.store.audit import read_events
from diagnosis.store.edits import Edit, EditedPart
from diagnosis.store.reviews import reviews_of
from diagnosis.store.verification import verify_trail


def button(app, label):
    return next(b for b in app.button if b.label == label)


def control(app, label):
    return next(g for g in app.get("button_group") if g.label == label)


@pytest.fixture
def entry(cases_dir):
    return next(e for e in list_cases(cases_dir) if e.folder.name == "note_only")


def opened(start, cases_dir, bundle):
    app = start(cases_dir, bundle)
    return button(app, "note-only").click().run()


def test_an_override_needs_a_value_and_a_reason(start, cases_dir, ui_bundle, entry):
    app = opened(start, cases_dir, ui_bundle)
    assert not app.exception
    button(app, "Save review").click().run()
    assert app.warning[0].value == "Choose accept, override or defer."
    control(app, "Decision").set_value("override").run()
    button(app, "Save review").click().run()
    assert app.warning[0].value == "Say what the finding is."
    control(app, "The finding is").set_value("negative").run()
    button(app, "Save review").click().run()
    assert app.warning[0].value == "Write the reason."
    next(t for t in app.text_input if t.label == "Reason").set_value("calcified <b>granuloma</b>").run()
    button(app, "Save review").click().run()
    assert not app.exception
    assert not app.error
    page = html_of(app)
    assert "overridden: negative" in page
    assert "calcified &lt;b&gt;granuloma" in page
    [kept] = reviews_of(open_archive(), entry.token)
    assert (kept.review.decision, kept.review.value) == ("override", "negative")
    # A new session, as after a refresh or a restart, shows the same.
    again = start(cases_dir, ui_bundle)
    assert "overridden" in html_of(again)
    again = button(again, "note-only").click().run()
    assert "<b>What readers said</b><ul><li><b>first reader, " in html_of(again)
    assert "malignancy overridden: negative (calcified &lt;b&gt;granuloma&lt;/b&gt;)" in html_of(again)


def test_an_edit_makes_a_new_assessment_and_keeps_the_old(start, cases_dir, ui_bundle, entry):
    app = opened(start, cases_dir, ui_bundle)
    control(app, "Decision").set_value("accept").run()
    button(app, "Save review").click().run()
    before = find_case(cases_dir, entry.token)
    edit_case(before, Edit(EditedPart.NOTE, "the old words", "Smooth calcified nodule of 4 mm.", is_confirmed=True))
    app.run()
    assert not app.exception
    kept = assessments_of(open_archive(), entry.token)
    assert len(kept) == 2
    page = html_of(app)
    assert "first assessment" in page
    assert "the old words" in page
    assert "Smooth calcified nodule" in page
    worklist = start(cases_dir, ui_bundle)
    assert "review again" in html_of(worklist)
    assert verify_trail(open_archive()).faults == ()
    actions = [e.action for e in read_events(open_archive(), subject=entry.token)]
    assert actions == ["view", "assess", "review", "edit", "assess"]


def test_a_second_reader_is_another_person(start, cases_dir, ui_bundle, entry, monkeypatch):
    app = opened(start, cases_dir, ui_bundle)
    control(app, "Decision").set_value("defer").run()
    next(t for t in app.text_input if t.label == "Reason").set_value("wait for the old CT").run()
    button(app, "Save review").click().run()
    assert "deferred" in html_of(start(cases_dir, ui_bundle))
    second = Visitor("second@clinic", frozenset({Role.READER}))
    for module in ("clinician_ui.access", "clinician_ui.services", "clinician_ui.views.review"):
        monkeypatch.setattr(f"{module}.current_visitor", lambda: second)
    app = opened(start, cases_dir, ui_bundle)
    assert control(app, "You speak as").value == "second"
    assert "What readers said" not in html_of(app)  # whoever has yet to speak makes up their own mind
    control(app, "Decision").set_value("accept").run()
    button(app, "Save review").click().run()
    assert not app.error
    assert "<li><b>second reader, second@clinic</b>: malignancy accepted" in html_of(app)
    assert "accepted" in html_of(start(cases_dir, ui_bundle))


def test_a_viewer_sees_and_changes_nothing(start, cases_dir, ui_bundle, monkeypatch):
    opened(start, cases_dir, ui_bundle)
    viewer = Visitor("viewer@clinic", frozenset({Role.VIEWER}))
    monkeypatch.setattr("clinician_ui.access.current_visitor", lambda: viewer)
    for module in ("services", "views.review", "views.worklist"):
        monkeypatch.setattr(f"clinician_ui.{module}.current_visitor", lambda: viewer)
    app = opened(start, cases_dir, ui_bundle)
    assert not app.exception
    labels = {b.label for b in app.button}
    assert not labels & {"Save review", "Explain this assessment", "Make files", "Assess all"}
    assert "Review: to review" in html_of(app)


def trail_page():
    from clinician_ui.views.trail import render_trail

    render_trail()


def model_page():
    from clinician_ui.state import workplace
    from clinician_ui.views.model import render_model_page

    render_model_page(workplace())


def test_the_trail_page_shows_and_verifies(start, cases_dir, ui_bundle):
    opened(start, cases_dir, ui_bundle)
    app = AppTest.from_function(trail_page, default_timeout=600).run()
    assert not app.exception
    assert app.title[0].value == "Audit trail"
    assert "<td>assess</td>" in html_of(app)
    button(app, "Verify").click().run()
    assert "as they were written" in app.success[0].value


def test_the_model_page(start, cases_dir, ui_bundle):
    opened(start, cases_dir, ui_bundle)
    app = AppTest.from_function(model_page, default_timeout=600).run()
    assert not app.exception
    assert not app.error
    page = html_of(app)
    assert "AUROC" in page
    assert "ECE" in page
    assert page.count('<img alt="Calibration. ') == 1
    assert "Verdict" in page
    assert "too few cases" in page


def test_a_decision_by_its_button_asks_once_more(start, cases_dir, ui_bundle, entry):
    app = opened(start, cases_dir, ui_bundle)
    button(app, "Defer").click().run()
    assert not app.exception
    forms = [b for b in app.button if b.label == "Save review"]
    assert len(forms) == 2
    assert {b.key.endswith("-defer-malignancy") for b in forms} == {True, False}
    assert [g.value for g in app.get("button_group") if g.label == "Decision"].count("defer") == 1
    assert reviews_of(open_archive(), entry.token) == []


def test_after_a_review_the_next_unread_case_is_one_step_away(start, cases_dir, ui_bundle, entry):
    app = opened(start, cases_dir, ui_bundle)
    assert not button(app, "Next unread").disabled
    control(app, "Decision").set_value("accept").run()
    button(app, "Save review").click().run()
    button(app, "Next unread").click().run()
    assert not app.exception
    assert app.title[0].value == "case_004"
    assert "open the next unread case" in html_of(app)
