"""The pages with the real engine: worklist, case, and the ways between them."""

import subprocess
import sys
import threading

import pytest
from dashboard_records import html_of

from clinician_ui import rounds
from clinician_ui.rounds import latest_round
from clinician_ui.services import list_cases
from clinician_ui.views import worklist
from clinician_ui.views.worklist import query_of_address
from diagnosis.errors import StoreError

PATIENCE_SECONDS = 600


def button(app, label):
    return next(b for b in app.button if b.label == label)


def token_of(cases_dir, name):
    return next(entry.token for entry in list_cases(cases_dir) if entry.folder.name == name)


def test_the_worklist_lists_assesses_and_ranks(start, cases_dir, ui_bundle, monkeypatch):
    pages_are_seen, assess = threading.Event(), rounds.assess_quietly
    monkeypatch.setattr(
        rounds, "assess_quietly", lambda *given: pages_are_seen.wait(PATIENCE_SECONDS) and assess(*given)
    )
    app = start(cases_dir, ui_bundle)
    assert not app.exception
    assert app.title[0].value == "Worklist"
    page = html_of(app)
    assert "not a medical device" in page
    assert page.count(">Not assessed<") == 2
    assert "no CT, no note and no dictation" in page
    assert "4 cases, 2 not assessed, 0 to mark, 0 flagged, 0 to review." in [c.value for c in app.caption]
    button(app, "Assess all").click().run()
    assert not app.exception
    # The work goes on behind the page, which can be used and be left meanwhile.
    assert button(app, "Assess all").disabled
    assert button(start(cases_dir, ui_bundle), "Assess all").disabled
    pages_are_seen.set()
    latest_round(cases_dir).wait(PATIENCE_SECONDS)
    app.run()
    assert not app.error
    page = html_of(app)
    assert page.count("calibrated") == 0
    assert page.count('aria-label="probability') == 2
    assert page.count(">to review<") == 2
    assert ">2020-01-01<" in page  # the study's own date, as the CT's headers give it
    # Problems come last, and what was assessed stays when the page is drawn again.
    assert page.rindex('aria-label="probability') < page.index("Problem")
    assert button(start(cases_dir, ui_bundle), "Assess all").disabled


def test_the_worklist_searches_filters_and_orders(start, cases_dir, ui_bundle):
    app = start(cases_dir, ui_bundle)
    app.text_input(key="worklist-search").set_value("NOTE").run()
    assert [b.label for b in app.button if b.label.startswith(("case", "note"))] == ["note-only"]
    # What is searched for may be a name: it does not go into the address.
    assert dict(app.query_params) == {}
    app.text_input(key="worklist-search").set_value("").run()
    app.get("button_group")[0].set_value("problems").run()
    assert len([b for b in app.button if b.label.startswith("case-")]) == 2
    assert app.query_params["show"] in ("problems", ["problems"])
    app.text_input(key="worklist-search").set_value("nobody").run()
    assert app.info[0].value == "No case fits. Change the search or the filter."
    app.text_input(key="worklist-search").set_value("").run()
    app.get("button_group")[0].set_value("all").run()
    app.selectbox(key="worklist-order").set_value("age").run()
    app.toggle(key="worklist-down").set_value(True).run()
    assert not app.exception
    assert [b.label for b in app.button if b.label.startswith(("case", "note"))][:2] == ["note-only", "case_004"]


def test_the_address_brings_the_question_back(start, cases_dir, ui_bundle):
    app = start(cases_dir, ui_bundle, show="problems", order="age", page="7")
    assert len([b for b in app.button if b.label.startswith("case-")]) == 2
    assert app.selectbox(key="worklist-order").value == "age"
    assert query_of_address("c", {"show": "x", "order": "y", "page": "-1", "part": "z"}) == query_of_address("c", {})
    assert query_of_address("c", {"page": "9" * 40}).page == 0


def test_a_database_that_is_lost_while_a_page_is_drawn_is_a_sentence(start, cases_dir, ui_bundle, monkeypatch):
    def lost(*_given):
        raise StoreError("store: the sqlite database cannot be used (OperationalError); check DIAGNOSIS_STORE")

    app = start(cases_dir, ui_bundle)
    monkeypatch.setattr(worklist, "steps_from", lost)
    button(app, "Next unread").click().run()
    assert not app.exception
    assert app.error[0].value.startswith("store: the sqlite database cannot be used")


