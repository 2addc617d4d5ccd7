"""`diagnosis draft` and `diagnosis ask`: a report whose sentences show what they rest on, and answers from the same."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from diagnosis.cli import options
from diagnosis.cli.case_gathering import CaseOptions, load_engine, takes_case
from diagnosis.vocabulary import NOT_A_MEDICAL_DEVICE

if TYPE_CHECKING:
    from diagnosis.drafting import Draft
    from diagnosis.record import Assessment, Case


def assess_case(case: "Case", bundle: Path | None) -> tuple["Case", "Assessment"]:
    """Assess a case; without a marked region, at the candidate of the highest probability.

    Raises:
        CaseError: nothing in the case can be assessed.
    """
    from diagnosis.cli.candidates import answer_shown

    engine = load_engine(bundle)
    answer = answer_shown(engine, case)
    return answer.case, answer.main


@takes_case
def draft_command(
    described: CaseOptions,
    bundle: options.Bundle = None,
    as_json: Annotated[bool, typer.Option("--json", help="Sentences with their evidence, for machines.")] = False,
    text: Annotated[bool, typer.Option("--text", help="The bare text, to edit.")] = False,
    signed: Annotated[
        Path | None, typer.Option("--sign", help="An edited draft to sign; kept as FILE.signed.json with its diff.")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Who signs.")] = "",
    caption: Annotated[
        bool, typer.Option("--caption", help="Also what the trained caption decoder says of the CT, to compare.")
    ] = False,
) -> None:
    """Draft a report: every sentence with its evidence, and none without."""
    from diagnosis.drafting import draft_report

    gathered = described.read()
    assessed, assessment = assess_case(gathered, bundle)
    draft = draft_report(assessed, assessment)
    if signed is not None:
        sign_draft(draft, signed, by, Console())
        return
    written = caption_json(assessed, assessment, bundle) if caption else {}
    if as_json:
        typer.echo(json.dumps(draft.to_json() | written, indent=2, ensure_ascii=False))
    elif text:
        typer.echo(draft.text)
    else:
        _print(draft, Console())
        if caption:
            _print_caption(written["caption"], Console())


def sign_draft(draft: "Draft", file: Path, by: str, console: Console) -> None:
    """Sign an edited draft: keep it with its diff, and name the lines that no evidence stands behind.

    Raises:
        InputError: the file cannot be read.
        CaseError: nobody signs, or nothing is signed.
    """
    from datetime import UTC, datetime

    from diagnosis.drafting import sign
    from diagnosis.errors import InputError

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"report {file}: it cannot be read as UTF-8 text; correct the path or the file"
        raise InputError(msg) from error
    report = sign(draft, text, by, datetime.now(UTC))
    kept = file.with_name(f"{file.name}.signed.json")
    kept.write_text(json.dumps(report.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    console.print(escape(report.diff) or "Nothing was changed.")
    for line in report.unsupported:
        console.print(f"[yellow]The clinician's own, without evidence of the draft:[/] {escape(line)}")
    console.print(f"Signed by {escape(by)}: {escape(str(kept))}")


def caption_json(case: "Case", assessment: "Assessment", bundle: Path | None) -> dict[str, Any]:
    """What the caption decoder says, and where it differs from the descriptor head; none where there is no CT.

    Raises:
        BundleError: no decoder lies beside the bundle, or it was made for another.
    """
    from diagnosis.bundle.caption import caption_cases, load_caption
    from diagnosis.drafting.wording import levels_said, phrase
    from diagnosis.engine import DiagnosisEngine
    from diagnosis.preprocessing.batch import stack_cases

    engine = DiagnosisEngine.load(bundle)
    batch = stack_cases([engine.prepare(case)], engine.contract)
    text = caption_cases(engine.bundle, load_caption(engine.bundle), batch)[0]
    said = levels_said(text)
    rated = {d.name: phrase(d.name, d.value) for d in assessment.descriptors if d.name in said}
    differs = [name for name, words in rated.items() if words not in text]
    return {"caption": {"text": text, "differs_from_descriptor_head": differs}}


def _print_caption(caption: dict[str, Any], console: Console) -> None:
    if not caption["text"]:
        console.print("[dim]No caption: there is no CT.[/]")
        return
    differs = ", ".join(caption["differs_from_descriptor_head"]) or "nothing"
    console.print(f"\n[bold]Caption[/] (trained decoder; no part of the draft)\n{escape(caption['text'])}")
    console.print(f"[dim]Differs from the descriptor head in: {differs}[/]")


def _print(draft: "Draft", console: Console) -> None:
    """A sentence a line, what it rests on beside it."""
    shown = None
    for sentence in draft.sentences:
        if sentence.section is not shown:
            console.print(f"\n[bold]{sentence.section.value}[/]")
            shown = sentence.section
        references = ", ".join(dict.fromkeys(e.reference for e in sentence.evidence))
        console.print(f"{escape(sentence.text)} [dim]{escape(f'[{references}]')}[/]")
    console.print(f"\n[dim]A draft by {draft.bundle}; not signed. {NOT_A_MEDICAL_DEVICE}[/]")


def ask_command(
    case: options.CaseFolder,
    question: Annotated[str, typer.Argument(help="For example: is it spiculated?")],
    bundle: options.Bundle = None,
    as_json: Annotated[bool, typer.Option("--json", help="The answer with its evidence, for machines.")] = False,
) -> None:
    """Answer a set question about a case from the evidence that a draft rests on; "not known" is an answer."""
    from diagnosis.drafting import answer

    gathered = CaseOptions(case).read()
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
