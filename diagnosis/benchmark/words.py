"""How well words are read and heard, on texts and recordings with expert labels: `diagnosis words-benchmark FOLDER`.

The folder holds any of these, as they are published; what is missing is left out:

=========================================  ============================================================================
`negation/negex_gold.csv`                  NegEx rows: phrase, sentence, negation, temporality, experiencer
`text/negbio_openi/openi_gld_std14.csv`    14 findings and normal of each Open-i report; `openi-testset.txt` beside it
`text/iuxray/indiana_reports.csv`          the reports: uid, indication, comparison, findings, impression
`dictation/radiology_tts/manifest.json`    recordings (file) with what was said (text)
`dictation/bias_vocab.json`                radiology terms (hotwords); further terms in `text/vocab/medwer_terms.txt`
=========================================  ============================================================================

Intervals are 95 % percentiles over 1,000 bootstrap draws of the rows.
"""

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from diagnosis.errors import InputError
from diagnosis.evaluation.clinical_text import agreement, split_half
from diagnosis.evaluation.dictation import DictationQuality, dictation_quality
from diagnosis.ingest.notes import note_from_text
from diagnosis.progress import OnProgress
from diagnosis.reading import Assertions, assertions_of, report_labels

Row = dict[str, str]
NEGEX = Path("negation", "negex_gold.csv")
REPORT_LABELS = Path("text", "negbio_openi", "openi_gld_std14.csv")
REPORT_LIST = Path("text", "negbio_openi", "openi-testset.txt")
REPORTS = Path("text", "iuxray", "indiana_reports.csv")
RECORDINGS = Path("dictation", "radiology_tts", "manifest.json")
TERMS, MORE_TERMS = Path("dictation", "bias_vocab.json"), Path("text", "vocab", "medwer_terms.txt")
_REPORT_PARTS = ("indication", "comparison", "findings", "impression")
N_DRAWS = 1000


@final
@dataclass(frozen=True)
class Judged:
    """One kind of yes/no judgment against experts.

    Attributes:
        name: what was judged.
        n_positive: rows that the experts call positive.
        precision, recall, f1: of the judgments.
        low, high: of F1, 95 %.
    """

    name: str
    n_positive: int
    precision: float
    recall: float
    f1: float
    low: float
    high: float


def judged(name: str, wanted: Sequence[bool], found: Sequence[bool]) -> Judged:
    """Compare judgments with those of experts."""
    all_rows = agreement(wanted, found)
    want, have = np.asarray(wanted), np.asarray(found)
    rng = np.random.default_rng(0)
    draws = [rng.integers(len(want), size=len(want)) for _ in range(N_DRAWS)]
    scores = [agreement(want[d].tolist(), have[d].tolist()).f1 for d in draws]
    low, high = np.percentile(scores, [2.5, 97.5])
    return Judged(name, int(want.sum()), all_rows.precision, all_rows.recall, all_rows.f1, float(low), float(high))


