"""The figures on words, on a folder made up for the test."""

import csv
import json

import pytest
from typer.testing import CliRunner

from diagnosis.benchmark.words import NEGEX, REPORT_LABELS, REPORT_LIST, REPORTS, judged, measure_words, place_of
from diagnosis.cli import app
from diagnosis.errors import InputError

ROWS = (
    ("effusion", "No pleural EFFUSION.", "Negated", "Recent", "Patient"),
    ("nodule", "NODULE in the left lung.", "Affirmed", "Recent", "Patient"),
    ("lung cancer", "Mother died of LUNG CANCER.", "Affirmed", "Historical", "Family member"),
    ("effusion", "EFFUSION, no nodule.", "Negated", "Recent", "Patient"),  # the reference is wrong on purpose
)
REPORT = {"uid": "1", "indication": "", "comparison": "", "findings": "Small pleural effusion.", "impression": ""}


def write(path, rows, header):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / NEGEX, ROWS, ("phrase", "sentence", "negation", "temporality", "experiencer"))
    write(tmp_path / REPORT_LABELS, [("CXR1", "1", "0", "0")], ("filename", "Effusion", "Nodule", "normal"))
    write(tmp_path / REPORTS, [REPORT.values()], REPORT)
    (tmp_path / REPORT_LIST).write_text("CXR1\n")
    return tmp_path


def test_what_a_folder_holds_is_measured(folder):
    document = measure_words(folder, None)
    assert set(document) == {"negation", "chest_reports"}
    by_name = {row["name"]: row for row in document["negation"]["judged"]}
    assert (by_name["negated"]["precision"], by_name["negated"]["recall"]) == (1.0, 0.5)
    assert by_name["of a relative"]["f1"] == 1.0
    assert document["negation"]["temporality_accuracy"] == 1.0
    assert [(row["name"], row["f1"]) for row in document["chest_reports"]["judged"]] == [("effusion", 1.0)]


def test_the_command_prints_tables_or_json(folder):
    shown = CliRunner().invoke(app, ["words-benchmark", str(folder)])
    assert shown.exit_code == 0
    assert "Temporality right: 1.000" in shown.output
    as_json = CliRunner().invoke(app, ["words-benchmark", str(folder), "--json"])
    assert json.loads(as_json.stdout)["negation"]["n"] == 4


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="none of the sets to measure words on"):
        measure_words(tmp_path, None)


def test_intervals_hold_the_estimate():
    found = judged("x", [True] * 50 + [False] * 50, [True] * 45 + [False] * 55)
    assert found.low <= found.f1 <= found.high
    assert found.recall == 0.9


def test_a_marked_phrase_is_preferred():
    assert place_of("mass", "A mass of the left MASS") == (19, 23)
