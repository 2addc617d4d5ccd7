"""The pages with the real engine: worklist, case, and the ways between them."""

import subprocess
import sys

import pytest
from dashboard_records import html_of

from clinician_ui.services import list_cases


def button(app, label):
    return next(b for b in app.button if b.label == label)


def token_of(cases_dir, name):
    return next(entry.token for entry in list_cases(cases_dir) if entry.folder.name == name)


def test_the_worklist_lists_assesses_and_ranks(start, cases_dir, ui_bundle):
    app = start(cases_dir, ui_bundle)
    assert not app.exception
    assert app.title[0].value == "Worklist"
    page = html_of(app)
    assert "not a medical device" in page
    assert page.count("Not assessed") == 2
    assert "no CT, no note and no dictation" in page
    button(app, "Assess all").click().run()
    assert not app.exception
    assert not app.error
    page = html_of(app)
    assert page.count("calibrated") == 0
    assert page.count('aria-label="probability') == 2
    assert "4 cases, 4 assessed or closed" in app.caption[0].value
    # Problems come last, and what was assessed stays when the page is drawn again.
    assert page.rindex('aria-label="probability') < page.index("Problem")
    assert button(start(cases_dir, ui_bundle), "Assess all").disabled


def test_the_worklist_searches_and_filters(start, cases_dir, ui_bundle):
    app = start(cases_dir, ui_bundle)
    app.text_input(key="worklist-search").set_value("NOTE").run()
    assert [b.label for b in app.button if b.label.startswith(("case", "note"))] == ["note-only"]
    app.text_input(key="worklist-search").set_value("").run()
    app.get("button_group")[0].set_value("Problems").run()
    assert len([b for b in app.button if b.label.startswith("case-")]) == 2
    app.text_input(key="worklist-search").set_value("nobody").run()
    assert app.info[0].value == "No case fits. Change the search or the filter."
    app.selectbox(key="worklist-order").set_value("Age").run()
    assert not app.exception


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
    assert "49 years · male · CT of 96 slices" in app.caption[0].value
    assert [s.label.split(",")[0] for s in app.slider] == ["Axial slice", "Coronal slice", "Sagittal slice"]
    assert "This case has no note and no dictation." in [c.value for c in app.caption]
    assert button(app, "Previous").disabled
    button(app, "Worklist").click().run()
    assert app.title[0].value == "Worklist"


def test_a_case_without_ct_shows_its_note(start, cases_dir, ui_bundle):
    app = start(cases_dir, ui_bundle)
    button(app, "note-only").click().run()
    assert not app.exception
    assert app.info[0].value == "This case has no CT."
    assert "&lt;b&gt;left&lt;/b&gt;" in html_of(app)
    assert [h.value for h in app.header] == ["Note"]


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
    assert not app.exception
    assert "name a bundle folder such as models/lung_nodule" in app.error[0].value


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
