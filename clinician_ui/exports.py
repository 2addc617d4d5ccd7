"""A case's assessment in the forms that a hospital takes, as one zip archive."""

import io
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import final

from clinician_ui.access import current_visitor, require
from clinician_ui.archive import open_archive
from clinician_ui.explanations import explain_case
from clinician_ui.permissions import Permission
from clinician_ui.reports import signed_report
from clinician_ui.services import CaseEntry, load_case
from clinician_ui.transcripts import read_case_once
from diagnosis.record import Assessment
from diagnosis.reporting.export import NEED_EXPLANATION, require_packages, write_exports
from diagnosis.reporting.result import Result
from diagnosis.store.audit import Action, note_event
from diagnosis.vocabulary import ExportFormat


@final
@dataclass(frozen=True)
class Parcel:
    """What is handed over.

    Attributes:
        zipped: the archive.
        n_files: in it.
        refused: form and reason of what could not be written.
    """

    zipped: bytes
    n_files: int
    refused: tuple[tuple[str, str], ...]


def export_case(entry: CaseEntry, bundle_dir: Path, assessment: Assessment, formats: Sequence[ExportFormat]) -> Parcel:
    """Write an assessment in some forms; the trail says who took it along.

    Raises:
        AccessError: the visitor may not.
        MissingDependencyError: the packages that write these forms are not installed.
        DiagnosisError: the case cannot be read, or nothing can be written.
    """
    require(Permission.EXPORT)
    require_packages()
    case = load_case(entry)
    # Who the case is was dropped when it was read for the page; a DICOM result must say it again.
    _, identity = read_case_once(entry.folder)
    signed = signed_report(entry, assessment)
    explanation = None
    if NEED_EXPLANATION.intersection(formats):
        explanation = explain_case(entry, bundle_dir, assessment.main.name)
    with tempfile.TemporaryDirectory() as folder:
        result = Result(case, identity, assessment, explanation, datetime.now(UTC), signed)
        made = write_exports(result, list(formats), Path(folder))
        zipped = _zip(Path(folder))
    detail = {"formats": "+".join(sorted(form.value for form in formats)), "files": len(made.written)}
    detail["report"] = "none" if signed is None else "outdated" if signed.is_outdated else "signed"
    note_event(open_archive(), current_visitor().actor, Action.EXPORT, entry.token, detail)
    return Parcel(zipped, len(made.written), tuple((form.value, reason) for form, reason in made.refused))


def _zip(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    return buffer.getvalue()
