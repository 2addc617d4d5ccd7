"""The report of a case: drafted from its assessment, edited by a clinician, signed, and kept beside its draft."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import final

from clinician_ui.access import current_visitor, require
from clinician_ui.archive import open_archive
from clinician_ui.permissions import Permission
from clinician_ui.services import CaseEntry
from diagnosis.drafting import Answer, Draft, answer_all, draft_report, sign
from diagnosis.record import Assessment, Case
from diagnosis.reporting.clinician_report import ClinicianReport
from diagnosis.store.assessments import assessments_of
from diagnosis.store.reports import KeptReport, Report, reports_of, save_report


@final
@dataclass(frozen=True)
class Desk:
    """What a report is written from.

    Attributes:
        assessment: number of the latest assessment, which the draft is of.
        draft: made from it.
        kept: reports of the case so far, signed or not, newest first.
    """

    assessment: int
    draft: Draft
    kept: tuple[KeptReport, ...]

    @property
    def signed(self) -> KeptReport | None:
        """The report that counts: the one signed last."""
        return next((kept for kept in self.kept if kept.report.is_signed), None)

    @property
    def newest(self) -> int:
        """Number of the report kept last, signed or not; 0 where there is none."""
        return self.kept[0].number if self.kept else 0

    @property
    def is_outdated(self) -> bool:
        """Whether the report that counts is of an earlier assessment."""
        return self.signed is not None and self.signed.report.assessment != self.assessment

    @property
    def text(self) -> str:
        """Where the writing goes on: what was last kept of this assessment, else the draft."""
        return next((k.report.text for k in self.kept if k.report.assessment == self.assessment), self.draft.text)


def open_desk(entry: CaseEntry, case: Case, assessment: Assessment) -> Desk | None:
    """The desk of an assessed case; None where the case was assessed again meanwhile.

    Args:
        entry: the case.
        case: with all edits applied, as it was assessed.
        assessment: what the page shows.
    """
    kept = assessments_of(open_archive(), entry.token)
    if not kept or kept[0].assessment != assessment:
        return None
    draft = draft_report(case, assessment)
    return Desk(kept[0].number, draft, tuple(reports_of(open_archive(), entry.token)))


def is_behind(entry: CaseEntry, desk: Desk) -> bool:
    """Whether somebody, in another window perhaps, has kept a report since the desk was opened."""
    return next((kept.number for kept in reports_of(open_archive(), entry.token)), 0) != desk.newest


def signed_report(entry: CaseEntry, assessment: Assessment) -> ClinicianReport | None:
    """The report that counts, as an export repeats it: the one signed last, outdated where it is of another assessment.

    Args:
        entry: the case.
        assessment: what is exported.
    """
    signed = next((kept for kept in reports_of(open_archive(), entry.token) if kept.report.is_signed), None)
    if signed is None:
        return None
    numbers = {kept.number for kept in assessments_of(open_archive(), entry.token) if kept.assessment == assessment}
    return ClinicianReport(
        signed.report.text, signed.made_by, signed.made_at, is_outdated=signed.report.assessment not in numbers
    )


def questions_and_answers(case: Case, assessment: Assessment) -> tuple[Answer, ...]:
    """Answers to the set questions, from the evidence of the draft."""
    return answer_all(case, assessment)


def keep_report(entry: CaseEntry, desk: Desk, text: str, *, is_signed: bool) -> None:
    """Keep the clinician's text beside its draft, as work in progress or signed.

    Raises:
        AccessError: the visitor may not.
        CaseError, StoreError: there is no text, the case was assessed again or another report was kept meanwhile, or
            it cannot be kept.
    """
    require(Permission.SIGN_REPORT if is_signed else Permission.WRITE_REPORT)
    actor = current_visitor().actor
    written = sign(desk.draft, text, actor.name, datetime.now(UTC))
    report = Report(desk.assessment, desk.draft.to_json(), desk.draft.text, text, written.diff, is_signed)
    save_report(open_archive(), actor, entry.token, report, seen=desk.newest)
