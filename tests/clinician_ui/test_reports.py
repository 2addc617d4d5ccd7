"""The report on the case page: drafted with its evidence, edited, signed, and told apart from a later assessment."""

import io
import json
import zipfile

import pytest
from dashboard_records import html_of
from pypdf import PdfReader

from clinician_ui.archive import open_archive
from clinician_ui.components.report_sheet import dropped_sentences, render_draft, unsupported_lines
from clinician_ui.exports import export_case
from clinician_ui.permissions import Permission, Visitor
from clinician_ui.reports import keep_report, open_desk
from clinician_ui.services import assess_case, edit_case, find_case, list_cases, load_case
from diagnosis.errors import AccessError, CaseError, StoreError
from diagnosis.store.actors import Role
from diagnosis.store.audit import read_events
from diagnosis.store.edits import Edit, EditedPart
from diagnosis.store.reports import reports_of
from diagnosis.store.verification import verify_trail
from diagnosis.vocabulary import ExportFormat


def button(app, label):
    return next(b for b in app.button if b.label.startswith(label))


@pytest.fixture
def entry(cases_dir):
    return next(e for e in list_cases(cases_dir) if e.folder.name == "note_only")


def opened(start, cases_dir, bundle, token):
    app = start(cases_dir, bundle)
    for fold in ("report", "questions"):
        app.session_state[f"fold-{fold}-{token}"] = True
    return button(app, "note-only").click().run()


def test_a_report_is_edited_and_signed_and_a_later_assessment_says_so(start, cases_dir, ui_bundle, entry):
    app = opened(start, cases_dir, ui_bundle, entry.token)
    assert not app.exception
    page = html_of(app)
    assert "<b>note</b> “18 mm”" in page
    assert "Is it spiculated?" in page
    assert "Not known" in page
    area = next(t for t in app.text_area if t.label == "Your report")
    drafted = area.value
    app = area.set_value(f"{drafted}Compare with <2025>.\n").run()
    assert any("without evidence of the draft (1 line)" in c.value for c in app.caption)
    app = button(app, "Save, sign later").click().run()
    again = opened(start, cases_dir, ui_bundle, entry.token)
    kept_text = next(t for t in again.text_area if t.label == "Your report").value
    assert kept_text == f"{drafted}Compare with <2025>.\n"
    again = button(again, "Sign as").click().run()
    assert not again.error
    signed, begun = reports_of(open_archive(), entry.token)
    assert (signed.report.is_signed, begun.report.is_signed) == (True, False)
    assert "+Compare with <2025>." in signed.report.diff
    assert signed.report.draft["sentences"][0]["evidence"]
    page = html_of(again)
    assert "<u>Compare with &lt;2025&gt;.</u>" in page
    assert "of an earlier assessment" not in page
    note = Edit(EditedPart.NOTE, "", "Smooth calcified nodule of 4 mm.", is_confirmed=True)
    edit_case(find_case(cases_dir, entry.token), note)
    later = opened(start, cases_dir, ui_bundle, entry.token)
    assert "of an earlier assessment" in html_of(later)
    assert any("The case was assessed again since" in w.value for w in later.warning)
    assert "4 mm" in next(t for t in later.text_area if t.label == "Your report").value
    assert [e.action for e in read_events(open_archive(), subject=entry.token) if e.action in {"write", "sign"}] == [
        "write",
        "sign",
    ]
    assert verify_trail(open_archive()).faults == ()


def exported(entry, bundle):
    """What an export writes: the PDF's words, the FHIR Bundle as text, the record."""
    parcel = export_case(entry, bundle, assess_case(entry, bundle).assessment, [ExportFormat.PDF, ExportFormat.FHIR])
    with zipfile.ZipFile(io.BytesIO(parcel.zipped)) as archive:
        pages = PdfReader(io.BytesIO(archive.read("report.pdf"))).pages
        words = " ".join(" ".join(page.extract_text() for page in pages).split())
        return words, archive.read("report_fhir.json").decode(), json.loads(archive.read("export.json"))


def write(entry, bundle, sentence, *, is_signed):
    """Keep the draft with a sentence of one's own, at a desk opened for it."""
    desk = open_desk(entry, load_case(entry), assess_case(entry, bundle).assessment)
    keep_report(entry, desk, f"{desk.draft.text}{sentence}\n", is_signed=is_signed)


def test_a_report_that_was_signed_in_another_window_is_not_signed_over_unseen(start, cases_dir, ui_bundle, entry):
    app = opened(start, cases_dir, ui_bundle, entry.token)
    desk = open_desk(entry, load_case(entry), assess_case(entry, ui_bundle).assessment)
    write(entry, ui_bundle, "Theirs.", is_signed=True)
    with pytest.raises(StoreError, match="another report of this case was kept meanwhile; look at it first"):
        keep_report(entry, desk, desk.draft.text, is_signed=True)
    area = next(t for t in app.text_area if t.label == "Your report")
    app = area.set_value("Mine.").run()
    # The page was drawn anew by that, and shows theirs above what was written; a browser redraws the fold alone.
    assert "<u>Theirs.</u>" in html_of(app)
    assert next(t for t in app.text_area if t.label == "Your report").value == "Mine."
    app = button(app, "Sign as").click().run()
    assert next(kept.report.text for kept in reports_of(open_archive(), entry.token)) == "Mine."
    assert button(app, "Sign as").disabled