def test_pages_of_a_long_worklist(start, tmp_path, ui_bundle):
    for n in range(45):
        (tmp_path / f"n{n:02}").mkdir()
        (tmp_path / f"n{n:02}" / "case.json").write_text(f'{{"case_id": "p-{n:02}"}}')
        (tmp_path / f"n{n:02}" / "note.txt").write_text("A nodule of 8 mm.")
    app = start(tmp_path, ui_bundle)
    assert [b.label for b in app.button if b.label.startswith("p-")] == [f"p-{n:02}" for n in range(20)]
    button(app, "On").click().run()
    button(app, "On").click().run()
    assert [b.label for b in app.button if b.label.startswith("p-")] == [f"p-{n:02}" for n in range(40, 45)]
    assert "41 to 45 of 45" in [c.value for c in app.caption]
    button(app, "p-42").click().run()
    assert app.title[0].value == "p-42"
    assert not button(app, "Previous").disabled


def test_a_case_opens_from_the_worklist_and_leads_back(start, cases_dir, ui_bundle):
    app = start(cases_dir, ui_bundle)
    button(app, "case_004").click().run()
    assert not app.exception
    assert app.title[0].value == "case_004"
    assert app.query_params["case"] in ([token_of(cases_dir, "case_004")], token_of(cases_dir, "case_004"))
    page = html_of(app)
    assert "calibrated probability" in page
    assert "Prediction set" in page
    assert "not used: absent" in page
    assert any("49 years · male · CT of 96 slices" in caption.value for caption in app.caption)
    assert {"This case has no note.", "This case has no dictation."} <= {c.value for c in app.caption}
    button(app, "Worklist").click().run()
    assert app.title[0].value == "Worklist"


def test_a_case_without_ct_shows_its_note(start, cases_dir, ui_bundle):
    app = start(cases_dir, ui_bundle)
    button(app, "note-only").click().run()
    assert not app.exception
    assert "This case has no CT." in [c.value for c in app.caption]
    assert "&lt;b&gt;left&lt;/b&gt;" in html_of(app)
    assert "Note" in [h.value for h in app.header]


def test_a_case_that_cannot_be_used_says_so(start, cases_dir, ui_bundle):
    app = start(cases_dir, ui_bundle)
    name = next(e.case_id for e in list_cases(cases_dir) if e.folder.name == "nothing")
    button(app, name).click().run()
    assert not app.exception
    assert "no CT, no note and no dictation" in app.error[0].value


def test_no_case_is_open_without_a_token(start, cases_dir, ui_bundle):
    app = start(cases_dir, ui_bundle)
    button(app, "case_004").click().run()
    app.query_params["case"] = "0" * 16
    app.run()
    assert not app.exception
    assert app.info[0].value == "No case is open. Choose one from the worklist."


def test_trouble_with_folders_is_a_sentence(start, cases_dir, tmp_path, ui_bundle):
    app = start(tmp_path / "absent", ui_bundle)
    assert "the folder does not exist" in app.error[0].value
    app = start(cases_dir, tmp_path / "no_bundle")
    button(app, "Assess all").click().run()
    latest_round(cases_dir).wait(PATIENCE_SECONDS)
    app.run()
    assert not app.exception
    assert "name a bundle folder such as models/lung_nodule" in app.error[0].value
    assert not app.run().error


@pytest.mark.slow
def test_an_explanation_is_made_once_and_shown(start, cases_dir, ui_bundle):
    app = start(cases_dir, ui_bundle)
    button(app, "note-only").click().run()
    button(app, "Explain this assessment").click().run()
    assert not app.exception
    assert not app.error
    assert "Proof of the explanation" in [h.value for h in app.header]
    page = html_of(app)
    assert "<mark style=" in page or "withheld" in page
    assert "Explain this assessment" not in [b.label for b in app.button]
    again = start(cases_dir, ui_bundle)
    button(again, "note-only").click().run()
    assert "Proof of the explanation" in [h.value for h in again.header]


def test_the_page_paints_without_torch():
    code = (
        "import sys; import clinician_ui.views.worklist, clinician_ui.views.case; "
        "sys.exit(int('torch' in sys.modules or 'monai' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_case_page_opens_the_case_last_open(start, cases_dir, ui_bundle):
    app = start(cases_dir, ui_bundle)
    button(app, "note-only").click().run()
    token = app.query_params["case"]
    # As the link to the page leads to it: without the case in the address.
    del app.query_params["case"]
    app.run()
    assert app.title[0].value == "note-only"
    assert app.query_params["case"] in (token, [token], token[0])


def test_a_case_whose_folder_is_gone_is_told_from_no_case(start, cases_dir, ui_bundle):
    app = start(cases_dir, ui_bundle)
    button(app, "note-only").click().run()
    (cases_dir / "note_only").rename(cases_dir / ".elsewhere")
    app.run()
    assert not app.exception
    assert "no longer there" in app.info[0].value
    assert button(app, "Worklist").click().run().title[0].value == "Worklist"
