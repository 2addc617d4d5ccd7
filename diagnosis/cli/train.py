"""`diagnosis train` and `diagnosis compare`."""

import json
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from diagnosis.progress import OpenBar


class Compared(StrEnum):
    """What `diagnosis compare` compares."""

    FUSIONS = "fusions"
    ENCODERS = "encoders"
    SOUND = "sound"


ConfigPath = Annotated[
    Path, typer.Argument(help="YAML configuration, for example models/lung_nodule/configs/train.yaml.")
]


@contextmanager
def trainer_bars() -> "Iterator[OpenBar]":
    """Progress bars for a command that needs the trainer.

    Raises:
        MissingDependencyError: its extra is not installed.
    """
    from diagnosis.cli.progress import progress_bars
    from diagnosis.extras import require_extra

    with progress_bars() as open_bar:
        open_bar("Loading the networks")
        require_extra("train", "training")
        yield open_bar


def train_command(
    config: ConfigPath,
    reader_only: Annotated[
        bool, typer.Option("--reader-only", help="Teach the bundle's text reader more wordings; keep all else.")
    ] = False,
) -> None:
    """Train a model by its configuration and write the bundle with its metrics and card. Can be stopped and resumed.

    Several processes share the work when they are started by `torchrun --nproc_per_node N -m diagnosis train CONFIG`.
    """
    with trainer_bars() as open_bar:
        from diagnosis.training.config import read_config
        from diagnosis.training.run import train

        chosen = read_config(config)
        if reader_only:
            from diagnosis.training.reader_update import update_bundle

            document = update_bundle(chosen, open_bar)
        else:
            document = train(chosen, open_bar)
    if not document:  # this process is not the first of those that torchrun started
        return
    written = f"Bundle: {chosen.out}" if chosen.out else f"Figures: {chosen.work}"
    print_metrics(document, chosen.name, written, Console())


def print_metrics(document: dict[str, Any], name: str, written: str, console: Console) -> None:
    """The figures of a run as a table, and where they were written."""
    from diagnosis.evaluation.metrics_file import interval_text

    table = Table(title=f"Out of fold: {name}")
    for column in ("finding", "input", "AUROC [95 %]", "ECE", "n"):
        table.add_column(column)
    for finding, subsets in document["findings"].items():
        for subset, entry in subsets.items():
            ece = f"{entry['ece']['value']:.3f}"
            table.add_row(finding, subset, interval_text(entry["auroc"]), ece, str(entry["n"]))
    for baseline, entry in document["baselines"].items():
        table.add_row("baseline", baseline, interval_text(entry["auroc"]), "-", str(entry["n"]))
    console.print(table, written)


def compare_command(
    config: ConfigPath,
    fusion: Annotated[list[str] | None, typer.Option("--fusion", help="A fusion method; repeat for several.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Also write the metrics of all as JSON.")] = None,
    of: Annotated[Compared, typer.Option("--of", help="What is compared.")] = Compared.FUSIONS,
) -> None:
    """Train fusion methods on the same folds and encoders, and print one table (all eight methods by default).

    With `--of encoders`: image encoders on the same regions and folds, with the milliseconds and megabytes they cost.
    With `--of sound`: what the sound of the dictations adds to their words.
    """
    if of == Compared.SOUND:
        _compare_sound(config, out)
        return
    if of == Compared.ENCODERS:
        _compare_encoders(config, out)
        return
    with trainer_bars() as open_bar:
        from diagnosis.networks.fusion import FUSIONS
        from diagnosis.training.config import read_config
        from diagnosis.training.run import COMPARISON_COLUMNS, compare_fusions, comparison_rows

        chosen = read_config(config)
        results = compare_fusions(chosen, fusion or list(FUSIONS), open_bar)
    title = f"Out-of-fold AUROC of {chosen.data.findings[0]} by fusion method, same folds and encoders"
    Console().print(_comparison_table(title, COMPARISON_COLUMNS, comparison_rows(results, chosen.data.findings[0])))
    _write(results, out)


def _comparison_table(title: str, columns: "Sequence[str]", rows: "Sequence[tuple[str, ...]]") -> Table:
    """Ten columns that fit in 80 characters: names break at their plus signs, an interval stands below its value."""
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column.replace("+", "+\n").replace(" vs ", " vs\n").replace(" [", "\n["), no_wrap=True)
    for row in rows:
        table.add_row(*(cell.replace(" [", "\n[") for cell in row))
    return table


def _compare_encoders(config: Path, out: Path | None) -> None:
    """The table of image encoders."""
    with trainer_bars() as open_bar:
        from diagnosis.evaluation.metrics_file import interval_text
        from diagnosis.training.config import read_config
        from diagnosis.training.run import compare_encoders

        document = compare_encoders(read_config(config), open_bar)
    table = Table(title=f"Image encoders, out of fold, {document['protocol']['cases']} cases")
    table.add_column("encoder", overflow="fold")  # a long name is not cut
    for column in ("AUROC [95 %]", "without diameter", "ms", "MB"):
        table.add_column(column)
    for name, entry in document["encoders"].items():
        ms, mb = ("-" if entry[key] is None else f"{entry[key]:.1f}" for key in ("ms", "mb"))
        untold = entry["auroc_without_diameter"]
        table.add_row(name, interval_text(entry["auroc"]), "-" if untold is None else interval_text(untold), ms, mb)
    padding = ", ".join(f"{interval_text(entry)} on the {place}" for place, entry in document["padding"].items())
    Console().print(table, f"The pattern of the padding alone: AUROC {padding}")
    _write(document, out)


def _compare_sound(config: Path, out: Path | None) -> None:
    """The acoustic branch on and off."""
    with trainer_bars() as open_bar:
        from diagnosis.evaluation.metrics_file import interval_text
        from diagnosis.training.acoustic_ablation import measure_acoustic_branch
        from diagnosis.training.card import COMPARED_SOUND
        from diagnosis.training.config import read_config

        document = measure_acoustic_branch(read_config(config), open_bar)
    table = Table("what is read", "AUROC [95 %]", title=f"The sound of {document['cases']} dictations, out of fold")
    for name in COMPARED_SOUND:
        table.add_row(name, interval_text(document[name]))
    Console().print(table)
    _write(document, out)


def _write(document: dict[str, Any], out: Path | None) -> None:
    """As JSON, where a file is asked for."""
    if out is not None:
        out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
