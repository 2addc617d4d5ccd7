"""`diagnosis similar`: nodules like this one."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from diagnosis.cli import options
from diagnosis.cli.case_gathering import CaseOptions, load_engine, takes_case
from diagnosis.errors import ConfigurationError
from diagnosis.vocabulary import MODALITIES, Modality

if TYPE_CHECKING:
    from diagnosis.engine import DiagnosisEngine
    from diagnosis.record import Case
    from diagnosis.retrieval.search import NoduleSearch, Parts, SimilarNodule

PARTS_HELP = "ct, note, voice, several joined by +, or all"


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
    source = escape(search.index.source)
    console.print(f"[dim]{len(search.index.nodules)} nodules: {source}. Similar is not the same.[/]")


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
        table.add_row(item.nodule.name, f"{item.similarity:.3f}", item.nodule.wording, escape(item.nodule.outcome))
    return table
