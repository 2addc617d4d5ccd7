"""Figures of a task whose weights are not shipped: every subset of parts, beside bags of words on the same folds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from diagnosis.evaluation.metrics_file import (
    Bootstrap,
    compare_with_baselines,
    evaluate_baselines,
    interval_text,
    write_metrics,
)
from diagnosis.training.cohort import Cohort
from diagnosis.training.config import TrainConfig
from diagnosis.training.folds import OutOfFold
from diagnosis.training.publish import can_be_scored, measure, scores_of

BAG_OF_WORDS = "tfidf"
TEXT_PARTS = ("note", "voice", "note+voice")
PAGE_SUBSETS = ("ct", "note", "voice", "note+voice", "ct+note+voice")


def write_benchmark(config: TrainConfig, cohort: Cohort, out_of_fold: OutOfFold) -> dict[str, Any]:
    """Measure, and write metrics.json and README.md to the work folder; return the metrics document."""
    document = measure(cohort, out_of_fold, config)
    document["bags_of_words"] = bags_of_words(cohort, out_of_fold, config)
    folder = Path(config.work)
    write_metrics(document, folder / "metrics.json")
    (folder / "README.md").write_text(benchmark_page(document), encoding="utf-8")
    return document


def bags_of_words(cohort: Cohort, out_of_fold: OutOfFold, config: TrainConfig) -> dict[str, Any]:
    """For each finding and text part: AUROC of TF-IDF with logistic regression, and what the network has over it."""
    bootstrap = Bootstrap(seed=config.seed)
    found: dict[str, Any] = {}
    for index, finding in enumerate(cohort.findings):
        found[finding] = {}
        for part in TEXT_PARTS:
            if not can_be_scored(cohort, out_of_fold, part, index):
                continue
            scores = scores_of(cohort, out_of_fold, part, index, config.coverage)
            told = dict(zip([c.case_id for c in cohort.cases], bag_of_words_logits(cohort, part, index), strict=True))
            values = {BAG_OF_WORDS: np.array([told[case_id] for case_id in scores.case_ids])}
            differences: dict[str, Any] = compare_with_baselines(part, scores, values, bootstrap)
            found[finding][part] = {
                **evaluate_baselines(scores, values, bootstrap)[BAG_OF_WORDS],
                "network_minus_this": differences.get(f"{part}-vs-{BAG_OF_WORDS}"),
            }
    return found


def bag_of_words_logits(cohort: Cohort, part: str, finding: int) -> npt.NDArray[np.float64]:
    """(case,) out of fold; NaN where a case lacks the text."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts = [_text(case.note, case.voice, part) for case in cohort.cases]
    logits = np.full(len(texts), np.nan)

    def usable(rows: Sequence[int]) -> list[int]:
        return [i for i in rows if texts[i] is not None and cohort.cases[i].labels[finding] is not None]

    for fold in cohort.folds:
        inside, outside = usable(cohort.inside(fold)), usable(cohort.outside(fold))
        words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        model = make_pipeline(words, LogisticRegression(C=10.0, max_iter=1000))
        model.fit([texts[i] for i in outside], [cohort.cases[i].labels[finding] for i in outside])
        logits[inside] = model.decision_function([texts[i] for i in inside])
    return logits


def _text(note: str | None, voice: str | None, part: str) -> str | None:
    """The text of a part; None where the case lacks it."""
    asked = [text for name, text in (("note", note), ("voice", voice)) if name in part.split("+")]
    return None if None in asked else "\n".join(text for text in asked if text)


def benchmark_page(document: dict[str, Any]) -> str:
    """Two tables as Markdown: the network by subset, and bags of words beside the network's text parts."""
    protocol = document["protocol"]
    lines = [
        f"{protocol['cases']} cases, {len(protocol['folds'])} folds, seed {protocol['seed']}.",
        f"AUROC out of fold, pooled; intervals: {protocol['bootstrap']}.",
        "",
        f"| finding | {' | '.join(PAGE_SUBSETS)} |",
        "|---" * (1 + len(PAGE_SUBSETS)) + "|",
    ]
    for finding, subsets in document["findings"].items():
        cells = [interval_text(subsets[s]["auroc"]) if s in subsets else "-" for s in PAGE_SUBSETS]
        lines.append(f"| {finding} | {' | '.join(cells)} |")
    parts = [f"{part}: {what}" for part in TEXT_PARTS for what in ("TF-IDF", "network − TF-IDF")]
    lines += ["", f"| finding | {' | '.join(parts)} |", "|---" * (1 + len(parts)) + "|"]
    for finding, by_part in document["bags_of_words"].items():
        cells = []
        for part in TEXT_PARTS:
            entry = by_part.get(part)
            gain = entry and entry["network_minus_this"]
            cells += [interval_text(entry["auroc"]) if entry else "-", interval_text(gain) if gain else "-"]
        lines.append(f"| {finding} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])
