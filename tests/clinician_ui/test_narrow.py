"""Down to a tablet held upright nothing is cut off, and every button is as wide as its words."""

import json
import shutil
from pathlib import Path

import pytest
from dashboard_browser import browser_page, dashboard, photograph, settle, viewer_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1800)]
WIDTHS = (820, 1024, 1280)
LONG_NAME = "a-pseudonym-as-long-as-a-research-number-of-another-clinic-12"
CUT = """() => {
  const cut = [];
  const clips = (style) => style.overflowX !== 'visible' || style.textOverflow === 'ellipsis';
  const above = (node) => node.parentElement ?? node.getRootNode().host ?? null;
  function look(text, words) {
    const range = document.createRange();
    range.selectNodeContents(text);
    const lines = [...range.getClientRects()].filter((line) => line.width > 1);
    const right = Math.max(...lines.map((line) => line.right));
    if (lines.length === 0 || !text.parentElement.checkVisibility({ visibilityProperty: true })) return;
    for (let box = text.parentElement; box; box = above(box)) {
      const edge = box.getBoundingClientRect();
      const style = getComputedStyle(box);
      if (edge.width <= 1 || style.clip !== 'auto') return;  // for readers of screens alone
      const holds = clips(style) || box.matches('button, .dx-card, .dx-row');
      if (holds && right > edge.right + 1) return cut.push(`${words}: beyond ${box.className || box.tagName}`);
    }
    if (right > document.documentElement.clientWidth + 1) cut.push(`${words}: beyond the window`);
    const tops = new Set(lines.map((line) => Math.round(line.top)));
    // The name of a case is as long as somebody made it: it may take several lines.
    const isButton = text.parentElement.closest('button') && !text.parentElement.closest('[class*=st-key-open-]');
    if (isButton && tops.size > 1) cut.push(`${words}: a button narrower than its words`);
  }
  function walk(node) {
    if (node.nodeType === Node.TEXT_NODE && node.data.trim() && !node.parentElement?.closest('style, script, svg')) {
      look(node, node.data.trim().slice(0, 40));
    }
    for (const child of node.childNodes) walk(child);
    if (node.shadowRoot) walk(node.shadowRoot);
  }
  walk(document.body);
  return cut;
}"""


@pytest.fixture(scope="module")
def cases(checkout, tmp_path_factory) -> Path:
    """A case of all three parts, a CT that nobody has marked, one of a long name and enough for a second page."""
    folder = tmp_path_factory.mktemp("cases")
    shutil.copytree(checkout / "data_samples" / "case_001", folder / "all_parts")
    shutil.copytree(checkout / "data_samples" / "case_004" / "ct", folder / "unmarked" / "ct")
    for number in range(20):
        words = folder / f"words_{number:02}"
        words.mkdir()
        name = LONG_NAME if number == 0 else f"p-{number:02}"
        (words / "case.json").write_text(json.dumps({"case_id": name, "age_years": 60 + number, "sex": "F"}))
        (words / "note.txt").write_text("FINDINGS: Spiculated solid nodule of 18 mm in the left upper lobe.")
    (folder / "nothing").mkdir()
    return folder


@pytest.fixture(scope="module")
def address(cases, ui_bundle, tmp_path_factory):
    with dashboard(cases, ui_bundle, tmp_path_factory.mktemp("log")) as (url, _):
        yield url


@pytest.fixture
def page(address):
    with browser_page(address) as page:
        yield page


def look(page, path: Path) -> None:
    """Nothing of the page is cut off at any width."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        settle(page)
        assert page.evaluate(CUT) == [], f"at {width} pixels"
        page.screenshot(path=path.with_stem(f"{path.stem}_{width}"))
    page.set_viewport_size({"width": 1024, "height": 800})


def test_what_is_cut_off_is_seen(page):
    """The measure itself: a label that is wider than its button, one that wraps, and words beyond the window."""
    page.get_by_role("heading", name="Worklist").wait_for()
    settle(page)
    found = page.evaluate(
        f"""() => {{
          const words = 'words that need their room';
          document.body.insertAdjacentHTML('beforeend', `
            <button style="width:60px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis">one ${{words}}</button>
            <button style="width:60px">two ${{words}}</button>
            <div style="position:absolute;top:0;left:calc(100vw - 40px);white-space:nowrap">three ${{words}}</div>`);
          return ({CUT})();
        }}"""
    )
    assert [words.split()[0] for words in found[-3:]] == ["one", "two", "three"]


def test_no_page_is_cut_off(page, tmp_path):
    page.get_by_text("23 cases").wait_for()
    look(page, tmp_path / "worklist.png")
    page.get_by_role("button", name="Keys").click()
    page.get_by_role("region", name="Keys").wait_for()
    look(page, tmp_path / "keys.png")
    page.keyboard.press("Escape")
    page.get_by_label("Search case").fill("case_001")
    page.get_by_label("Search case").press("Enter")
    page.get_by_role("button", name="case_001", exact=True).click()
    page.get_by_text("calibrated probability").wait_for()
    viewer_of(page)
    look(page, tmp_path / "case.png")
    page.get_by_role("button", name="Explain this assessment").click()
    page.get_by_role("heading", name="Proof of the explanation").wait_for()
    for fold in ("Edit the note", "Draft, edit and sign the report", "Questions and answers", "Second opinions"):
        page.get_by_text(fold).click()
    page.get_by_role("button", name="Sign as").wait_for()
    look(page, tmp_path / "explained.png")
    for popover in ("Review: to review", "Export"):
        page.get_by_role("button", name=popover).click()
        look(page, tmp_path / f"{popover.split(':')[0].lower()}.png")
        page.keyboard.press("Escape")
    for link, heading in (("Import", "Import"), ("Model", "Drift"), ("Trail", "Audit trail")):
        page.get_by_role("link", name=link).click()
        page.get_by_role("heading", name=heading).wait_for()
        look(page, tmp_path / f"{link.lower()}.png")


def test_an_unmarked_ct_waits_for_its_reader_and_can_be_read_while_it_is_searched(page, tmp_path):
    page.get_by_role("heading", name="Worklist").wait_for()
    page.get_by_role("radio", name="To mark 1").click()
    page.get_by_role("button", name="p-01").wait_for(state="detached")
    page.get_by_text("Open it to mark a region").wait_for()
    page.get_by_role("button", name="case-").click()
    page.get_by_text("No region is marked in the CT").wait_for()
    viewer_of(page)
    settle(page)
    page.get_by_role("button", name="Search the CT for regions").click()
    page.get_by_text("read on meanwhile").wait_for()
    assert page.locator("[data-stale=true]:has(.ct-viewer)").count() == 0
    page.get_by_role("button", name="Confirm", exact=True).first.wait_for()
    look(page, tmp_path / "proposals.png")
    page.get_by_role("button", name="Worklist").click()
    page.get_by_role("radio", name="To mark 1").wait_for()
    page.get_by_role("radio", name="Problems 1").wait_for()


def test_a_long_name_is_told_whole(page, tmp_path):
    page.get_by_label("Search case").fill(LONG_NAME)
    page.get_by_label("Search case").press("Enter")
    page.get_by_role("button", name="p-01").wait_for(state="detached")
    look(page, tmp_path / "long_name.png")
    page.get_by_role("button", name=LONG_NAME).click()
    page.get_by_text("calibrated probability").wait_for()
    look(page, tmp_path / "long_name_case.png")
    photograph(page, tmp_path / "long_name_whole.png")
