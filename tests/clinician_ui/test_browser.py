"""End to end in headless Chromium: the worklist, a case, its pictures, its words, its explanation."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import urlopen

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 900_000
"""For a machine that is busy with other work; on a quiet one the whole test takes about a minute."""

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(2700)]


def need(is_there: bool, name: str) -> None:
    if is_there:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed")
    pytest.skip(f"{name} is not installed")


@pytest.fixture(scope="module")
def cases(checkout, tmp_path_factory) -> Path:
    """A sample with a CT, a note with a dictation, and one that cannot be used."""
    folder = tmp_path_factory.mktemp("cases")
    shutil.copytree(checkout / "data_samples" / "case_004", folder / "with_ct")
    words = folder / "with_words"
    words.mkdir()
    (words / "case.json").write_text('{"case_id": "words", "age_years": 61, "sex": "F"}')
    for name in ("note.txt", "voice.wav"):
        shutil.copyfile(checkout / "data_samples" / "case_001" / name, words / name)
    (folder / "SECRET^NAME").mkdir()
    return folder


@pytest.fixture(scope="module")
def address(cases, ui_bundle, tmp_path_factory):
    """The dashboard, started as a user starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("log") / "server.txt"
    command = [sys.executable, "-m", "diagnosis", "ui", str(cases), "--bundle", str(ui_bundle)]
    with log.open("w") as stream:
        server = subprocess.Popen(
            [*command, "--port", str(port), "--headless"], stdout=stream, stderr=stream, start_new_session=True
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, 15)
            server.wait(timeout=60)
    assert "SECRET" not in log.read_text()


def wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            pytest.fail(f"the server ended: {log.read_text()}")
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail("the server did not start within five minutes")


@pytest.fixture
def page(address):
    need(CHROMIUM.is_file(), "chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    asked: list[str] = []
    errors: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        yield page
        browser.close()
    assert errors == []
    hosts = {urlparse(url).hostname for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {"127.0.0.1"}


def picture(page) -> str:
    return page.locator("[data-testid=stImage] img").first.get_attribute("src")


def wait_for_another(page, old: str) -> None:
    page.wait_for_function(
        "old => { const i = document.querySelector('[data-testid=stImage] img');"
        " return i && i.complete && i.getAttribute('src') !== old; }",
        arg=old,
    )


def settle(page) -> None:
    """Wait until everything on the page has been drawn and nothing is left of what was there before."""
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stSkeleton], [data-stale=true], [data-testid=stStatusWidget]')"
        " && [...document.querySelectorAll('[data-testid=stImage] img')].every(i => i.complete && i.naturalWidth)"
    )
    page.wait_for_timeout(1000)


def choose(page, name: str) -> None:
    """Press a button of a row of choices."""
    settle(page)
    page.get_by_role("radio", name=name, exact=True).click()


def photograph(page, path: Path) -> None:
    """Take the whole page."""
    settle(page)
    height = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": 1280, "height": max(800, height)})
    settle(page)
    page.screenshot(path=path)
    page.set_viewport_size({"width": 1280, "height": 800})
    assert path.stat().st_size > 10_000


def test_from_the_worklist_to_the_explanation(page, tmp_path):
    page.get_by_role("heading", name="Worklist").wait_for()
    page.get_by_text("no CT, no note and no dictation").wait_for()
    photograph(page, tmp_path / "worklist.png")

    page.get_by_role("button", name="case_004").click()
    page.get_by_text("calibrated probability").wait_for()
    page.get_by_text("not a medical device").wait_for()
    page.get_by_role("slider", name="Axial slice").first.wait_for()
    photograph(page, tmp_path / "case.png")

    settle(page)
    lung = picture(page)
    choose(page, "Soft tissue")
    wait_for_another(page, lung)
    soft = picture(page)
    page.get_by_role("slider", name="Axial slice").first.focus()
    page.keyboard.press("ArrowRight")
    wait_for_another(page, soft)
    photograph(page, tmp_path / "soft_tissue.png")

    page.get_by_role("button", name="Explain this assessment").click()
    page.get_by_text("Proof of the explanation").wait_for()
    page.get_by_text("Explanation overlay").or_(page.get_by_text("is withheld")).first.wait_for()
    choose(page, "60 mm")
    choose(page, "Lung")
    photograph(page, tmp_path / "explained.png")

    # The case survives a refresh, and neither address nor title names anybody.
    assert page.title() == "Diagnosis"
    assert "case_004" not in page.url
    page.reload()
    page.get_by_text("Proof of the explanation").wait_for()


def test_a_word_of_the_dictation_plays_from_where_it_was_said(page, tmp_path):
    page.get_by_role("button", name="words").click()
    page.get_by_role("heading", name="Dictation").wait_for()
    transcript = page.get_by_role("region", name="Transcript")
    transcript.wait_for()
    words = transcript.get_by_role("button")
    assert words.count() > 20
    player = page.get_by_label("The dictation")
    player.evaluate("audio => { audio.muted = true; }")
    words.nth(10).click()
    page.wait_for_function("audio => audio.currentTime > 0.5", arg=player.element_handle())
    photograph(page, tmp_path / "dictation.png")


def test_every_control_has_a_name_and_can_be_reached_by_keyboard(page):
    page.get_by_role("button", name="case_004").click()
    page.get_by_role("slider", name="Sagittal slice").first.wait_for()
    for role in ("button", "slider", "checkbox", "switch", "textbox", "combobox"):
        for control in page.get_by_role(role).all():
            # A selectbox is reached as a whole: the arrow inside it is for the mouse.
            if role == "button" and control.locator("xpath=ancestor::*[@data-testid='stSelectbox']").count():
                continue
            spoken = control.aria_snapshot()
            assert '"' in spoken, f"a {role} has no name: {spoken}"
            assert control.get_attribute("tabindex") != "-1", f"a {role} cannot be reached: {spoken}"
