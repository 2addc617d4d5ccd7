"""The files of a run, written from its ledger: results, timings, manifest.

`results.parquet` and `results.csv` have the same rows, by case_id and finding, and hold nothing that differs between
two runs on the same inputs with the same bundle and runtime: they are equal byte for byte. What does differ, the
seconds of each stage, stands in `timings.parquet`, one row a study.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnosis.store.ledger import Entry, Ledger

if TYPE_CHECKING:
    import pyarrow as pa

STAGES = ("transcribe", "read", "prepare", "encode", "fuse")
PAGE_ROWS = 10_000
_TEXT = ("case_id", "finding", "modalities", "status", "reason", "warnings")
_NUMBERS = ("probability", "low", "high")
COLUMNS = (
    "case_id", "finding", "probability", "low", "high", "is_flagged", "modalities", "status", "reason", "warnings",
)  # fmt: skip


def result_rows(entries: Iterable[Entry], findings: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rows of the results; a failed study has one for each finding too, without numbers."""
    for entry in entries:
        stated: Mapping[str, Any] = json.loads(entry.result) if entry.result else {}
        by_name = {finding["name"]: finding for finding in stated.get("findings", ())}
        for name in sorted(findings):
            finding = by_name.get(name, {})
            yield {
                "case_id": entry.case_id,
                "finding": name,
                **{column: finding.get(column) for column in (*_NUMBERS, "is_flagged")},
                "modalities": stated.get("modalities"),
                "status": entry.state,
                "reason": entry.reason,
                "warnings": " ".join(stated["warnings"]) if stated.get("warnings") else None,
            }


def timing_rows(entries: Iterable[Entry]) -> Iterator[dict[str, Any]]:
    """Rows of the timings: seconds of each stage, and how often the study was begun."""
    for entry in entries:
        seconds = json.loads(entry.seconds or "{}")
        stages = {f"{stage}_s": seconds.get(stage) for stage in STAGES}
        yield {"case_id": entry.case_id, "attempts": entry.attempts, **stages}


def write_results(ledger: Ledger, findings: Sequence[str], folder: Path) -> None:
    """Write results and timings; each file appears whole or not at all."""
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    kinds = dict.fromkeys(_TEXT, text) | dict.fromkeys(_NUMBERS, number) | {"is_flagged": pa.bool_()}
    schema = pa.schema([(name, kinds[name]) for name in COLUMNS])
    _write(folder / "results.parquet", result_rows(ledger.entries(), findings), schema)
    _write(folder / "results.csv", result_rows(ledger.entries(), findings), schema)
    stages = [(f"{stage}_s", number) for stage in STAGES]
    timings = pa.schema([("case_id", text), ("attempts", pa.int32()), *stages])
    _write(folder / "timings.parquet", timing_rows(ledger.entries()), timings)


def _write(path: Path, rows: Iterator[dict[str, Any]], schema: "pa.Schema") -> None:
    import pyarrow as pa
    from pyarrow import csv, parquet

    unfinished = path.with_name(f".{path.name}")
    # An open file and not its name, which pyarrow takes for an address where a folder is called `run:1`.
    with unfinished.open("wb") as file:
        writer: Any = csv.CSVWriter(file, schema) if path.suffix == ".csv" else parquet.ParquetWriter(file, schema)
        with writer:
            for page in _pages(rows):
                writer.write_table(pa.Table.from_pylist(page, schema=schema))
    unfinished.replace(path)


def _pages(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    page: list[dict[str, Any]] = []
    for row in rows:
        page.append(row)
        if len(page) == PAGE_ROWS:
            yield page
            page = []
    if page:
        yield page
