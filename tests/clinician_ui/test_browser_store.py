"""In headless Chromium: a worklist of 10,000 cases, an override that outlives a killed server, login with roles."""

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest
from dashboard_browser import browser_page, dashboard, free_port, photograph, report, settle
from sqlalchemy import create_engine, text

from clinician_ui.folders import list_cases
from diagnosis.store.actors import Actor, Role
from diagnosis.store.assessments import save_assessment
from diagnosis.store.cases import sync_cases
from diagnosis.store.database import Store
from diagnosis.store.review_state import Decision
from diagnosis.store.reviews import Review, save_review
from diagnosis.store.verification import verify_trail

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(2700)]
MANY = 10_000
READER = Actor("reader@clinic", Role.READER)


def note_case(folder: Path, case_id: str, age: int) -> None:
    folder.mkdir()
    (folder / "case.json").write_text(json.dumps({"case_id": case_id, "age_years": age, "sex": "FM"[age % 2]}))
    (folder / "note.txt").write_text(f"FINDINGS: Solid nodule of {age % 20 + 4} mm in the left upper lobe.")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Ten thousand cases on the disk and in the store, a few hundred of them assessed and reviewed."""
    from dashboard_records import make_assessment

    from diagnosis.record import Case, ClinicalNote

    folder, kept = tmp_path_factory.mktemp("many"), tmp_path_factory.mktemp("kept")
    for n in range(MANY):
        note_case(folder / f"f{n:05}", f"p-{n:05}", 30 + n % 60)
    store = Store.open(str(kept / "store.sqlite3"))
    entries = list_cases(folder)
    sync_cases(store, READER, entries[0].collection, [entry.facts for entry in entries])
    chance = random.Random(3)
    for entry in entries[:240]:
        case = Case(entry.case_id, note=ClinicalNote("A nodule."))
        made = make_assessment(case, chance.random())
        latest = save_assessment(store, READER, entry.token, made, {"fingerprint": entry.fingerprint, "edit": 0})
        if chance.random() < 0.3:
            name = made.main.name
            save_review(store, READER, entry.token, Review(latest.number, name, Decision.ACCEPT, comment="seen"))
    store.close()
    return folder, kept


def test_ten_thousand_cases_are_painted_by_pages_and_found(many, ui_bundle, tmp_path):
    folder, kept = many
    with dashboard(folder, ui_bundle, kept) as (address, _), browser_page(address) as page:
        rows = page.locator('[class*="st-key-row-"]')
        rows.nth(19).wait_for()
        page.get_by_text("10,000 cases").wait_for()
        photograph(page, tmp_path / "worklist_10000.png")
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            page.reload(wait_until="commit")
            rows.nth(19).wait_for()
            seconds.append(time.perf_counter() - start)
        report("first paint of the worklist with 10,000 cases", seconds=str(sorted(round(s, 2) for s in seconds)))
        settle(page)
        start = time.perf_counter()
        page.locator(".st-key-page-on button").click()
        page.get_by_text("21 to 40 of 10,000").wait_for()
        report("next page of 10,000 cases", seconds=round(time.perf_counter() - start, 2))
        page.get_by_label("Search case").fill("p-09999")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="p-09999").wait_for()
        rows.nth(1).wait_for(state="detached")  # those of the page before stay a moment longer
        assert rows.count() == 1
        assert "p-09999" not in page.url
        # Half a second on a quiet machine. The best of five: the others tell how busy it is with other work.
        assert min(seconds) <= 2
        for role in ("button", "textbox", "combobox", "switch", "radio", "link"):
            for control in page.get_by_role(role).all():
                assert '"' in control.aria_snapshot(), f"a {role} has no name"


@pytest.fixture
def few(tmp_path):
    folder = tmp_path / "cases"
    folder.mkdir()
    for n in range(3):
        note_case(folder / f"SECRET^NAME{n}", f"p-{n}", 50 + n)
    return folder


def open_case(page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    page.get_by_text("calibrated probability").wait_for()


def test_an_override_outlives_a_killed_server(few, ui_bundle, tmp_path):
    with dashboard(few, ui_bundle, tmp_path) as (address, server):
        with browser_page(address) as page:
            open_case(page, "p-1")
            settle(page)
            page.get_by_role("button", name="Review: to review").click()
            page.get_by_role("radio", name="Override").click()
            page.get_by_role("radio", name="negative").click()
            page.get_by_label("Reason").fill("unchanged for six years")
            page.get_by_label("Reason").press("Tab")
            page.get_by_label("Comment").fill("see the old report")
            page.get_by_label("Comment").press("Tab")
            settle(page)
            photograph(page, tmp_path / "review.png")
            page.get_by_role("button", name="Save review").click()
            page.get_by_role("button", name="Review: overridden").wait_for()
            page.reload()
            page.get_by_role("button", name="Review: overridden").wait_for()
            url = page.url
            assert page.title() == "Diagnosis"
            assert "p-1" not in url
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(timeout=300)
    with dashboard(few, ui_bundle, tmp_path) as (address, _), browser_page(address) as page:
        page.get_by_text("overridden", exact=True).wait_for()
        photograph(page, tmp_path / "worklist.png")
        open_case(page, "p-1")
        page.get_by_text("unchanged for six years").wait_for()
        photograph(page, tmp_path / "history.png")
        page.get_by_role("button", name="Export").click()
        page.get_by_role("button", name="Attribution (parametric map)").wait_for()
        photograph(page, tmp_path / "export.png")
        page.keyboard.press("Escape")
        page.get_by_role("link", name="Model").click()
        page.get_by_role("heading", name="Drift").wait_for()
        photograph(page, tmp_path / "model.png")
        page.get_by_role("link", name="Trail").click()
        page.get_by_role("button", name="Verify").click()
        page.get_by_text("as they were written").wait_for()
        photograph(page, tmp_path / "trail.png")
    assert "SECRET" not in (tmp_path / "server.txt").read_text()
    store = Store.open(str(tmp_path / "store.sqlite3"))
    assert verify_trail(store).faults == ()
    with store.reading() as session:
        for table in ("cases", "assessments", "reviews", "edits", "audit_events"):
            assert "SECRET" not in str(session.execute(text(f"SELECT * FROM {table}")).all())
    store.close()


def test_a_dropped_connection_loses_nothing(few, ui_bundle, tmp_path):
    with dashboard(few, ui_bundle, tmp_path) as (address, _), browser_page(address) as page:
        open_case(page, "p-0")
        settle(page)
        page.context.set_offline(True)
        page.wait_for_timeout(1500)
        page.context.set_offline(False)
        page.reload()
        page.get_by_text("calibrated probability").wait_for()
        page.get_by_role("button", name="Review: to review").wait_for()


def test_two_people_on_one_case_cannot_overrule_each_other_unseen(few, ui_bundle, tmp_path):
    with dashboard(few, ui_bundle, tmp_path) as (address, _), browser_page(address) as page:
        open_case(page, "p-2")
        settle(page)
        other = page.context.new_page()
        other.goto(page.url)
        other.get_by_text("calibrated probability").wait_for()
        settle(other)
        page.get_by_text("Edit the note").click()
        page.get_by_label("Note", exact=True).and_(page.get_by_role("textbox")).fill("Smooth calcified nodule of 4 mm.")
        page.get_by_role("button", name="Save the note and assess again").click()
        page.get_by_role("region", name="Note").get_by_text("Smooth calcified nodule").wait_for()
        other.get_by_role("button", name="Review: to review").click()
        other.get_by_role("radio", name="Accept").click()
        settle(other)
        other.get_by_role("button", name="Save review").click()
        other.get_by_text("assessed again meanwhile; look at the new assessment first").wait_for()
        photograph(other, tmp_path / "meanwhile.png")
        other.reload()
        other.get_by_role("region", name="Note").get_by_text("Smooth calcified nodule").wait_for()


@pytest.fixture(scope="module")
def provider():
    """A login provider on loopback whose users are named by the tests."""
    pytest.importorskip("oidc_provider_mock")
    import oidc_provider_mock

    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://127.0.0.1:{server.server_port}"


def login_file(folder: Path, provider: str, port: int, **access) -> Path:
    stated = {
        "auth": {
            "redirect_uri": f"http://127.0.0.1:{port}/oauth2callback",
            "cookie_secret": "a secret of at least thirty-two signs",
            "client_id": "dashboard",
            "client_secret": "secret",
            "server_metadata_url": f"{provider}/.well-known/openid-configuration",
        },
        "access": access,
    }
    lines = []
    for section, values in stated.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    path = folder / "login.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def log_in(page, provider: str, name: str, *groups: str) -> None:
    import urllib.request

    body = json.dumps({"groups": list(groups)}).encode()
    request = urllib.request.Request(
        f"{provider}/users/{name}", body, {"content-type": "application/json"}, method="PUT"
    )
    with urllib.request.urlopen(request, timeout=300):
        pass
    page.get_by_role("button", name="Log in").click()
    page.locator("input[name=sub]").fill(name)
    page.locator("button[type=submit]").first.click()


def test_two_readers_disagree_and_everyone_sees_it(few, ui_bundle, tmp_path, provider):
    port = free_port()
    login = login_file(tmp_path, provider, port, reader=["radiologists"], admin=["it"])
    with dashboard(few, ui_bundle, tmp_path, "--login", str(login), port=port) as (address, _):
        with browser_page(address, provider=provider) as page:
            log_in(page, provider, "reader-a", "radiologists")
            open_case(page, "p-1")
            settle(page)
            page.keyboard.press("y")
            page.get_by_role("dialog").get_by_role("button", name="Save review").wait_for()
            page.keyboard.press("Control+Enter")
            page.get_by_role("button", name="Review: accepted").wait_for()
        with browser_page(address, provider=provider) as page:
            log_in(page, provider, "reader-b", "radiologists")
            open_case(page, "p-1")
            settle(page)
            page.keyboard.press("v")
            dialog = page.get_by_role("dialog")
            dialog.get_by_text("First reader: reader-a.").wait_for()
            photograph(page, tmp_path / "second_reader.png")
            dialog.get_by_role("radio", name="negative").click()
            dialog.get_by_label("Reason").fill("calcified granuloma")
            dialog.get_by_label("Reason").press("Enter")
            settle(page)
            dialog.get_by_role("button", name="Save review").click()
            page.get_by_text("The readers disagree").wait_for()
            page.get_by_role("button", name="Review: readers disagree").wait_for()
            told = page.get_by_role("status").filter(has_text="The readers disagree").inner_text()
            assert "first reader, reader-a: malignancy accepted" in told
            assert "second reader, reader-b: malignancy overridden: negative (calcified granuloma)" in told
            photograph(page, tmp_path / "disagreement.png")
            page.keyboard.press("w")
            page.get_by_text("readers disagree", exact=True).wait_for()


def test_login_gives_roles_and_runs_out(few, ui_bundle, tmp_path, provider):
    port = free_port()
    login = login_file(tmp_path, provider, port, reader=["radiologists"], admin=["it"], idle_minutes=0.5)
    with dashboard(few, ui_bundle, tmp_path, "--login", str(login), port=port) as (address, _):
        with browser_page(address, provider=provider) as page:
            page.get_by_role("button", name="Log in").wait_for()
            assert page.get_by_text("p-1").count() == 0
            photograph(page, tmp_path / "login.png")
            log_in(page, provider, "dr-who", "radiologists")
            page.get_by_role("heading", name="Worklist").wait_for()
            page.get_by_text("dr-who · reader").wait_for()
            page.get_by_role("button", name="Assess all").wait_for()
            assert page.get_by_role("link", name="Trail").count() == 0
            # Nobody touches the page: it closes by itself.
            page.get_by_role("heading", name="Worklist").wait_for(state="detached")
            page.goto(address)
            page.get_by_role("button", name="Log in").wait_for()
        with browser_page(address, provider=provider) as page:
            log_in(page, provider, "student", "viewer")
            page.get_by_text("student · viewer").wait_for()
            assert page.get_by_role("button", name="Assess all").count() == 0
        with browser_page(address, provider=provider) as page:
            log_in(page, provider, "visitor")
            page.get_by_text("Your login has no role here").wait_for()
    engine = create_engine(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT actor, role FROM audit_events WHERE action = 'login'")).all()
    engine.dispose()
    assert rows == [("dr-who", "reader"), ("student", "viewer")]
