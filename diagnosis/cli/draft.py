"""`diagnosis draft` and `diagnosis ask`: a report whose sentences show what they rest on, and answers from the same."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from diagnosis.cli.assess import (
    AgeOption,
    BundleOption,
    CasePath,
    CtOption,
    DiameterOption,
    NoteOption,
    RegionOption,
    RepairOption,
    SexOption,
    VoiceOption,
    gather_case,
    parse_region,
)
from diagnosis.vocabulary import NOT_A_MEDICAL_DEVICE

if TYPE_CHECKING:
    from diagnosis.drafting import Draft
    from diagnosis.record import Assessment, Case


def assess_case(case: "Case", bundle: Path | None) -> tuple["Case", "Assessment"]:
    """Assess a case; without a marked region, at the candidate of the highest probability.

    Raises:
        CaseError: nothing in the case can be assessed.
    """
    from diagnosis.cli.candidates import assess_without_region
    from diagnosis.cli.progress import spinner

    with spinner("Loading the model"):
        from diagnosis.engine import DiagnosisEngine

        engine = DiagnosisEngine.load(bundle)
    if case.volume is not None and case.region is None:
        found = assess_without_region(engine, case)
        return found.case, found.main
    with spinner("Assessing"):
        return case, engine.assess(case)


def draft_command(
    case: CasePath = None,
    ct: CtOption = None,
    region: RegionOption = None,
    diameter: DiameterOption = None,
    note: NoteOption = None,
    voice: VoiceOption = None,
    age: AgeOption = None,
    sex: SexOption = None,
    bundle: BundleOption = None,
    repair: RepairOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Sentences with their evidence, for machines.")] = False,
    text: Annotated[bool, typer.Option("--text", help="The bare text, to edit.")] = False,
) -> None:
    """Draft a report: every sentence with its evidence, and none without."""
    from diagnosis.drafting import draft_report

    place = parse_region(region, diameter)
    gathered = gather_case(case, {"ct": ct, "note": note, "voice": voice}, place, age, sex, repair)
    assessed, assessment = assess_case(gathered, bundle)
    draft = draft_report(assessed, assessment)
    if as_json:
        typer.echo(json.dumps(draft.to_json(), indent=2, ensure_ascii=False))
    elif text:
        typer.echo(draft.text)
    else:
        _print(draft, Console())


def _print(draft: "Draft", console: Console) -> None:
    """A sentence a line, what it rests on beside it."""
    from rich.markup import escape

    shown = None
    for sentence in draft.sentences:
        if sentence.section is not shown:
            console.print(f"\n[bold]{sentence.section.value}[/]")
            shown = sentence.section
        references = ", ".join(dict.fromkeys(e.reference for e in sentence.evidence))
        console.print(f"{escape(sentence.text)} [dim]{escape(f'[{references}]')}[/]")
    console.print(f"\n[dim]A draft by {draft.bundle}; not signed. {NOT_A_MEDICAL_DEVICE}[/]")


def ask_command(
    case: Annotated[Path, typer.Argument(help="Case folder with case.json, ct/, note.txt, voice.wav.")],
    question: Annotated[str, typer.Argument(help="For example: is it spiculated?")],
    bundle: BundleOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The answer with its evidence, for machines.")] = False,
) -> None:
    """Answer a set question about a case from the evidence that a draft rests on; "not known" is an answer."""
    from rich.markup import escape

    from diagnosis.drafting import answer

    gathered = gather_case(case, {}, None, None, None, None)
    assessed, assessment = assess_case(gathered, bundle)
    found = answer(question, assessed, assessment)
    if as_json:
        stated = {**asdict(found), "is_known": found.is_known, "disclaimer": NOT_A_MEDICAL_DEVICE}
        typer.echo(json.dumps(stated, indent=2, ensure_ascii=False))
        return
    console = Console()
    console.print(escape(found.text))
    for reference in dict.fromkeys(f"{e.reference}: {e.value}" for e in found.evidence):
        console.print(f"[dim]  {escape(reference)}[/]")
