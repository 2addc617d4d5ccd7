"""A CT without a marked region: candidates are proposed, each is assessed, and the answer says so."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from diagnosis.answer import Answer
    from diagnosis.engine import DiagnosisEngine
    from diagnosis.record import Case
    from diagnosis.reporting.candidate_rows import ReportCandidate


def answer_shown(engine: "DiagnosisEngine", case: "Case") -> "Answer":
    """`answer.answer_case` with its progress shown.

    Raises:
        CaseError: nothing in the case can be assessed.
    """
    from diagnosis.answer import answer_case
    from diagnosis.cli.progress import progress_bars, spinner

    if case.volume is None or case.region is not None:
        with spinner("Assessing"):
            return answer_case(engine, case)
    with progress_bars() as open_bar:
        return answer_case(engine, case, open_bar("Searching the CT for regions"))


def report_candidates(answer: "Answer") -> "tuple[ReportCandidate, ...]":
    """The same for the HTML report."""
    from diagnosis.reporting.candidate_rows import ReportCandidate

    return tuple(
        ReportCandidate(candidate.region, candidate.strength, assessment.main.probability, assessment.main.is_flagged)
        for candidate, assessment in answer.candidates or ()
    )


def print_candidates(answer: "Answer", console: Console) -> None:
    """One row a candidate."""
    if not answer.candidates:
        return
    table = Table(
        title="Candidate regions", caption="Proposed by a program: confirm each with --region, or dismiss it."
    )
    for column in ("", "center (LPS mm)", "diameter", "strength", "probability", "flag"):
        table.add_column(column, justify="right")
    for number, (candidate, assessment) in enumerate(answer.candidates, start=1):
        center = ", ".join(f"{v:.1f}" for v in candidate.region.center_mm)
        table.add_row(
            str(number),
            center,
            "-" if (mm := candidate.region.diameter_mm) is None else f"{mm:.0f} mm",
            f"{candidate.strength:.2f}",
            f"{assessment.main.probability:.2f}",
            "[bold red]flagged[/]" if assessment.main.is_flagged else "no",
        )
    console.print(table)
