"""The dashboard in headless Chromium: started as a user starts it, with a microphone that plays a file."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
"""For a machine that is busy with other work; on a quiet one a whole test takes about a minute."""
SIZE = {"width": 1280, "height": 800}


def need(is_there: bool, name: str) -> None:
    """Skip by name where a program is missing; fail where everything has to be there."""
    if is_there:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed")
    pytest.skip(f"{name} is not installed")


@contextmanager
def dashboard(
    cases: Path, bundle: Path, folder: Path, *options: str, port: int | None = None
) -> Iterator[tuple[str, subprocess.Popen]]:
    """Its address and its process. `folder` holds the log and the store, so that it can be started again."""
    need(CHROMIUM.is_file(), "chromium")
    port = port or free_port()
    log = folder / "server.txt"
    command = [sys.executable, "-m", "diagnosis", "ui", str(cases), "--bundle", str(bundle)]
    environment = os.environ | {"DIAGNOSIS_STORE": str(folder / "store.sqlite3")}
    with log.open("a") as stream:
        server = subprocess.Popen(
            [*command, "--port", str(port), "--headless", *options],
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            env=environment,
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health", server, log)
            yield f"http://127.0.0.1:{port}", server
        finally:
            if server.poll() is None:
                os.killpg(server.pid, 15)
            server.wait(timeout=300)


def free_port() -> int:
    """A port of the loopback address that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    """Until the server answers."""
    for _ in range(600):
        if server.poll() is not None:
            pytest.fail(f"the server ended: {log.read_text()}")
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail("the server did not start within five minutes")


@contextmanager
def browser_page(address: str, microphone: Path | None = None, provider: str = "no provider") -> Iterator:
    """A page on the dashboard; afterward: no script failed, and nothing was asked of any other machine.

    What a login provider's own pages ask for is not the dashboard's doing.
    """
    playwright = pytest.importorskip("playwright.sync_api")
    flags = list(FLAGS)
    if microphone is not None:
        flags += [
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={microphone}",
        ]
    asked: list[str] = []
    errors: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        permissions = ["microphone"] if microphone is not None else []
        page = browser.new_context(viewport=SIZE, permissions=permissions).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda request: None if page.url.startswith(provider) else asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        yield page
        browser.close()
    assert errors == []
    assert {urlparse(url).hostname for url in asked if not url.startswith(("data:", "blob:"))} == {"127.0.0.1"}


def settle(page) -> None:
    """Wait until everything on the page has been drawn and nothing is left of what was there before."""
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stSkeleton], [data-stale=true], [data-testid=stStatusWidget]')"
    )
    page.wait_for_timeout(1000)


def photograph(page, path: Path) -> None:
    """Take what a screen of 1280 x 800 shows, and the whole page; both are kept where the run asks for it."""
    settle(page)
    kept = os.environ.get("DIAGNOSIS_SCREENSHOTS")
    path = Path(kept) / path.name if kept else path
    page.screenshot(path=path)
    height = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size(SIZE | {"height": max(800, height)})
    settle(page)
    page.screenshot(path=path.with_stem(f"{path.stem}_whole"))
    page.set_viewport_size(SIZE)
    assert barriers(page) == []
    assert path.stat().st_size > 10_000


def barriers(page) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA on the page as it is: contrast, names, roles, order, targets."""
    package = pytest.importorskip("axe_playwright_python")
    page.evaluate((Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate(
        """async () => {
          const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
          const { violations } = await axe.run(document, { runOnly: tags });
          return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 200)}`));
        }"""
    )
    # Words that play are targets in a sentence, which WCAG 2.2 (2.5.8) lets be as small as the sentence has them.
    return [one for one in found if not one.startswith('target-size: <button class="word')]


def viewer_of(page):
    """The CT viewer, once it has drawn its first pictures."""
    viewer = page.locator(".ct-viewer[data-draws]")
    viewer.wait_for()
    return viewer


SLICES = """async (root, n) => {
  const canvas = root.querySelector('canvas');
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const times = [];
  for (let i = 0; i < n; i++) {
    const before = Number(root.dataset.draws);
    const start = performance.now();
    const deltaY = i % 40 < 20 ? -100 : 100;
    canvas.dispatchEvent(new WheelEvent('wheel', { deltaY, bubbles: true, cancelable: true }));
    while (Number(root.dataset.draws) === before) await frame();
    await frame();
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return times;
}"""


def slice_times_ms(viewer, n: int = 100) -> list[float]:
    """From a turn of the wheel until the frame after the one that was drawn, for each of n slices, sorted."""
    return sorted(viewer.evaluate(SLICES, n))


def report(name: str, **figures: float | str) -> None:
    """Write a measured figure where the run asks for it."""
    if target := os.environ.get("DIAGNOSIS_FIGURES"):
        with Path(target).open("a") as file:
            file.write(json.dumps({"name": name, **figures}) + "\n")
