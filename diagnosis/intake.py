"""From the archive's door to its shelves: a study that has arrived is assessed, written, and sent back.

What a study came to stands in `outcome.json` beside its results, in a folder whose name says nothing. A study that is
lost, refused by the geometry gate, or cannot be assessed is never passed over in silence.
"""

import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from diagnosis.answer import answer_case
from diagnosis.errors import DiagnosisError, IncompleteStudyError, PacsError, RegionError, unforeseen_reason
from diagnosis.field_errors import first_field_error
from diagnosis.ingest import limits
from diagnosis.ingest.case_folder import assemble_case
from diagnosis.pacs.archive import Archive
from diagnosis.pacs.inbox import Arrival, Ending
from diagnosis.pacs.instance_folder import pseudonym
from diagnosis.record import Assessment, RegionOfInterest
from diagnosis.reporting.export import Export, write_exports
from diagnosis.reporting.result import Result
from diagnosis.version import __version__
from diagnosis.vocabulary import ExportFormat, counted

if TYPE_CHECKING:  # what only passes the engine on does not wait for torch
    from diagnosis.engine import DiagnosisEngine

OUTCOME: Final = "outcome.json"
UNCOUNTED: Final = "CT: no archive told how many images the series has, so it was taken for whole when no more came"
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _RegionRow(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    study_uid: Annotated[str, Field(min_length=1, max_length=64)]
    center_x_mm: Finite
    center_y_mm: Finite
    center_z_mm: Finite
    diameter_mm: Annotated[float, Field(gt=0, le=300)] | None = None


@final
@dataclass(frozen=True)
class IntakeOptions:
    """What becomes of a study.

    Attributes:
        out: folder for results, one a study.
        formats: forms of the result.
        regions: where to look, by Study Instance UID; other studies are searched for candidates.
        send_to: where results are sent, or None.
        keeps_images: whether the images stay beside the results.
    """

    out: Path
    formats: Sequence[ExportFormat] = tuple(ExportFormat)
    regions: Mapping[str, RegionOfInterest] = field(default_factory=dict, repr=False)
    send_to: Archive | None = None
    keeps_images: bool = False


@final
@dataclass(frozen=True)
class Outcome:
    """What became of a study.

    Attributes:
        folder: where its results lie.
        arrival: how it came.
        assessment: what was said, or None.
        n_sent: objects that the archive took.
        error: why it was not assessed, or its results not all sent; None where all is done.
    """

    folder: Path
    arrival: Arrival
    assessment: Assessment | None
    n_sent: int
    error: DiagnosisError | None


def read_regions(path: Path) -> dict[str, RegionOfInterest]:
    """Regions by Study Instance UID, from a CSV: study_uid, center_x_mm, center_y_mm, center_z_mm, diameter_mm.

    Raises:
        RegionError: no such file, or a row that cannot be used; the message names its number.
    """
    try:
        limits.check_file_size(path, limits.MAX_MANIFEST_BYTES, "regions")
        with path.open(encoding="utf-8-sig", newline="") as file:
            return dict(_region(number, cells) for number, cells in enumerate(csv.DictReader(file), start=1))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = "regions: the file cannot be read; name a CSV file in UTF-8"
        raise RegionError(msg) from error


def _region(number: int, cells: dict[str, Any]) -> tuple[str, RegionOfInterest]:
    try:
        row = _RegionRow.model_validate({str(name): value for name, value in cells.items() if value})
    except ValidationError as error:
        msg = f"regions: row {number}: {first_field_error(error, _RegionRow.model_fields)}; correct it"
        raise RegionError(msg) from None
    return row.study_uid, RegionOfInterest((row.center_x_mm, row.center_y_mm, row.center_z_mm), row.diameter_mm)


def take_in(engine: "DiagnosisEngine", arrival: Arrival, options: IntakeOptions) -> Outcome:
    """Assess a study, write its results, send them; whatever happens is recorded, and its images are removed.

    Raises:
        OSError: the disk, not the study: the next one would fail as well.
    """
    folder = _new_folder(options.out, pseudonym(arrival.study_uid))
    assessment, export, n_sent = None, None, 0
    error: DiagnosisError | None = None
    try:
        assessment, export = _assess(engine, arrival, options, folder)
        if options.send_to is not None:
            n_sent = _send(options.send_to, export)
    except DiagnosisError as found:
        error = found
    except OSError:
        raise
    except Exception as found:  # noqa: BLE001 - one study must not end the reception of the others
        error = DiagnosisError(f"study: {unforeseen_reason(found)}")
    outcome = Outcome(folder, arrival, assessment, n_sent, error)
    (folder / OUTCOME).write_text(json.dumps(_record(outcome, export), indent=2) + "\n", encoding="utf-8")
    # Only now: a study whose record cannot be written is taken up again by the next start.
    if options.keeps_images:
        shutil.move(arrival.folder, folder / "ct")
    shutil.rmtree(arrival.folder.parent, ignore_errors=True)
    return outcome


def _new_folder(out: Path, name: str) -> Path:
    """A study that comes again gets a further folder: what was said before stays."""
    number = 1
    while True:
        folder = out / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True, mode=0o700)
        except FileExistsError:
            number += 1
        else:
            return folder


def _assess(
    engine: "DiagnosisEngine", arrival: Arrival, options: IntakeOptions, folder: Path
) -> tuple[Assessment, Export]:
    if arrival.ending is Ending.LOST:
        expected = "an unknown number of" if arrival.n_expected is None else arrival.n_expected
        refused = (
            f" ({arrival.n_refused} could not be taken: no room, a limit, or damaged)" if arrival.n_refused else ""
        )
        msg = f"study: only {arrival.n_images} of {expected} images came{refused}, so it is not assessed; send it again"
        raise IncompleteStudyError(msg)
    region = options.regions.get(arrival.study_uid)
    case, identity = assemble_case(pseudonym(arrival.study_uid, "case"), ct=arrival.folder, region=region)
    if arrival.ending is Ending.QUIET and arrival.n_expected is None:
        case = replace(case, warnings=(*case.warnings, f"{UNCOUNTED}: {arrival.n_images} came"))
    answer = answer_case(engine, case)
    assessment, case = answer.main, answer.case
    explanation = engine.explain(case)
    result = Result(case, identity, assessment, explanation, datetime.now(UTC))
    return assessment, write_exports(result, options.formats, folder)


def _send(archive: Archive, export: Export) -> int:
    files = [path for path in export.written if path.suffix == ".dcm"]
    sent = archive.store(files)
    if sent.refused:
        number, reason = sent.refused[0]
        first = f"{files[number - 1].name}: {reason}"
        msg = f"study: the archive refused {len(sent.refused)} of {counted(len(files), 'result')} ({first})"
        raise PacsError(msg)
    return sent.n_sent


def _record(outcome: Outcome, export: Export | None) -> dict[str, Any]:
    arrival = outcome.arrival
    return {
        "software": __version__,
        "arrival": {"ending": arrival.ending.value, "images": arrival.n_images, "expected": arrival.n_expected},
        "is_assessed": outcome.assessment is not None,
        "files": [path.name for path in export.written] if export else [],
        "not_written": {form.value: reason for form, reason in export.refused} if export else {},
        "sent": outcome.n_sent,
        "error": None if outcome.error is None else str(outcome.error),
        "exit_code": 0 if outcome.error is None else outcome.error.exit_code,
    }
