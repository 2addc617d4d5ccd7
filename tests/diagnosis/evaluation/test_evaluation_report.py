"""The page stands by itself, says what the document says, and survives cases of one class."""

import re

import numpy as np
import pytest

from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.calibration import Calibrator
from diagnosis.evaluation.claim_items import CLAIM_ITEMS, STUDY_FACTS, TRIPOD_ITEMS
from diagnosis.evaluation.claim_sheet import SheetStatus, claim_sheet, status_counts
from diagnosis.evaluation.metrics_file import (
    Bootstrap,
    compare_with_baselines,
    evaluate_baselines,
    evaluate_differences,
    evaluate_finding,
    metrics_document,
)
from diagnosis.evaluation.ordinal import evaluate_descriptor
from diagnosis.evaluation.report import ReportContents, curve_subsets, render_report, write_report
from diagnosis.evaluation.scores import SubsetScores, headline_subset
from diagnosis.evaluation.subgroups import subgroup_metrics
from diagnosis.vocabulary import NOT_A_MEDICAL_DEVICE

QUICK = Bootstrap(replicates=60)
METADATA = {
    "intended_use": "A second opinion on a marked nodule.",
    "data_source": "A public collection.",
    "network": {"fusion": "attention"},
    "findings": [{"name": "malignancy", "threshold_rule": "Youden"}],
}


def make_scores(signal: float, seed: int, count: int = 160) -> SubsetScores:
    labels = np.random.default_rng(7).integers(0, 2, count)
    logits = labels * signal + np.random.default_rng(seed).normal(0, 1, count)
    ids = [f"c{i}" for i in range(count)]
    return SubsetScores.cross_fitted(ids, ids, labels, logits, [f"fold{i % 4}" for i in range(count)])


@pytest.fixture(scope="module")
def contents() -> ReportContents:
    """A full report on three subsets."""
    scores = {"ct+note": make_scores(2.5, 3), "note": make_scores(1.5, 2), "ct": make_scores(1.2, 1)}
    baselines = {"diameter": make_scores(1.0, 9).logits}
    draws = QUICK.of(scores["ct"])
    ratings = np.random.default_rng(0).integers(1, 6, 160)
    document = metrics_document(
        {"name": "made up", "seed": 0},
        {"malignancy": evaluate_finding(scores, QUICK)},
        {**evaluate_differences(scores, QUICK), **compare_with_baselines("ct", scores["ct"], baselines, QUICK)},
        evaluate_baselines(scores["ct"], baselines, QUICK),
        subgroups={
            "malignancy": [r.to_json() for r in subgroup_metrics(scores["ct+note"], {"sex": ["F", "M"] * 80}, draws)]
        },
        descriptors={"spiculation": evaluate_descriptor(ratings + 0.1, ratings, ratings[::-1], draws)},
    )
    sheet = claim_sheet(document, METADATA, {"limitations": "Labels are <opinions>."}, {"registration": "no trial"})
    return ReportContents(
        "Evaluation of a <model>", document, {"malignancy": scores}, baselines, sheet, {"Bundle": "1.0"}, ("Look out.",)
    )


@pytest.fixture(scope="module")
def page(contents) -> str:
    return render_report(contents)


def test_the_page_needs_nothing_beside_itself(page):
    assert "<script" not in page
    assert "<link" not in page
    assert not re.findall(r'(?:src|href)="(?!data:image/svg\+xml;base64,)', page)
    assert "url(" not in page
    assert page.count("data:image/svg+xml;base64,") == 6


def test_texts_are_escaped_and_the_disclaimer_stands_on_top(page):
    assert "Evaluation of a &lt;model&gt;" in page
    assert "Labels are &lt;opinions&gt;." in page
    assert NOT_A_MEDICAL_DEVICE.replace("'", "&#39;") in page.split("<h2>")[0]
    assert "Look out." in page.split("<h2>")[0]


def test_the_page_says_the_numbers_of_the_document(page, contents):
    figures = contents.document["findings"]["malignancy"]["ct+note"]
    for name in ("auroc", "auprc", "brier", "ece", "sensitivity", "f1"):
        entry = figures[name]
        assert f'{entry["value"]:.3f} <span class="ci">[{entry["low"]:.3f}, {entry["high"]:.3f}]</span>' in page, name
    difference = contents.document["differences"]["ct+note-vs-best-single"]
    assert f"+{difference['value']:.3f}" in page
    assert "ct+note against the best single part (note)" in page
    assert "Spiculation" in page
    assert "sex: F" in page


