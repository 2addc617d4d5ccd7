"""`diagnosis index`: what finds similar nodules, and captions, made of a finished training run."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from diagnosis.cli.train import trainer_bars

DIRECTION_COLUMNS = ("direction", "recall@1", "recall@5", "recall@10", "times chance @5")
CAPTION_COLUMNS: dict[str, tuple[str, str]] = {
    "descriptors right": ("descriptor_accuracy", ".3f"),
    "within one level": ("within_one_level", ".3f"),
    "invented": ("invented_findings_per_caption", ".3f"),
    "missed": ("missed_findings_per_caption", ".3f"),
    "BLEU": ("bleu", ".1f"),
    "ROUGE-L": ("rouge_l", ".3f"),
}


def index_command(
    config: Annotated[Path, typer.Argument(help="YAML configuration of a finished training run.")],
) -> None:
    """Make what stands on a trained bundle: the index of similar nodules, and captions; measured on held-out folds."""
    with trainer_bars() as open_bar:
        from diagnosis.training.config import read_config
        from diagnosis.training.index_stage import make_index

        chosen = read_config(config)
        quality = make_index(chosen, open_bar)
    console = Console()
    for loss, rows in quality["recall"].items():
        console.print(recall_table(loss, rows))
    if quality["captions"]:
        console.print(caption_table(quality["captions"]))
    written = f"{chosen.out}/retrieval" + (f", {chosen.out}/caption" if quality["captions"] else "")
    near = quality["neighbors"]
    console.print(
        f"Of the 5 nearest by CT, {near['same_call_of_5_nearest']:.0%} were judged like the nodule itself "
        f"({near['by_chance']:.0%} by chance). Written: {written}"
    )


def recall_table(loss: str, rows: dict[str, Any]) -> Table:
    """Recall of one loss, a row a direction."""
    first = next(iter(rows.values()))
    table = Table(title=f"{loss}: {first['n_queries']} held-out queries, {first['n_gallery']} in the gallery")
    for column in DIRECTION_COLUMNS:
        table.add_column(column, justify="left" if column == "direction" else "right")
    for name, row in rows.items():
        table.add_row(name, *(f"{row['at'][k]:.3f}" for k in ("1", "5", "10")), f"{row['times_chance']['5']:.1f}")
    chance = first["chance"]
    table.add_row("chance", *(f"{chance[k]:.3f}" for k in ("1", "5", "10")), "1.0", style="dim")
    return table


def caption_table(quality: dict[str, dict[str, float]]) -> Table:
    """Captions of held-out nodules, a row a way of writing them."""
    count = next(iter(quality.values()))["n"]
    table = Table(title=f"Captions of {count:.0f} held-out nodules; invented and missed findings per caption")
    for column in ("written by", *CAPTION_COLUMNS):
        table.add_column(column, justify="left" if column == "written by" else "right")
    for name, row in quality.items():
        table.add_row(name, *(format(row[key], form) for key, form in CAPTION_COLUMNS.values()))
    return table
