"""The dashboard as a clinician meets it: sample cases, broken ones, and a bundle."""

import shutil
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[2] / "clinician_ui" / "app.py"
PATIENCE_SECONDS = 600


@pytest.fixture(scope="session", autouse=True)
def loopback():
    """As `diagnosis ui` starts the server; without it the dashboard shows nothing."""
    from streamlit import config

    config.set_option("server.address", "127.0.0.1")


@pytest.fixture(scope="session")
def ui_bundle(checkout, request) -> Path:
    """The shipped bundle where it is there, else one of random networks."""
    shipped = checkout / "models" / "lung_nodule"
    if (shipped / "checksums.json").is_file():
        return shipped
    return request.getfixturevalue("tiny_bundle")


@pytest.fixture
def cases_dir(checkout, tmp_path) -> Path:
    """A sample with a CT alone, one with a note alone, and two that cannot be used."""
    shutil.copytree(checkout / "data_samples" / "case_004", tmp_path / "case_004")
    note_only = tmp_path / "note_only"
    note_only.mkdir()
    (note_only / "case.json").write_text('{"case_id": "note-only", "age_years": 61, "sex": "F"}')
    (note_only / "note.txt").write_text("FINDINGS: Spiculated solid nodule of 18 mm <b>left</b> upper lobe.")
    impossible = tmp_path / "impossible"
    impossible.mkdir()
    (impossible / "case.json").write_text('{"case_id": "old", "age_years": 400}')
    (tmp_path / "nothing").mkdir()
    return tmp_path


@pytest.fixture
def start(monkeypatch):
    """Start the app on a folder of cases, as `diagnosis ui` does."""

    def run(cases: Path, bundle: Path, **query: str) -> AppTest:
        monkeypatch.setattr(sys, "argv", ["app.py", str(cases), str(bundle)])
        app = AppTest.from_file(str(APP), default_timeout=PATIENCE_SECONDS)
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    return run
