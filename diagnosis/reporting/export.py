"""One result in the forms that a hospital takes: DICOM SR, Parametric Map, Secondary Capture, PDF, SEG, and FHIR.

All forms come from one `Result` and carry its identifiers. A report that a clinician signed stands in the PDF, the SR
and the FHIR Bundle; an outdated one is left out there, and a sentence says so. A form that cannot be made says why and
keeps no other from being written; `export.json` records what was written, what was refused and what was repaired.
"""

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from diagnosis.errors import DiagnosisError, InputError, OutputError, system_reason
from diagnosis.extras import require_extra
from diagnosis.reporting.result import Result
from diagnosis.version import __version__
from diagnosis.vocabulary import ExportFormat

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


NEED_EXPLANATION = frozenset({ExportFormat.PM, ExportFormat.SC, ExportFormat.PDF})
"""Forms that show reasons, which take longer to compute than the answer itself."""


@final
@dataclass(frozen=True)
class Export:
    """What came of it.

    Attributes:
        written: files, in the order of writing.
        refused: form and the reason, for each that could not be made.
        repairs: what was repaired of the source's attributes.
    """

    written: tuple[Path, ...]
    refused: tuple[tuple[ExportFormat, str], ...]
    repairs: tuple[str, ...]


@final
class _Writer:
    """Collects what is written into one folder."""

    def __init__(self, result: Result, folder: Path) -> None:
        self.result, self.folder = result, folder
        self.written: list[Path] = []
        self.repairs: list[str] = []
        self._pdf: bytes | None = None

    def dicom(self, made: "Dataset", name: str) -> None:
        made.save_as(self._place(name), enforce_file_format=True)

    def data(self, content: bytes, name: str) -> None:
        self._place(name).write_bytes(content)

    def note_repairs(self, repairs: Sequence[str]) -> None:
        self.repairs += [repair for repair in repairs if repair not in self.repairs]

    def pdf(self) -> bytes:
        """The page, drawn once."""
        from diagnosis.reporting.pdf import render_pdf

        self._pdf = self._pdf or render_pdf(self.result)
        return self._pdf

    def _place(self, name: str) -> Path:
        self.written.append(self.folder / name)
        return self.written[-1]


def require_packages() -> None:
    """Check that the packages of this room are installed.

    Raises:
        MissingDependencyError: one is not.
    """
    require_extra("export", "export")


def write_exports(result: Result, formats: Sequence[ExportFormat], folder: Path) -> Export:
    """Write a result in each form asked for; the folder is made.

    Raises:
        MissingDependencyError: a package is not installed.
        OutputError: the folder cannot be written.
    """
    require_packages()
    writer = _Writer(result, folder)
    refused: list[tuple[ExportFormat, str]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for form in (form for form in ExportFormat if form in formats):
            try:
                with _quiet_libraries():
                    _WRITERS[form](writer, ExportFormat.PDF in formats)
            except DiagnosisError as error:
                refused.append((form, str(error)))
        record = _record(result, writer, refused)
        writer.data((json.dumps(record, indent=2) + "\n").encode(), "export.json")
    except OSError as error:
        for path in writer.written[-1:]:  # the one at hand: half of it may lie there
            path.unlink(missing_ok=True)
        msg = f"export: the folder cannot be written ({system_reason(error)}); make room, or name another with --out"
        raise OutputError(msg) from error
    return Export(tuple(writer.written), tuple(refused), tuple(writer.repairs))


def _record(result: Result, writer: _Writer, refused: list[tuple[ExportFormat, str]]) -> dict[str, object]:
    said = result.assessment
    return {
        "case_id": said.case_id,
        "created_at": result.created_at.isoformat(timespec="seconds"),
        "software": __version__,
        "bundle": {"name": said.bundle_name, "version": said.bundle_version, "sha256": said.bundle_sha256},
        "result_sha256": result.digest,
        "signed_report": _signing(result),
        "files": [path.name for path in writer.written],
        "refused": {form.value: reason for form, reason in refused},
        "repairs": writer.repairs,
    }


def _signing(result: Result) -> dict[str, object] | None:
    """Who signed the report that the forms repeat, and when; its words stand in the forms alone."""
    signed = result.signed
    if signed is None:
        return None
    return {
        "signed_by": signed.signed_by,
        "signed_at": signed.signed_at.isoformat(timespec="seconds"),
        "is_outdated": signed.is_outdated,
    }


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Silence what quotes values: highdicom and pydicom warn of odd names by printing them."""
    loggers = [logging.getLogger(name) for name in ("highdicom", "pydicom")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"highdicom|pydicom")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _write_sr(writer: _Writer, _: bool) -> None:
    from diagnosis.reporting.dicom_source import dicom_source
    from diagnosis.reporting.dicom_sr import structured_report

    source = dicom_source(writer.result)
    writer.dicom(structured_report(writer.result, source), "assessment_sr.dcm")
    writer.note_repairs(source.repairs)


def _write_pm(writer: _Writer, _: bool) -> None:
    from diagnosis.reporting.dicom_source import dicom_source
    from diagnosis.reporting.parametric_map import parametric_map

    source = dicom_source(writer.result)
    writer.dicom(parametric_map(writer.result, source), "attribution_pm.dcm")
    writer.note_repairs(source.repairs)


def _write_sc(writer: _Writer, _: bool) -> None:
    from diagnosis.reporting.dicom_source import dicom_source
    from diagnosis.reporting.secondary_capture import secondary_captures

    source = dicom_source(writer.result)
    for number, made in enumerate(secondary_captures(writer.result, source), start=1):
        writer.dicom(made, f"pictures_sc_{number:02d}.dcm")
    writer.note_repairs(source.repairs)


def _write_pdf(writer: _Writer, _: bool) -> None:
    """The page itself always; wrapped in DICOM where there is a study to file it under."""
    from diagnosis.reporting.dicom_source import study_header
    from diagnosis.reporting.encapsulated_pdf import encapsulated_pdf

    writer.data(writer.pdf(), "report.pdf")
    try:
        header, repairs = study_header(writer.result.identity)
    except InputError as error:
        writer.note_repairs([f"the PDF was not wrapped in DICOM: {error}"])
        return
    writer.dicom(encapsulated_pdf(writer.result, header, writer.pdf()), "report_pdf.dcm")
    writer.note_repairs(repairs)


def _write_seg(writer: _Writer, _: bool) -> None:
    from diagnosis.reporting.dicom_source import dicom_source
    from diagnosis.reporting.segmentation import segmentation

    source = dicom_source(writer.result)
    writer.dicom(segmentation(writer.result, source), "region_seg.dcm")
    writer.note_repairs(source.repairs)


def _write_fhir(writer: _Writer, has_pdf: bool) -> None:
    from diagnosis.reporting.fhir import fhir_bundle

    text = fhir_bundle(writer.result, writer.pdf() if has_pdf else None)
    writer.data(text.encode(), "report_fhir.json")


_WRITERS: dict[ExportFormat, Callable[[_Writer, bool], None]] = {
    ExportFormat.SR: _write_sr,
    ExportFormat.PM: _write_pm,
    ExportFormat.SC: _write_sc,
    ExportFormat.PDF: _write_pdf,
    ExportFormat.SEG: _write_seg,
    ExportFormat.FHIR: _write_fhir,
}
