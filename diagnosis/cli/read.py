"""`diagnosis read NOTE_OR_CASE`: the facts of a note and a dictation, contradictions, and second opinions."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from diagnosis.vocabulary import NOT_A_MEDICAL_DEVICE, counted

if TYPE_CHECKING:
    from rich.console import Console

    from diagnosis.reading import Contradiction, Fact, SecondOpinion
    from diagnosis.record import Case

SENSES = {
    "is_negated": "no",
    "is_uncertain": "uncertain",
    "is_historical": "earlier",
    "is_hypothetical": "conditional",
    "is_family": "relative",
}


def read_command(
    path: Annotated[Path, typer.Argument(help="A note (.txt, .pdf, .json) or a case folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Facts with places and senses, for machines.")] = False,
) -> None:
    """Show what the words say: facts with their sense, contradictions, and second opinions of published models."""
    from rich.console import Console

    from diagnosis.answer import report_json
    from diagnosis.reading import read_words

    case = _read(path)
    words = read_words(case)
    if as_json:
        report = report_json(case, words.facts, words.contradictions, words.opinions)
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
        return
    console = Console()
    _print_facts(case, words.facts, console)
    _print_contradictions(words.contradictions, console)
    _print_opinions(words.opinions, console)


def _read(path: Path) -> "Case":
    from diagnosis.cli.progress import progress_bars
    from diagnosis.ingest.case_folder import assemble_case, read_case

    if not path.is_dir():
        return assemble_case("note", note=path)[0]
    with progress_bars() as open_bar:
        return read_case(path, on_progress=open_bar("Reading"))[0]


def print_words_to_check(case: "Case", console: "Console") -> None:
    """One line with the doubtful words of a dictation and their seconds."""
    from diagnosis.answer import words_to_check_json

    doubtful = words_to_check_json(case)
    if doubtful:
        told = ", ".join(f"{w['text'].strip(' .,;:')!r} at {w['start_s']:.1f} s" for w in doubtful)
        console.print(f"[yellow]Check against the recording:[/] {escape(told)}")


def sense_of(fact: "Fact") -> str:
    """How a fact is meant, in words; nothing for a plain statement."""
    return ", ".join(word for name, word in SENSES.items() if getattr(fact.assertions, name))


def _print_facts(case: "Case", facts: "tuple[Fact, ...]", console: "Console") -> None:
    from rich.table import Table

    from diagnosis.reading.case_words import quoted

    table = Table(title=counted(len(facts), "fact"), title_justify="left")
    for heading in ("source", "place", "kind", "fact", "sense", "words"):
        table.add_column(heading, overflow="fold")
    for fact in facts:
        place = f"{fact.seconds[0]:.1f} s" if fact.seconds else f"{fact.start}-{fact.end}"
        value = f"{fact.name} {fact.value:g} {fact.unit or ''}".strip() if fact.value is not None else fact.name
        about = f" of {fact.about}" if fact.about else ""
        table.add_row(
            fact.source.value, place, fact.kind.value, f"{value}{about}", sense_of(fact), escape(quoted(case, fact))
        )
    console.print(table)


def _print_contradictions(contradictions: "tuple[Contradiction, ...]", console: "Console") -> None:
    if not contradictions:
        console.print("No contradictions found.")
    for found in contradictions:
        console.print(f"[bold red]Contradiction:[/] {escape(found.sentence)}")


def _print_opinions(opinions: "tuple[SecondOpinion, ...]", console: "Console") -> None:
    from rich.table import Table

    table = Table(title="Second opinions of published models", title_justify="left", show_lines=True)
    for heading in ("model", "says", "from", "asks for"):
        table.add_column(heading, overflow="fold")
    for opinion in opinions:
        inputs = "; ".join(f"{used.name} {used.value} ({used.source})" for used in opinion.inputs)
        table.add_row(f"{opinion.model}\ndoi:{opinion.doi}", opinion.says, inputs, "; ".join(opinion.missing))
    console.print(table)
    console.print(f"[dim]{NOT_A_MEDICAL_DEVICE}[/]")
