"""`diagnosis words-benchmark`: negation, findings of reports and dictation, against experts."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from diagnosis.cli import options


def words_benchmark_command(
    folder: Annotated[Path, typer.Argument(help="Folder with negation/, text/, dictation/ as they are published.")],
    model: Annotated[str | None, typer.Option(help="Speech model: base, tiny.en or a folder.")] = None,
    as_json: options.Json = False,
) -> None:
    """How well words are read (negation, time, whose; findings of chest reports) and dictations are heard."""
    from diagnosis.benchmark.words import measure_words
    from diagnosis.cli.progress import progress_bars

    with progress_bars() as open_bar:
        document = measure_words(folder, model, open_bar("Transcribing"))
    if as_json:
        typer.echo(json.dumps(document, indent=2))
        return
    print_words(document, Console())


def print_words(document: dict[str, Any], console: Console) -> None:
    """A table for each set."""
    for key, title in (("negation", "NegEx rows"), ("chest_reports", "Chest reports of the test list")):
        if key in document:
            console.print(_judged_table(document[key]["judged"], f"{document[key]['n']} {title}"))
    if "negation" in document:
        found = document["negation"]
        halves = found["negation_f1_of_random_halves"]
        console.print(
            f"Temporality right: {found['temporality_accuracy']:.3f}. Negation F1 of random halves: mean "
            f"{halves['mean']:.3f}, smallest {halves['smallest']:.3f}."
        )
    if "dictation" in document:
        heard = document["dictation"]
        console.print(
            f"{heard['n_recordings']} dictations: word error rate {heard['word_error_rate']:.3f}, medical-term error "
            f"{heard['medical_term_error']:.3f} ({heard['n_missed_medical_terms']} of {heard['n_medical_terms']}), "
            f"lost negations {heard['n_lost_negations']} of {heard['n_negations']}, lost findings "
            f"{heard['n_lost_findings']} of {heard['n_findings']}, inserted findings {heard['n_inserted_findings']}"
        )


def _judged_table(rows: list[dict[str, Any]], title: str) -> Table:
    table = Table(title=title)
    for column in ("judged", "positive", "precision", "recall", "F1 [95 %]"):
        table.add_column(column, justify="left" if column == "judged" else "right")
    for row in rows:
        interval = f"{row['f1']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        shown = (f"{row['precision']:.3f}", f"{row['recall']:.3f}")
        table.add_row(row["name"], str(row["n_positive"]), *shown, interval)
    return table
