"""A CT without a marked region: candidates are proposed, each is assessed, and the answer says so."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

from rich.console import Console
from rich.table import Table

from diagnosis.errors import CaseError

if TYPE_CHECKING:
    from diagnosis.candidates import Candidate
    from diagnosis.engine import DiagnosisEngine
    from diagnosis.record import Assessment, Case
    from diagnosis.reporting.candidate_rows import ReportCandidate


@final
@dataclass(frozen=True, eq=False)
class CandidateAnswer:
    """The assessment to show first, the case it is of, and each candidate with its own, highest probability first."""

    main: "Assessment"
    case: "Case"
    candidates: tuple[tuple["Candidate", "Assessment"], ...]


def assess_without_region(engine: "DiagnosisEngine", case: "Case") -> CandidateAnswer:
    """Search the CT, assess each candidate; without candidates the other parts alone.

    Raises:
        CaseError: there is no candidate and no other part.
    """
    from diagnosis.candidates import search_candidates
    from diagnosis.cli.progress import progress_bars, spinner
    from diagnosis.record.case import case_subject

    if case.volume is None:
        msg = f"{case_subject(case.case_id)}: it has no CT to search for regions; add one"
        raise CaseError(msg)
    with progress_bars() as open_bar:
        search = search_candidates(case.volume, open_bar("Searching the CT for regions"))
    if not search.candidates:
        if not case.present:
            msg = (
                f"{case_subject(case.case_id)}: no region is marked and none can be proposed: {search.reason}; mark "
                "one with --region, or add a note or a dictation"
            )
            raise CaseError(msg)
        warned = replace(case, warnings=(*case.warnings, f"No region could be proposed: {search.reason}."))
        return CandidateAnswer(engine.assess(warned), warned, ())
    with spinner(f"Assessing {len(search.candidates)} candidate regions"):
        assessed = engine.assess_candidates(case, search.candidates)
    best, main = assessed[0]
    return CandidateAnswer(main, replace(case, region=best.region, warnings=main.warnings), assessed)


def report_candidates(answer: CandidateAnswer) -> "tuple[ReportCandidate, ...]":
    """The same for the HTML report."""
    from diagnosis.reporting.candidate_rows import ReportCandidate

    return tuple(
        ReportCandidate(candidate.region, candidate.strength, assessment.main.probability, assessment.main.is_flagged)
        for candidate, assessment in answer.candidates
    )


def candidates_json(answer: CandidateAnswer) -> list[dict[str, Any]]:
    """The public JSON form; others rely on its keys."""
    return [
        {
            "center_mm": list(candidate.region.center_mm),
            "diameter_mm": candidate.region.diameter_mm,
            "strength": candidate.strength,
            "reason": candidate.reason,
            "finding": assessment.main.name,
            "probability": assessment.main.probability,
            "is_flagged": assessment.main.is_flagged,
        }
        for candidate, assessment in answer.candidates
    ]


def print_candidates(answer: CandidateAnswer, console: Console) -> None:
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
            f"{candidate.region.diameter_mm:.0f} mm",
            f"{candidate.strength:.2f}",
            f"{assessment.main.probability:.2f}",
            "[bold red]flagged[/]" if assessment.main.is_flagged else "no",
        )
    console.print(table)