def test_an_export_carries_the_signed_report_and_leaves_out_an_outdated_one(start, cases_dir, ui_bundle, entry):
    pytest.importorskip("highdicom", reason="highdicom is not installed")
    _, _, record = exported(entry, ui_bundle)
    assert record["signed_report"] is None
    write(entry, ui_bundle, "Only begun.", is_signed=False)
    assert exported(entry, ui_bundle)[2]["signed_report"] is None
    write(entry, ui_bundle, "My own sentence.", is_signed=True)
    write(entry, ui_bundle, "Begun again.", is_signed=False)
    words, bundle, record = exported(entry, ui_bundle)
    assert "My own sentence." in words
    assert "My own sentence." in bundle
    assert "Begun again." not in words + bundle
    (signed,) = (kept for kept in reports_of(open_archive(), entry.token) if kept.report.is_signed)
    assert record["signed_report"]["signed_by"] == signed.made_by
    assert "carry the report signed by" in captions(start, cases_dir, ui_bundle)
    edit_case(entry, Edit(EditedPart.NOTE, "", "Smooth calcified nodule of 4 mm.", is_confirmed=True))
    words, bundle, record = exported(entry, ui_bundle)
    assert "My own sentence." not in words + bundle
    assert "is of an earlier assessment of this case and was left out" in words
    assert record["signed_report"]["is_outdated"]
    assert "it is left out, and the files say so" in captions(start, cases_dir, ui_bundle)
    told = [json.loads(e.detail)["report"] for e in read_events(open_archive()) if e.action == "export"]
    assert told == ["none", "none", "signed", "outdated"]


def captions(start, cases_dir, bundle):
    return " ".join(c.value for c in button(start(cases_dir, bundle), "note-only").click().run().caption)


CELLS = [
    (Permission.WRITE_REPORT, Role.VIEWER, False),
    (Permission.WRITE_REPORT, Role.READER, True),
    (Permission.WRITE_REPORT, Role.ADMIN, True),
    (Permission.SIGN_REPORT, Role.VIEWER, False),
    (Permission.SIGN_REPORT, Role.READER, True),
    (Permission.SIGN_REPORT, Role.ADMIN, False),
]


@pytest.mark.parametrize(("permission", "role", "is_allowed"), CELLS)
def test_who_may_write_and_sign(cases_dir, ui_bundle, entry, monkeypatch, permission, role, is_allowed):
    assessment = assess_case(entry, ui_bundle).assessment
    desk = open_desk(entry, load_case(entry), assessment)
    visitor = Visitor("v", frozenset({role}))
    for module in ("access", "reports"):
        monkeypatch.setattr(f"clinician_ui.{module}.current_visitor", lambda: visitor)
    before = len(reports_of(open_archive(), entry.token))
    is_signed = permission is Permission.SIGN_REPORT
    if is_allowed:
        keep_report(entry, desk, desk.draft.text, is_signed=is_signed)
        assert len(reports_of(open_archive(), entry.token)) == before + 1
    else:
        with pytest.raises(AccessError):
            keep_report(entry, desk, desk.draft.text, is_signed=is_signed)
        assert len(reports_of(open_archive(), entry.token)) == before


def test_an_empty_report_is_refused_and_a_stale_page_has_no_desk(cases_dir, ui_bundle, entry):
    assessment = assess_case(entry, ui_bundle).assessment
    desk = open_desk(entry, load_case(entry), assessment)
    with pytest.raises(CaseError, match="no text"):
        keep_report(entry, desk, "  \n", is_signed=True)
    edit_case(entry, Edit(EditedPart.NOTE, "", "Another nodule of 5 mm.", is_confirmed=True))
    assess_case(entry, ui_bundle)
    assert open_desk(entry, load_case(entry), assessment) is None


def test_every_sentence_of_the_draft_shows_its_evidence(cases_dir, ui_bundle, entry, monkeypatch):
    assessment = assess_case(entry, ui_bundle).assessment
    draft = open_desk(entry, load_case(entry), assessment).draft
    drawn = []
    monkeypatch.setattr("clinician_ui.components.report_sheet.st.html", drawn.append)
    render_draft(draft)
    items = drawn[0].split("<li>")[1:]
    assert len(items) == len(draft.sentences) > 3
    assert all('<div class="dx-evidence"><span><b>' in item for item in items)
    assert "<b>left</b>" not in drawn[0]
    assert json.dumps(draft.to_json())
    assert unsupported_lines(draft, draft.text) == dropped_sentences(draft, draft.text) == []
    assert unsupported_lines(draft, f"{draft.text} Mine. ") == ["Mine."]
    assert dropped_sentences(draft, "") == [sentence.text for sentence in draft.sentences]
