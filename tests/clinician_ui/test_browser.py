"""End to end in headless Chromium: a study is imported, marked, dictated upon, assessed, explained, and asked about."""

import re
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from dashboard_browser import browser_page, dashboard, photograph, report, settle, slice_times_ms, viewer_of

from clinician_ui.components.scene import make_scene
from diagnosis.ingest.dicom_volume import read_series

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(2700)]
NEAR = 3
CONFIRMED = re.compile("transcribed by .*, confirmed by")
PARTS_OF_A_WHOLE = " or ".join(f"@data-testid='{name}'" for name in ("stSelectbox", "stMultiSelect", "stNumberInput"))


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
def study(checkout, tmp_path_factory) -> Path:
    """A zip archive of DICOM, as another system exports it."""
    path = tmp_path_factory.mktemp("study") / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted((checkout / "data_samples" / "case_003" / "ct").iterdir()):
            archive.write(file, f"SECRET^NAME/{file.name}")
    return path


@pytest.fixture(scope="module")
def address(cases, ui_bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    with dashboard(cases, ui_bundle, folder) as (url, _):
        yield url
    assert "SECRET" not in (folder / "server.txt").read_text()


@pytest.fixture
def page(address, checkout):
    with browser_page(address, checkout / "data_samples" / "case_001" / "voice.wav") as page:
        yield page


def choose(page, name: str) -> None:
    """Press a button of a row of choices."""
    page.get_by_role("radio", name=name, exact=True).click()


def open_case(page, name: str) -> None:
    page.get_by_role("heading", name="Worklist").wait_for()
    page.get_by_role("button", name=name, exact=True).click()
    page.get_by_text("calibrated probability").wait_for()


def plane(page, name: str):
    return page.get_by_role("application", name=re.compile(f"^{name} plane"))


def test_a_study_is_imported_marked_dictated_upon_and_assessed(page, study, tmp_path, checkout):
    page.get_by_role("heading", name="Worklist").wait_for()
    page.get_by_role("link", name="Import").click()
    page.get_by_label("Zip archive of DICOM files").set_input_files(study)
    page.get_by_text("will be assessed").wait_for()
    photograph(page, tmp_path / "import.png")
    page.get_by_label("Pseudonym").fill("imported-1")
    page.get_by_role("button", name="Take the case in").click()

    page.get_by_text("No region is marked in the CT").wait_for()
    viewer = viewer_of(page)
    photograph(page, tmp_path / "unmarked.png")
    look_at_a_proposal(page, viewer, tmp_path)
    choose(page, "Region")
    center = mark_the_nodule(page, viewer, checkout)
    photograph(page, tmp_path / "marked.png")
    page.get_by_role("button", name="Assess this region").click()
    page.get_by_text("calibrated probability").wait_for()
    page.locator('.ct-viewer[data-region*=" "]').wait_for()
    settle(page)
    region = [float(v) for v in viewer.get_attribute("data-region").split()]
    assert np.allclose(region, center, atol=0.02)

    page.get_by_text("Record or upload a dictation").click()
    page.get_by_test_id("stAudioInput").get_by_role("button", name="Record").click()
    page.wait_for_timeout(9000)
    page.get_by_role("button", name="Stop recording").click()
    said = page.get_by_label("What was said")
    said.wait_for()
    photograph(page, tmp_path / "heard.png")
    assert "nodule" in said.input_value()
    said.fill(said.input_value() + " No pleural effusion, I am sure.")
    page.get_by_role("button", name="Confirm as my word and assess").click()
    page.get_by_text(CONFIRMED).wait_for()
    settle(page)
    assert page.get_by_role("region", name="Transcript").inner_text().endswith("sure.")
    assert page.get_by_text("not used: absent").count() == 1
    photograph(page, tmp_path / "dictated.png")

    # All of that survives a refresh; neither address nor title names anybody.
    page.reload()
    page.get_by_text(CONFIRMED).wait_for()
    assert page.title() == "Diagnosis"
    assert "imported-1" not in page.url


def look_at_a_proposal(page, viewer, tmp_path) -> None:
    """Have the CT searched, and the pictures brought to the first region that is proposed; nothing is marked."""
    page.get_by_role("button", name="Search the CT for regions").click()
    page.get_by_role("button", name="Show", exact=True).first.click()
    page.locator(".ct-viewer[data-looked]").wait_for()
    settle(page)
    looked = [float(v) for v in viewer.get_attribute("data-looked").split()]
    at = viewer.evaluate("root => root.viewer.mmOf(root.viewer.state.at)")
    assert np.linalg.norm(np.subtract(at, looked)) < NEAR
    assert viewer.evaluate("root => root.viewer.state.proposed.center_mm") == pytest.approx(looked)
    photograph(page, tmp_path / "proposed.png")
    viewer.get_by_role("button", name="Cancel").click()
    assert viewer.get_attribute("data-region") == ""


def mark_the_nodule(page, viewer, checkout) -> list[float]:
    """Go to where the phantom's nodule is by the sliders, drag its outline, and give the center that was sent."""
    import json

    truth = json.loads((checkout / "data_samples" / "case_003" / "case.json").read_text())["region"]
    voxel = viewer.evaluate("(root, mm) => root.viewer.voxelOf(mm)", truth["center_mm"])
    page.get_by_role("slider", name="Axial slice").fill(str(voxel[0] + 1))
    settle(page)
    x, y = viewer.evaluate(
        """async (root, voxel) => {
          const { toPixel } = await import(new URL(root.viewer.data.script_url.replace('viewer.js', 'geometry.js'),
                                                   document.baseURI));
          return toPixel(root.viewer.views[0], voxel);
        }""",
        voxel,
    )
    box = plane(page, "Axial").bounding_box()
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.down()
    page.mouse.move(box["x"] + x + 6, box["y"] + y)
    page.mouse.up()
    viewer.get_by_label("Diameter (mm)").fill(f"{truth['diameter_mm']:.1f}")
    viewer.get_by_label("Diameter (mm)").press("Tab")
    proposed = viewer.evaluate("root => root.viewer.state.proposed")
    assert np.linalg.norm(np.subtract(proposed["center_mm"], truth["center_mm"])) < NEAR
    assert proposed["diameter_mm"] == pytest.approx(truth["diameter_mm"], abs=0.06)
    return proposed["center_mm"]


def test_slices_windows_and_overlay_answer_at_once(page, tmp_path):
    open_case(page, "case_004")
    viewer = viewer_of(page)
    photograph(page, tmp_path / "case.png")
    page.get_by_role("button", name="Explain this assessment").click()
    page.get_by_text("Explaining, with proofs").wait_for()
    # The CT can be read while the proofs are made: it is not dimmed, and answers.
    assert page.locator("[data-stale=true]:has(.ct-viewer)").count() == 0
    choose(page, "Bone")
    page.screenshot(path=tmp_path / "explaining.png")
    choose(page, "Lung")
    page.get_by_role("heading", name="Proof of the explanation").wait_for()
    page.get_by_text("Explanation overlay").or_(page.get_by_text("Withheld")).first.wait_for()
    choose(page, "60 mm")
    photograph(page, tmp_path / "explained.png")
    for field in ("60 mm", "Whole"):
        choose(page, field)
        times = min((slice_times_ms(viewer) for _ in range(3)), key=lambda t: t[94])
        report(f"slice change, processor, {field}", p50_ms=times[50], p95_ms=times[94])
        assert times[94] <= 100
    choose(page, "Mediastinum")
    photograph(page, tmp_path / "mediastinum.png")
    page.get_by_label("Drawn by").select_option("NiiVue")
    page.locator(".ct-viewer[data-engine=NiiVue]").wait_for()
    times = min((slice_times_ms(viewer, 60) for _ in range(2)), key=lambda t: t[56])
    report("slice change, NiiVue in software", p50_ms=times[30], p95_ms=times[56])


def test_pictures_are_anatomically_right_whoever_draws_them(page, cases):
    """Gray levels on the screen are those of the voxels that geometry says are there, in all three planes."""
    open_case(page, "case_004")
    viewer = viewer_of(page)
    scene = make_scene(read_series(cases / "with_ct" / "ct").volume)
    for name in ("Crosshair", "Region"):
        viewer.get_by_role("checkbox", name=name).uncheck()
    for engine in ("Processor", "NiiVue"):
        page.get_by_label("Drawn by").select_option(engine)
        page.locator(f".ct-viewer[data-engine={'NiiVue' if engine == 'NiiVue' else 'processor'}]").wait_for()
        off = [abs(seen(viewer, at) - expected(scene, at)) for at in quiet_voxels(scene)]
        # A letter or the scale bar may lie over a few of them.
        assert np.median(off) <= 3
        assert np.quantile(off, 0.85) <= 12


def quiet_voxels(scene) -> list[tuple[int, int, int]]:
    """Voxels of very different gray whose neighbors are like them, in places that no mirror image shares."""
    random = np.random.default_rng(1)
    found: dict[int, list[tuple[int, int, int]]] = {}
    while sum(map(len, found.values())) < 24:
        z, y, x = (int(random.integers(6, n - 6)) for n in scene.hu.shape)
        around = scene.hu[z - 2 : z + 3, y - 3 : y + 4, x - 3 : x + 4]
        kind = int(scene.hu[z, y, x] // 300)
        if np.ptp(around) < 120 and len(found.setdefault(kind, [])) < 8 and scene.hu[z, y, x] > -990:
            found[kind].append((z, y, x))
    return [at for places in found.values() for at in places]


def expected(scene, at) -> np.ndarray:
    level = np.clip((scene.hu[at] + 1350) / 1500 * 255, 0, 255)
    return np.full(3, level)


def seen(viewer, at) -> np.ndarray:
    """Gray on the screen at a voxel's place in each of the three planes."""
    gray = viewer.evaluate(
        """async (root, at) => {
          const viewer = root.viewer;
          const address = viewer.data.script_url.replace('viewer.js', 'geometry.js');
          const { toPixel } = await import(new URL(address, document.baseURI));
          viewer.setPosition(at);
          viewer.draw();
          return viewer.canvases.map((canvas, i) => {
            const [x, y] = toPixel(viewer.views[i], at);
            const ratio = window.devicePixelRatio || 1;
            return canvas.getContext('2d').getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data[0];
          });
        }""",
        list(at),
    )
    return np.array(gray)


def test_distances_are_in_millimeters_and_keys_move_the_crosshair(page, tmp_path):
    open_case(page, "case_004")
    viewer = viewer_of(page)
    choose(page, "Measure")
    box = plane(page, "Axial").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 250, box["y"] + 200)
    page.mouse.up()
    measured, px_per_mm = viewer.evaluate(
        """root => { const d = root.viewer.state.distances[0], v = root.viewer;
                     const [a, b] = [v.mmOf(d.from), v.mmOf(d.to)];
                     return [Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]), v.views[0].pxPerMm]; }"""
    )
    assert measured == pytest.approx(150 / px_per_mm, rel=0.01)
    photograph(page, tmp_path / "distance.png")
    page.get_by_role("button", name="Clear distances").click()
    assert viewer.evaluate("root => root.viewer.state.distances.length") == 0
    plane(page, "Coronal").focus()
    before = viewer.evaluate("root => root.viewer.state.at")
    for key in ("ArrowRight", "ArrowUp", "PageDown"):
        page.keyboard.press(key)
    z, y, x = viewer.evaluate("root => root.viewer.state.at")
    assert [z, y, x] == [before[0] + 1, before[1] - 1, before[2] + 1]
    choose(page, "Region")
    page.get_by_role("button", name="Propose here").click()
    page.get_by_role("button", name="What if here?").click()
    page.get_by_text("What if the region were at").wait_for()
    settle(page)
    photograph(page, tmp_path / "trial.png")
    page.get_by_role("button", name="Forget it").click()
    page.get_by_text("What if the region were at").wait_for(state="detached")


def test_a_word_of_the_dictation_plays_from_where_it_was_said(page, tmp_path):
    open_case(page, "words")
    page.get_by_role("heading", name="Dictation").wait_for()
    transcript = page.get_by_role("region", name="Transcript")
    transcript.wait_for()
    words = transcript.get_by_role("button")
    assert words.count() > 20
    player = page.get_by_label("The dictation", exact=True)
    player.evaluate("audio => { audio.muted = true; }")
    words.nth(10).click()
    page.wait_for_function("audio => audio.currentTime > 0.5", arg=player.element_handle())
    photograph(page, tmp_path / "dictation.png")


def test_what_if_answers_within_a_second(page, tmp_path):
    open_case(page, "words")
    page.get_by_role("heading", name="What if").wait_for()
    settle(page)
    seconds = []
    for switch in ("Use the Note", "Use the Note", "Use the Dictation", "Use the Dictation"):
        old = page.locator(".dx-if").inner_text()
        start = time.perf_counter()
        page.get_by_text(switch, exact=True).click()
        page.wait_for_function("old => document.querySelector('.dx-if')?.innerText !== old", arg=old)
        seconds.append(time.perf_counter() - start)
        settle(page)
    report("what if, a part switched", median_s=sorted(seconds)[2], slowest_s=max(seconds))
    photograph(page, tmp_path / "what_if.png")
    assert min(seconds) <= 1


def test_every_control_has_a_name_and_can_be_reached_by_keyboard(page):
    open_case(page, "case_004")
    viewer_of(page)
    for role in ("button", "slider", "checkbox", "switch", "textbox", "combobox", "spinbutton", "radio"):
        for control in page.get_by_role(role).all():
            # A selectbox is reached as a whole: the arrow inside it is for the mouse. So are the steps of a number.
            if role == "button" and control.locator(f"xpath=ancestor::*[{PARTS_OF_A_WHOLE}]").count():
                continue
            spoken = control.aria_snapshot()
            assert '"' in spoken, f"a {role} has no name: {spoken}"
            assert control.get_attribute("tabindex") != "-1", f"a {role} cannot be reached: {spoken}"
