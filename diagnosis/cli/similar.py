"""`diagnosis similar`, `diagnosis index`, `diagnosis index-benchmark`: nodules like this one, and what finds them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from diagnosis.cli import options
from diagnosis.cli.case_gathering import CaseOptions, load_engine, takes_case
from diagnosis.cli.train import trainer_bars
from diagnosis.errors import ConfigurationError
from diagnosis.vocabulary import MODALITIES, Modality

if TYPE_CHECKING:
    from diagnosis.engine import DiagnosisEngine
    from diagnosis.record import Case
    from diagnosis.retrieval.search import NoduleSearch, Parts, SimilarNodule

PARTS_HELP = "ct, note, voice, several joined by +, or all"
DIRECTION_COLUMNS = ("direction", "recall@1", "recall@5", "recall@10", "times chance @5")


def parse_parts(text: str) -> "Parts":
    """`note`, `ct+note` or `all` to kinds of evidence.

    Raises:
        ConfigurationError: another word.
    """
    if text == "all":
        return frozenset(MODALITIES)
    try:
        return frozenset(Modality(part.strip()) for part in text.split("+"))
    except ValueError as error:
        msg = f"similar: {text!r} names no kind of evidence; use {PARTS_HELP}"
        raise ConfigurationError(msg) from error


def open_search(engine: "DiagnosisEngine") -> "NoduleSearch":
    """The index that lies beside the engine's bundle.

    Raises:
        BundleError: there is none, or it was made for another bundle.
    """
    from diagnosis.retrieval.index import load_index
    from diagnosis.retrieval.search import NoduleSearch

    return NoduleSearch(load_index(engine.bundle.folder, engine.bundle.sha256))


def find_similar(
    engine: "DiagnosisEngine", search: "NoduleSearch", case: "Case", by: "Parts", among: "Parts", count: int
) -> "tuple[SimilarNodule, ...]":
    """The nearest nodules of a case.

    Raises:
        CaseError: nothing in the case can be assessed, or it lacks the parts to search by.
    """
    from diagnosis.preprocessing.batch import stack_cases

    batch = stack_cases([engine.prepare(case)], engine.contract)
    embedded = search.index.space.embed(engine.bundle.network, batch)
    return search.similar(embedded[0].numpy(), by, among, count)


@takes_case
def similar_command(
    described: CaseOptions,
    bundle: options.Bundle = None,
    by: Annotated[str, typer.Option("--by", help=f"Parts of the case to search by: {PARTS_HELP}.")] = "all",
    among: Annotated[str, typer.Option("--in", help=f"Parts of the nodules to search in: {PARTS_HELP}.")] = "all",
    count: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 5,
    as_json: options.Json = False,
) -> None:
    """Find the nodules of the index that are most like a case: by all of it, or from words to CTs and back."""
    from diagnosis.cli.progress import spinner

    chosen, searched = parse_parts(by), parse_parts(among)
    gathered = described.read()
    engine = load_engine(bundle)
    with spinner("Searching"):
        search = open_search(engine)
        found = find_similar(engine, search, gathered, chosen, searched, count)
    if as_json:
        typer.echo(json.dumps(similar_json(gathered.case_id, found, search.index.source), indent=2))
        return
    console = Console()
    console.print(similar_table(found))
    console.print(f"[dim]{len(search.index.nodules)} nodules: {search.index.source}. Similar is not the same.[/]")


def similar_json(case_id: str, found: "tuple[SimilarNodule, ...]", source: str) -> dict[str, Any]:
    """The public JSON form of `diagnosis similar`."""
    from diagnosis.vocabulary import NOT_A_MEDICAL_DEVICE

    return {
        "case_id": case_id,
        "similar": [{"similarity": item.similarity, **item.nodule.model_dump()} for item in found],
        "source": source,
        "disclaimer": NOT_A_MEDICAL_DEVICE,
    }


def similar_table(found: "tuple[SimilarNodule, ...]") -> Table:
    """One row a nodule."""
    table = Table(title="Similar nodules", title_justify="left")
    for column in ("nodule", "similarity", "what readers said of it", "judgment"):
        table.add_column(column, overflow="fold", no_wrap=column == "nodule")
    for item in found:
        table.add_row(item.nodule.name, f"{item.similarity:.3f}", item.nodule.wording, item.nodule.outcome)
    return table


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
    near = quality["neighbors"]
    console.print(
        f"Of the 5 nearest by CT, {near['same_call_of_5_nearest']:.0%} were judged like the nodule itself "
        f"({near['by_chance']:.0%} by chance). Written: {chosen.out}/retrieval, {chosen.out}/caption"
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


CAPTION_COLUMNS: dict[str, tuple[str, str]] = {
    "descriptors right": ("descriptor_accuracy", ".3f"),
    "within one level": ("within_one_level", ".3f"),
    "invented": ("invented_findings_per_caption", ".3f"),
    "missed": ("missed_findings_per_caption", ".3f"),
    "BLEU": ("bleu", ".1f"),
    "ROUGE-L": ("rouge_l", ".3f"),
}


def caption_table(quality: dict[str, dict[str, float]]) -> Table:
    """Captions of held-out nodules, a row a way of writing them."""
    count = next(iter(quality.values()))["n"]
    table = Table(title=f"Captions of {count:.0f} held-out nodules; invented and missed findings per caption")
    for column in ("written by", *CAPTION_COLUMNS):
        table.add_column(column, justify="left" if column == "written by" else "right")
    for name, row in quality.items():
        table.add_row(name, *(format(row[key], form) for key, form in CAPTION_COLUMNS.values()))
    return table


def index_benchmark_command(
    bundle: options.Bundle = None,
    size: Annotated[list[int] | None, typer.Option("--size", help="Vectors; repeat for several.")] = None,
    library: Annotated[list[str] | None, typer.Option("--library", help="Repeat for several; all by default.")] = None,
    as_json: options.Json = False,
) -> None:
    """Compare libraries for nearest neighbors: recall against exact search, time and memory (1,000 to 1,000,000)."""
    from diagnosis import settings
    from diagnosis.bundle.folder import verify_checksums
    from diagnosis.retrieval.ann_benchmark import SIZES, measure
    from diagnosis.retrieval.index import load_index
    from diagnosis.retrieval.libraries import LIBRARIES
    from diagnosis.retrieval.search import ALL, joined

    folder = bundle or settings.bundle_dir()
    vectors = joined(load_index(folder, verify_checksums(folder)).embeddings, ALL)
    table = Table(title="Ten nearest neighbors, one query at a time, one thread")
    for column in ("library", "vectors", "recall@10", "p50 ms", "p95 ms", "build s", "memory MB"):
        table.add_column(column, justify="left" if column == "library" else "right")
    measured = []
    for count in size or SIZES:
        for name in library or list(LIBRARIES):
            row = measure(name, vectors, count)
            measured.append(row.to_json())
            shown = (f"{row.recall_at_10:.3f}", f"{row.p50_ms:.2f}", f"{row.p95_ms:.2f}")
            table.add_row(name, f"{count:,}", *shown, f"{row.build_s:.1f}", f"{row.memory_mb:.0f}")
    if as_json:
        typer.echo(json.dumps(measured, indent=2))
        return
    Console().print(table)