def test_single_parts_come_first_in_tables_and_the_fullest_first_in_curves(page, contents):
    table = page[page.index("<h3>Ranking") :]
    assert table.index("<td>ct</td>") < table.index("<td>note</td>") < table.index("<td>ct+note</td>")
    assert list(curve_subsets(contents.scores["malignancy"])) == ["ct+note", "note", "ct"]


def test_the_headline_is_of_enough_cases():
    """All parts of eight cases tell less than one part of a hundred."""
    every = make_scores(2.0, 1)
    few, some = every.select(np.arange(8)), every.select(np.arange(60))
    assert headline_subset({"ct": every, "note": some, "ct+note": some, "ct+note+voice": few}) == "ct+note"
    assert headline_subset({"ct": every.select(np.arange(9)), "ct+note": few}) == "ct"
    assert headline_subset({"ct": few, "ct+note": few}) == "ct+note"


def test_curves_are_of_the_same_cases():
    """A part that more cases have is drawn on those that have all parts; one that some of these lack is not drawn."""
    every = make_scores(2.0, 1)
    few = every.select(np.arange(40, 100))
    drawn = curve_subsets(
        {"ct": every, "note": every.select(np.arange(20, 120)), "voice": few.select(np.arange(9)), "ct+note": few}
    )
    assert list(drawn) == ["ct+note", "ct", "note"]
    assert {scores.case_ids for scores in drawn.values()} == {few.case_ids}


def test_the_same_contents_give_the_same_bytes(page, contents, tmp_path):
    write_report(contents, tmp_path / "out" / "report.html")
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8") == page


def test_a_handful_of_cases_of_one_class_still_makes_a_page():
    ids = [f"c{i}" for i in range(6)]
    scores = {"ct": SubsetScores.of_bundle(ids, ids, np.ones(6), np.linspace(-1, 2, 6), Calibrator())}
    document = metrics_document({}, {"malignancy": evaluate_finding(scores, QUICK)}, {}, {})
    page = render_report(ReportContents("Few", document, {"malignancy": scores}))
    assert "6 cases of 6 patients, 6 of them positive (100.0 %)" in page
    assert not re.search(r"\bnan\b", re.sub(r"base64,[A-Za-z0-9+/=]+", "", page))
    assert "Doubt" not in page


def test_the_checklists_hold_every_item_once_in_order():
    assert [item.number for item in CLAIM_ITEMS] == [str(n) for n in range(1, 45)]
    assert len(TRIPOD_ITEMS) == 52
    assert len({item.number for item in TRIPOD_ITEMS}) == 52
    asked = {s.removeprefix("study.") for i in (*CLAIM_ITEMS, *TRIPOD_ITEMS) for s in i.sources if "study." in s}
    assert asked == set(STUDY_FACTS)


def test_the_sheet_is_filled_from_facts_and_from_nothing_else(contents):
    sheet = {(e.item.checklist, e.item.number): e for e in contents.sheet}
    assert sheet["CLAIM 2024", "7"].status is SheetStatus.MET
    assert sheet["CLAIM 2024", "7"].text == "A public collection."
    assert sheet["CLAIM 2024", "7"].evidence == "metadata.data_source"
    assert sheet["CLAIM 2024", "29"].status is SheetStatus.MET
    assert sheet["CLAIM 2024", "34"].status is SheetStatus.NOT_APPLICABLE
    assert sheet["CLAIM 2024", "34"].text == "no trial"
    assert sheet["CLAIM 2024", "44"].status is SheetStatus.NOT_MET
    assert sheet["CLAIM 2024", "44"].evidence == "missing: study.funding"
    assert sheet["TRIPOD+AI", "15"].text == "Youden"
    nothing = status_counts(claim_sheet({}, {}, {}))
    assert nothing == {
        "CLAIM 2024": {"met": 0, "not met": 44, "not applicable": 0},
        "TRIPOD+AI": {"met": 0, "not met": 52, "not applicable": 0},
    }
    everything = status_counts(claim_sheet({}, {}, dict.fromkeys(STUDY_FACTS, "x")))
    assert everything["CLAIM 2024"]["met"] < 44


def test_long_facts_are_cut_at_a_word_and_unknown_ones_refused():
    sheet = claim_sheet({}, {}, {"funding": "word " * 100})
    text = next(e.text for e in sheet if e.item.number == "44")
    assert text.endswith("word …")
    assert len(text) < 170
    with pytest.raises(ConfigurationError, match=r"study facts: 'budget' is unknown; use one of abstract, acquisition"):
        claim_sheet({}, {}, {"budget": "none"})
