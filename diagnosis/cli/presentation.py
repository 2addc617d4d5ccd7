"""Assessments as JSON and as tables."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from diagnosis.record import Assessment, FindingAssessment
from diagnosis.reporting.assessment_json import assessment_json
from diagnosis.vocabulary import DESCRIPTOR_BY_NAME, NOT_A_MEDICAL_DEVICE, Modality

__all__ = ["assessment_json", "call_wording", "contribution", "print_assessments", "print_details"]
MODALITY_DISPLAY = {Modality.CT: "CT", Modality.NOTE: "note", Modality.VOICE: "voice"}


def contribution(assessment: Assessment, modality: Modality) -> str:
    """What one kind of evidence did: `+0.83 61%`, or `absent`."""
    use = next(u for u in assessment.modalities if u.modality is modality)
    return f"{use.shapley_logits:+.2f} {100 * use.share:.0f}%" if use.is_present else "absent"


def print_assessments(assessments: list[Assessment], console: Console) -> None:
    """One row a case: probability, range over the ensemble, call, and what each modality contributed in logits.

    Fits a terminal of 80 columns for case names of up to eleven letters. Further findings of the bundle stand in a
    table of their own.
    """
    name = assessments[0].main.name.replace("_", " ")
    caption = (
        "Range: over the ensemble. CT, note, voice: exact Shapley values in logits, and their share. "
        "A question mark: the prediction set holds both answers or none."
    )
    table = Table(title=f"Probability of {name}", caption=caption, box=SIMPLE_HEAD, pad_edge=False)
    for column in ("case", "prob.", "range", "call"):
        table.add_column(column, no_wrap=True)
    for modality in Modality:
        table.add_column(MODALITY_DISPLAY[modality], justify="right", no_wrap=True)
    for assessment in assessments:
        contributions = (contribution(assessment, m) for m in Modality)
        table.add_row(escape(assessment.case_id), *_answer(assessment.main), *contributions)
    console.print(table)
    if len(assessments[0].findings) > 1:
        console.print(_further_findings(assessments))


def _answer(finding: FindingAssessment) -> tuple[str, str, str]:
    """Probability, range, call."""
    return f"{finding.probability:.2f}", f"{finding.low:.2f}-{finding.high:.2f}", call_wording(finding)


def _further_findings(assessments: list[Assessment]) -> Table:
    table = Table(title="Further findings", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("case", "finding", "prob.", "range", "call"):
        table.add_column(column, no_wrap=column != "finding")
    for assessment in assessments:
        for finding in assessment.findings:
            if finding is not assessment.main:
                table.add_row(escape(assessment.case_id), escape(finding.name.replace("_", " ")), *_answer(finding))
    return table


def call_wording(finding: FindingAssessment) -> str:
    """`flagged` or `not flagged`, with a question mark where the prediction set holds both answers or none."""
    sets = finding.prediction_set
    flag = "[bold red]flagged[/]" if finding.is_flagged else "not flagged"
    return flag if sets is None or len(sets) == 1 else f"{flag}?"


def print_details(assessment: Assessment, console: Console) -> None:
    """Descriptors and warnings of one case."""
    if assessment.descriptors:
        table = Table(title="Descriptors (expected rating and wording)")
        table.add_column("descriptor")
        table.add_column("rating", justify="right")
        table.add_column("wording")
        for item in assessment.descriptors:
            table.add_row(DESCRIPTOR_BY_NAME[item.name].display, f"{item.value:.1f}", item.wording)
        console.print(table)
    for warning in assessment.warnings:
        console.print(f"[yellow]Note:[/] {escape(warning)}")
    console.print(f"[dim]{escape(f'{assessment.bundle_name} {assessment.bundle_version}')}. {NOT_A_MEDICAL_DEVICE}[/]")