def read_table(path: Path) -> list[Row]:
    """Rows of a CSV.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path.name}: it cannot be read as a CSV in UTF-8; correct the path or the file"
        raise InputError(msg) from error


def place_of(phrase: str, sentence: str) -> tuple[int, int]:
    """The phrase in its sentence: in capitals where it is marked so; the whole sentence where it runs beyond it."""
    words = phrase.split()
    marked = re.search(r"\s+".join(re.escape(w.upper()) for w in words), sentence)
    found = marked or re.search(r"\s+".join(map(re.escape, words)), sentence, re.IGNORECASE)
    return found.span() if found else (0, len(sentence))


def negex_assertions(folder: Path) -> list[tuple[Row, Assertions]]:
    """Each NegEx row with how its phrase was read."""
    rows = read_table(folder / NEGEX)
    return [(row, assertions_of(row["sentence"], *place_of(row["phrase"], row["sentence"]))) for row in rows]


def temporality_of(meant: Assertions) -> str:
    """In the words of the reference."""
    if meant.is_hypothetical:
        return "Not particular"
    return "Historical" if meant.is_historical or meant.is_family else "Recent"


def negation_quality(folder: Path) -> dict[str, Any]:
    """Negation, temporality and experiencer on the NegEx rows."""
    rows = negex_assertions(folder)
    wanted = [row["negation"] == "Negated" for row, _ in rows]
    found = [meant.is_negated for _, meant in rows]
    halves = split_half(wanted, found)
    times = [(row["temporality"], temporality_of(meant)) for row, meant in rows]
    table = [judged("negated", wanted, found)]
    table += [
        judged(name.lower(), [said == name for said, _ in times], [read == name for _, read in times])
        for name in ("Historical", "Not particular")
    ]
    of_relative = [row["experiencer"] == "Family member" for row, _ in rows]
    table.append(judged("of a relative", of_relative, [meant.is_family for _, meant in rows]))
    right = [said == read for said, read in times]
    return {
        "n": len(rows),
        "judged": [asdict(row) for row in table],
        "temporality_accuracy": float(np.mean(right)),
        "negation_f1_of_random_halves": {"mean": halves[0], "smallest": halves[1]},
    }


def labeled_reports(folder: Path) -> list[tuple[Row, frozenset[str]]]:
    """Each report of the official test list: the experts' row and the findings that were read.

    A report of the list that has no words asserts no finding, as `report_labels` defines normal.
    """
    reference = {row["filename"]: row for row in read_table(folder / REPORT_LABELS)}
    reports = {f"CXR{row['uid']}": row for row in read_table(folder / REPORTS)}
    labeled = []
    for name in (folder / REPORT_LIST).read_text(encoding="utf-8").split():
        report = reports[name]
        text = "\n\n".join(f"{part.upper()}: {report[part]}" for part in _REPORT_PARTS if report[part].strip())
        labeled.append((reference[name], report_labels(note_from_text(text)) if text else frozenset({"normal"})))
    return labeled


def report_quality(folder: Path) -> dict[str, Any]:
    """F1 of each finding that at least one report of the test list has."""
    reports = labeled_reports(folder)
    columns = [column for column in reports[0][0] if column != "filename"]
    table = []
    for column in columns:
        wanted = [row[column] == "1" for row, _ in reports]
        if any(wanted):
            table.append(judged(column.lower(), wanted, [column.lower() in labels for _, labels in reports]))
    return {"n": len(reports), "judged": [asdict(row) for row in table]}


def medical_terms(folder: Path) -> frozenset[str]:
    """Radiology terms of other reports, and the single words of a public list of medical terms."""
    radiology = json.loads((folder / TERMS).read_text(encoding="utf-8"))["hotwords"].split()
    lines = (folder / MORE_TERMS).read_text(encoding="utf-8").splitlines()
    return frozenset(radiology) | {line for line in lines if line.isalpha() and len(line) > 3}


def measure_dictation(folder: Path, model: str | None, advance: OnProgress | None = None) -> DictationQuality:
    """Transcribe every recording of the manifest and compare with what was said."""
    from diagnosis.ingest.transcription import transcribe

    rows = json.loads((folder / RECORDINGS).read_text(encoding="utf-8"))
    pairs = []
    for number, row in enumerate(rows, start=1):
        pairs.append((row["text"], transcribe((folder / RECORDINGS).parent / row["file"], model=model).text))
        if advance is not None:
            advance(number, len(rows))
    return dictation_quality(pairs, medical_terms(folder))


def measure_words(folder: Path, model: str | None, advance: OnProgress | None = None) -> dict[str, Any]:
    """Everything that the folder has texts or recordings for.

    Raises:
        InputError: there is nothing to measure on.
    """
    document: dict[str, Any] = {}
    if (folder / NEGEX).is_file():
        document["negation"] = negation_quality(folder)
    if all((folder / part).is_file() for part in (REPORT_LABELS, REPORT_LIST, REPORTS)):
        document["chest_reports"] = report_quality(folder)
    if all((folder / part).is_file() for part in (RECORDINGS, TERMS, MORE_TERMS)):
        heard = measure_dictation(folder, model, advance)
        rates = {"word_error_rate": heard.word_error_rate, "medical_term_error": heard.medical_term_error}
        document["dictation"] = {**asdict(heard), **rates}
    if not document:
        msg = f"{folder.name}: it has none of the sets to measure words on; see diagnosis/benchmark/words.py"
        raise InputError(msg)
    return document
